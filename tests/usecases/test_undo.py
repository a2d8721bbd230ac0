"""Taking changes back, of every kind that can be."""

import shutil

import msgspec
import pytest

from modeldeck.app.config.policy import Person, Policy
from modeldeck.app.usecases import shelf
from modeldeck.app.usecases.aliases import plan_remove, plan_set
from modeldeck.app.usecases.makes import is_mine
from modeldeck.app.usecases.plans import apply_plan, way_back
from modeldeck.app.usecases.texts import card_template, plan_card, plan_note
from modeldeck.app.usecases.undo import plan_undo, why_not_undo
from modeldeck.backends.api.errors import ConflictError, NotFoundError, RefusedError, UsageError
from modeldeck.backends.api.events import Actor
from tests.console.dump import session_of
from tests.console.releases import make
from tests.usecases.gated import with_rules


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("past"))


@pytest.fixture
async def session(made, tmp_path):
    session = session_of(shutil.copytree(made, tmp_path / ".modeldeck"))
    yield session
    await session.registry.close()


KINDS = {
    "move": (
        lambda s: plan_set(s, "fraud", "champion", 3),
        "modeldeck alias set fraud champion 2 --expect 3",
    ),
    "new": (
        lambda s: plan_set(s, "fraud", "shadow", 4),
        "modeldeck alias rm fraud shadow --expect 4",
    ),
    "remove": (
        lambda s: plan_remove(s, "fraud", "candidate"),
        "modeldeck alias set fraud candidate 3 --expect none",
    ),
    "delete": (
        lambda s: shelf.plan_shelf(s, "version", ["fraud/1"], delete=True),
        "modeldeck versions restore models/fraud/1",
    ),
    "tag": (
        lambda s: shelf.plan_tags(s, "version", ["fraud/3"], {"team": None, "x": "1"}),
        "modeldeck versions tag models/fraud/3 team=risk x=",
    ),
    "card": (lambda s: plan_card(s, "fraud", 2, "another"), "modeldeck undo 9"),
    "note": (lambda s: plan_note(s, "xgb-w48-07", "a note"), "modeldeck undo 9"),
    "runs": (
        lambda s: shelf.plan_shelf(s, "run", ["xgb-w48-07", "xgb-w46-02"], delete=True),
        "modeldeck runs restore runs/" + f"{5:032x} runs/{200:032x}",
    ),
}


async def everything(session):
    """What can be changed, as it is now."""
    window = await session.registry.versions("fraud")
    found = [await session.registry.run(name) for name in ("xgb-w48-07", "xgb-w46-02")]
    return (
        dict((await session.registry.model("fraud")).aliases),
        {v.version: (dict(v.tags), v.card, v.deleted_at) for v in window.first},
        [(run.note, run.deleted_at) for run in found],
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_there_and_back_changes_nothing_and_leaves_both_events(session, kind):
    make_plan, command = KINDS[kind]
    before = await everything(session)
    plan = await make_plan(session)
    events = await apply_plan(session, plan)
    assert await everything(session) != before
    back = await plan_undo(session)
    assert " ".join(back.command) == command
    undone = await apply_plan(session, back)
    assert await everything(session) == before
    assert {event.undo_of for event in undone} == {events[-1].seq}


THEM = Actor(user="op2", host="jump2")


async def move(session, number, alias="champion"):
    return await apply_plan(session, await plan_set(session, "fraud", alias, number))


async def test_what_was_changed_since_stays_and_both_values_are_named(session):
    (event,) = await move(session, 3)
    await move(msgspec.structs.replace(session, actor=THEM), 1)
    for ref in ("", str(event.seq)):
        with pytest.raises(ConflictError, match="version is 1 now, it was left as 3"):
            await plan_undo(session, ref)


async def test_own_changes_are_taken_back_one_by_one_and_undone_ones_are_passed_over(session):
    await move(session, 3)
    await move(session, 4, "shadow")
    for seq in (10, 9):
        back = await plan_undo(session)
        assert back.undo_of == seq
        await apply_plan(session, back)
    assert (await session.registry.model("fraud")).aliases == {"champion": 2, "candidate": 3}


async def test_a_change_of_somebody_else_needs_its_number_and_says_whose_it_is(session):
    them = msgspec.structs.replace(session, actor=THEM)
    (event,) = await move(them, 3)
    assert (await plan_undo(session)).undo_of != event.seq
    back = await plan_undo(session, str(event.seq))
    assert "made by op2@jump2 and not by you" in back.effects[0]
    assert "not by you" not in (await plan_undo(them)).effects[0]
    await apply_plan(session, back)
    with pytest.raises(RefusedError, match="was undone already, by event 10 of ada@lab"):
        await plan_undo(session, str(event.seq))


@pytest.mark.parametrize(
    ("mine", "theirs", "same"),
    [
        (Actor(user="a", host="h"), Actor(user="a", host="h", session="other"), True),
        (Actor(user="a", host="h"), Actor(user="a", host="g"), False),
        (Actor(user="root", host="h", sudo_user="a"), Actor(user="a", host="h"), True),
        (Actor(user="a", host="h", key="K"), Actor(user="b", host="g", key="K"), True),
        (Actor(user="a", host="h", key="K"), Actor(user="a", host="g", key="L"), False),
    ],
)
async def test_who_is_the_same_person(session, mine, theirs, same):
    (event,) = await move(msgspec.structs.replace(session, actor=theirs), 3)
    assert is_mine(msgspec.structs.replace(session, actor=mine), event) == same


async def test_a_person_of_the_policy_is_the_same_on_every_host(session):
    policy = Policy(people={"ana": Person(logins=("ada", "op2@jump2"), roles=("operator",))})
    (event,) = await move(msgspec.structs.replace(session, actor=THEM), 3)
    assert not is_mine(session, event)
    assert is_mine(msgspec.structs.replace(session, policy=policy), event)


async def test_all_that_a_plan_has_done_goes_back_together_by_number_or_name(session):
    plan = await shelf.plan_tags(session, "version", ["fraud/2", "fraud/3"], {"x": "1"})
    events = await apply_plan(session, plan)
    assert len(events) == 2
    for ref in (str(events[0].seq), plan.id, plan.digest, plan.id.upper(), ""):
        back = await plan_undo(session, ref)
        assert {change.subject for change in back.changes} == {e.subject for e in events}
        assert back.undo_of == events[-1].seq
    await apply_plan(session, back)
    with pytest.raises(RefusedError, match="was undone already"):
        await plan_undo(session, str(events[0].seq))


@pytest.mark.parametrize("ref", ["999", "ffffffffff"])
async def test_no_such_change(session, ref):
    with pytest.raises(NotFoundError):
        await plan_undo(session, ref)


async def test_what_names_no_change(session):
    with pytest.raises(UsageError):
        await plan_undo(session, "abc")


async def test_what_has_no_way_back_is_refused_and_said_before(session):
    window = await session.registry.events(None, (), 1)
    taken = msgspec.structs.replace(
        window.first[0], action="x.y", before={"other": 1}, after={"other": 2}, seq=0
    )
    assert why_not_undo([taken]) == "x.y has no way back"
    assert why_not_undo([]) == "there is nothing to undo"
    plan = await plan_set(session, "fraud", "champion", 3)
    assert way_back(msgspec.structs.replace(plan, inverse=None)) == ["none: this cannot be undone"]


async def test_what_was_made_is_deleted_by_its_undo(session):
    (event,) = [
        e for e in (await session.registry.events(None, (), 50)).first if e.subject.endswith("/4")
    ]
    back = await plan_undo(session, str(event.seq))
    assert back.operation == "version.rm"
    await apply_plan(session, back)
    assert (await session.registry.version("fraud", 4)).deleted_at is not None


async def test_who_has_changed_nothing_has_nothing_to_take_back(session):
    with pytest.raises(NotFoundError, match="no change of yours"):
        await plan_undo(msgspec.structs.replace(session, actor=THEM))


async def test_an_undo_of_a_gated_alias_meets_its_gate(session):
    freeze = {"kind": "freeze", "windows": [{"from": "2026-11-01", "to": "2026-12-20"}]}
    floor = {"kind": "metric", "metric": "auc", "at_least": 0.99}
    await move(session, 3)
    back = await plan_undo(with_rules(session, freeze, floor), reason="r")
    assert [gate.kind for gate in back.gates] == ["freeze"], "no metric: it was live before"
    assert back.refused
    back = await plan_undo(with_rules(session, floor), reason="r")
    (event,) = await apply_plan(with_rules(session, floor), back)
    assert event.evidence["as"] == "undo"


async def test_a_card_says_when_it_was_changed_meanwhile(session):
    plan = await plan_card(session, "fraud", 2, "x", seen="what was read")
    assert "changed meanwhile" in plan.effects[0]
    assert (await plan_card(session, "fraud", 3, "x", seen="")).effects == ()
    for word in ("Intended use", "Data", "Metrics", "Limitations", "Owners"):
        assert f"## {word}\n" in card_template("fraud", 3)
