"""Changes end to end, through keys: planned, shown, applied with their event, refused, undone."""

import shutil
from datetime import timedelta

import msgspec
import pytest

from modeldeck.app.console.screens.alias import rollback_words
from modeldeck.app.console.screens.conflict import ConflictDialog
from modeldeck.app.console.screens.plan import PlanDialog
from modeldeck.app.usecases.aliases import plan_set
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.app.usecases.saved_plans import read_plan
from modeldeck.backends.api.events import Actor
from modeldeck.backends.api.plan import Change, Plan, Verdict
from modeldeck.widgets.lines import text_of
from tests.console.dump import NOW, check, dump, open_console, press, session_of, settled, typed
from tests.console.releases import make


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("past"))


@pytest.fixture
def past(made, tmp_path):
    """The path of a registry of its own."""
    return shutil.copytree(made, tmp_path / ".modeldeck")


async def events_of(session, where="action ~ alias"):
    from modeldeck.app.usecases.audit import list_events

    return (await list_events(session, where=where)).first


async def champion(session):
    return (await session.registry.model("fraud")).aliases.get("champion")


async def ask_for(pilot, alias="champion"):
    """From a version to the plan that points an alias at it."""
    await press(pilot, "p")
    await typed(pilot, alias)
    await press(pilot, "enter")


@pytest.fixture
async def session(past):
    session = session_of(past)
    session.registry.place = "/srv/lab/registry.db"  # it is said, and must be said alike everywhere
    yield session
    await session.registry.close()


async def test_an_alias_is_moved_through_its_plan_with_ticket_reason_and_event(session):
    count = len(await events_of(session))
    async with open_console(session, address="models/fraud/3") as pilot:
        await ask_for(pilot)
        screen = pilot.app.screen
        assert isinstance(screen, PlanDialog)
        assert screen.focused.id == "cancel"
        check("plan-80", dump(pilot.app))
        assert await champion(session) == 2
        await press(pilot, "tab", "tab", "tab")
        await typed(pilot, "CHG0431")
        await press(pilot, "enter")
        await typed(pilot, "week 48: /ok?")
        shown = dump(pilot.app)
        assert "--expect 2 --ticket CHG0431 --reason 'week 48: /ok?'" in " ".join(shown.split())
        named = screen.plan
        await press(pilot, "enter")
        assert pilot.app.screen is screen, "Enter in a field does not apply"
        await press(pilot, "tab", "enter")
        assert "event 9), z undoes it" in dump(pilot.app)
        assert "candidate champion" in dump(pilot.app)
    event = (await events_of(session))[0]
    assert len(await events_of(session)) == count + 1
    assert await champion(session) == 3
    assert (event.before, event.after) == ({"version": 2}, {"version": 3})
    assert (event.ticket, event.reason) == ("CHG0431", "week 48: /ok?")
    assert event.plan == named.digest


async def test_a_plan_on_a_larger_screen(session):
    async with open_console(session, size=(120, 40), address="models/fraud/4") as pilot:
        await ask_for(pilot)
        check("plan-120", dump(pilot.app))
        await press(pilot, "escape")


@pytest.mark.parametrize("keys", [("enter",), ("escape",), ("tab", "left", "enter")])
async def test_cancelling_changes_nothing(session, keys):
    before = [event.seq for event in await events_of(session, "")]
    async with open_console(session, address="models/fraud/3") as pilot:
        await ask_for(pilot)
        await press(pilot, *keys)
        assert "nothing changed" in dump(pilot.app)
        assert not isinstance(pilot.app.screen, PlanDialog)
    assert [event.seq for event in await events_of(session, "")] == before
    assert await champion(session) == 2


async def test_a_lost_race_shows_both_values_and_plans_again(session, past):
    async with open_console(session, address="models/fraud/3") as pilot:
        await ask_for(pilot)
        await press(pilot, "tab", "tab", "tab", "tab")
        await typed(pilot, "mine")
        other = session_of(past)
        await apply_plan(other, await plan_set(other, "fraud", "champion", 1))
        await other.registry.close()
        await press(pilot, "tab", "tab", "enter")
        assert isinstance(pilot.app.screen, ConflictDialog)
        shown = dump(pilot.app)
        assert "version is 1 now" in shown
        assert "the plan expects 2" in shown
        check("conflict-80", shown)
        await press(pilot, "tab", "enter")
        assert isinstance(pilot.app.screen, PlanDialog)
        assert "1 -> 3" in dump(pilot.app)
        assert pilot.app.screen.plan.reason == "mine", "what was typed is kept"
        await press(pilot, "tab", "enter")
    assert await champion(session) == 3
    assert [e.after["version"] for e in await events_of(session)][:2] == [3, 1]


async def test_a_conflict_can_be_left(session, past):
    async with open_console(session, address="models/fraud/3") as pilot:
        await ask_for(pilot)
        other = session_of(past)
        await apply_plan(other, await plan_set(other, "fraud", "champion", 1))
        await other.registry.close()
        await press(pilot, "tab", "enter", "escape")
        assert "champion" in dump(pilot.app)
        assert not isinstance(pilot.app.screen, PlanDialog | ConflictDialog)
    assert await champion(session) == 1


async def test_read_only_says_why_and_asks_nothing(past):
    session = session_of(past, readonly="this session was opened with --readonly")
    async with open_console(session, address="models/fraud/3") as pilot:
        for key in ("p", "T", "e", "delete", "z"):
            await press(pilot, key)
            assert "opened with --readonly" in dump(pilot.app)
        assert "READ-ONLY" in dump(pilot.app)
    await session.registry.close()


async def test_undo_takes_the_last_change_back_and_names_it(session):
    async with open_console(session, address="models/fraud/3") as pilot:
        await ask_for(pilot)
        await press(pilot, "tab", "enter", "z")
        check("plan-undo-80", dump(pilot.app))
        await press(pilot, "tab", "enter")
        assert "undone: fraud@champion is version 3" in dump(pilot.app)
    newest, undone = (await events_of(session))[:2]
    assert newest.undo_of == undone.seq
    assert await champion(session) == 2


async def test_undo_goes_back_change_by_change(session):
    async with open_console(session, address="models/fraud/3") as pilot:
        for tag in ("a=1", "b=2"):
            await press(pilot, "T")
            await typed(pilot, tag)
            await press(pilot, "enter", "tab", "enter")
        await press(pilot, "z", "tab", "enter")
        assert set((await session.registry.version("fraud", 3)).tags) == {"team", "tier", "a"}
        await press(pilot, "z", "tab", "enter")
        assert set((await session.registry.version("fraud", 3)).tags) == {"team", "tier"}


async def test_what_somebody_has_changed_since_is_not_undone(session, past):
    async with open_console(session, address="models/fraud/3") as pilot:
        await ask_for(pilot)
        await press(pilot, "tab", "enter")
        other = session_of(past, actor=Actor(user="bob", host="lab"))
        await apply_plan(other, await plan_set(other, "fraud", "champion", 1))
        await other.registry.close()
        await press(pilot, "z")
        assert "version is 1 now, it was left as 3" in dump(pilot.app)
        assert not isinstance(pilot.app.screen, PlanDialog)
    assert await champion(session) == 1


async def test_own_changes_are_undone_after_a_restart_and_those_of_others_are_not(session, past):
    mine = session_of(past)
    await apply_plan(mine, await plan_set(mine, "fraud", "champion", 3))
    theirs = session_of(past, actor=Actor(user="bob", host="lab"))
    await apply_plan(theirs, await plan_set(theirs, "fraud", "candidate", 4))
    for other in (mine, theirs):
        await other.registry.close()
    async with open_console(session, address="models/fraud/3") as pilot:
        await press(pilot, "z")
        assert "undo fraud@champion  3 -> 2" in dump(pilot.app)
        await press(pilot, "tab", "enter")
        assert "undone: event 9" in dump(pilot.app)
    assert await champion(session) == 2
    assert (await session.registry.model("fraud")).aliases["candidate"] == 4


async def test_a_plan_is_saved_for_later(session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with open_console(session, address="models/fraud/3") as pilot:
        await ask_for(pilot)
        await press(pilot, "tab", "tab", "enter")
        assert "to plan-" in dump(pilot.app)
        await press(pilot, "enter")
        assert "saved plan" in dump(pilot.app)
    assert await champion(session) == 2
    (file,) = tmp_path.glob("plan-*.json")
    assert file.stat().st_mode & 0o777 == 0o600
    saved = read_plan(str(file))
    assert saved.plan.arguments["version"] == 3
    assert file.name == f"plan-{saved.plan.id}.json"
    assert saved.plan.lapses_at == NOW + timedelta(days=1)


async def test_a_reason_is_typed_where_the_context_is_protected(past):
    session = session_of(past, protected=True, context="prod")
    async with open_console(session, size=(120, 40), address="models/fraud/3") as pilot:
        await ask_for(pilot)
        dialog = pilot.app.screen
        assert "needed: the context prod is protected" in dump(pilot.app)
        dialog.query_one("#confirm").value = "prod"
        await settled(pilot)
        assert "a reason is needed: the context prod is protected" in dump(pilot.app)
        assert dialog.query_one("#apply").disabled
        dialog.query_one("#reason").value = "week 48"
        await settled(pilot)
        assert not dialog.query_one("#apply").disabled
        dialog.query_one("#apply").action_press()
        await settled(pilot)
    assert await champion(session) == 3
    await session.registry.close()


async def test_numbers_of_a_gate_are_shown_on_demand(session):
    gates = [
        Verdict(rule=f"rule {n}", gate="production", verdict="pass", numbers={"n": n})
        for n in range(9)
    ]
    plan = msgspec.structs.replace(
        await plan_set(session, "fraud", "champion", 3), gates=tuple(gates)
    )
    async with open_console(session, size=(80, 24)) as pilot:
        pilot.app.push_screen(PlanDialog(plan))
        await settled(pilot)
        assert "production 9 of 9 pass   v shows the numbers" in dump(pilot.app)
        assert "rule 3" not in dump(pilot.app)
        await press(pilot, "v")
        shown = "\n".join(text_of([one]) for one in pilot.app.screen.query_one("#lines").said)
        assert "pass rule 8" in shown
        assert "n 8" in shown
        await press(pilot, "v", "escape")


async def test_a_name_that_is_no_alias_is_refused_before_a_plan(session):
    async with open_console(session, address="models/fraud/3") as pilot:
        await ask_for(pilot, "v3")
        assert "reads as a version" in dump(pilot.app)
        await press(pilot, "p")
        await typed(pilot, "can")
        await press(pilot, "tab", "enter")
        shown = dump(pilot.app)
        assert "CANNOT BE APPLIED: there is nothing to change" in shown, "candidate is 3 already"
        assert "( Nothing to change )" in shown
        await press(pilot, "tab", "tab", "tab", "tab", "enter")
        assert not isinstance(pilot.app.screen, PlanDialog), "Tab does not stop at what is barred"


async def test_the_latest_of_a_model_is_promoted_from_the_list(session):
    async with open_console(session) as pilot:
        pilot.app.go("models")
        await settled(pilot)
        await press(pilot, "end")
        await ask_for(pilot)
        assert "version  2 -> 4" in dump(pilot.app)
        assert "could run foreign code" in dump(pilot.app)
        await press(pilot, "escape")


async def test_marked_runs_are_deleted_and_restored_together(session):
    async with open_console(session) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        await press(pilot, "ctrl+a")
        await press(pilot, "delete")
        assert "Delete 3 runs" in dump(pilot.app)
        await press(pilot, "tab", "enter")
        assert "3 done" in dump(pilot.app)
        await press(pilot, "escape")
        assert "deleted 3 runs" in dump(pilot.app)
        assert (await session.registry.run("xgb-w48-07")).deleted_at is not None
        await press(pilot, "u")
        assert "only deleted runs can be restored" in dump(pilot.app)
        await press(pilot, "z", "tab", "enter")
        assert "undone: deleted 3 runs" in dump(pilot.app)
        run = await session.registry.run("xgb-w48-07")
        assert run.deleted_at is None


async def test_a_held_version_is_not_deleted_and_the_reason_is_said(session):
    async with open_console(session, size=(120, 40)) as pilot:
        pilot.app.go("versions fraud")
        await settled(pilot)
        await press(pilot, "end", "up", "delete")
        assert "fraud@champion points at it" in dump(pilot.app)
        await press(pilot, "home", "T")
        await typed(pilot, "stage = shadow run")
        await press(pilot, "enter", "tab", "enter")
        assert (await session.registry.version("fraud", 4)).tags == {"stage": "shadow run"}
        await press(pilot, "T")
        await typed(pilot, "stage")
        await press(pilot, "enter")
        assert "a tag is given as KEY=VALUE sets" in dump(pilot.app)


async def test_a_hundred_changes_scroll_and_a_failing_gate_bars(session, monkeypatch):
    monkeypatch.delenv("TMUX", raising=False)
    changes = [Change(f"runs/{n:032x}", "deleted", None, "x") for n in range(100)]
    barred = Plan(
        operation="run.rm",
        arguments={},
        context="lab",
        changes=changes,
        gates=(Verdict(rule="kept for audit", verdict="fail", shows="until 2033"),),
        command=("modeldeck", "runs", "rm", "-"),
        created_at=NOW,
        lapses_at=NOW + timedelta(minutes=15),
    )
    answers = []
    async with open_console(session) as pilot:
        pilot.app.push_screen(PlanDialog(barred), answers.append)
        await press(pilot, "pagedown", "down", "up")
        check("plan-barred-80", dump(pilot.app))
        await press(pilot, "Y")
        assert "copied modeldeck runs rm -" in dump(pilot.app)
        await press(pilot, "tab", "tab", "tab", "tab", "enter")
    assert answers == [None]


async def test_an_alias_is_rolled_back_from_its_version(session):
    async with open_console(session, address="models/fraud/2") as pilot:
        await press(pilot, "R", "enter")
        shown = dump(pilot.app)
        assert "rollback fraud@champion  2 -> 1" in shown
        assert "rollback checks 5 of 5 pass" in shown
        assert "( Roll back" not in shown
        await press(pilot, "tab", "enter")
        assert "fraud@champion is rolled back (event 9), z undoes it" in dump(pilot.app)
    assert await champion(session) == 1
    assert (await events_of(session))[0].evidence["as"] == "rollback"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("champion", ("champion", None, "")),
        ("champion 11", ("champion", 11, "")),
        ("champion v11", ("champion", 11, "")),
        ("champion x", ("champion", 0, "")),
        ("champion ! INC0042", ("champion", None, "INC0042")),
        ("champion 11 ! INC 42", ("champion", 11, "INC 42")),
        ("", ("", None, "")),
    ],
)
def test_what_is_typed_for_a_rollback(text, parts):
    assert rollback_words(text) == parts
