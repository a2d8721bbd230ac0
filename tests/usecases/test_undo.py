"""Taking changes back, of every kind that can be."""

import shutil

import pytest

from modeldeck.app.usecases import shelf
from modeldeck.app.usecases.aliases import plan_remove, plan_set
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.app.usecases.texts import card_template, plan_card, plan_note
from modeldeck.app.usecases.undo import plan_undo
from modeldeck.backends.api.errors import ConflictError, RefusedError
from tests.console.dump import session_of
from tests.console.releases import make


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
    "card": (lambda s: plan_card(s, "fraud", 2, "another"), ""),
    "note": (lambda s: plan_note(s, "xgb-w48-07", "a note"), ""),
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
    back = await plan_undo(session, plan, events)
    assert " ".join(back.command) == command
    undone = await apply_plan(session, back)
    assert await everything(session) == before
    assert {event.undo_of for event in undone} == {events[-1].seq}


async def test_what_was_changed_since_stays(session):
    plan = await plan_set(session, "fraud", "champion", 3)
    events = await apply_plan(session, plan)
    await apply_plan(session, await plan_set(session, "fraud", "champion", 1))
    with pytest.raises(ConflictError, match="version is 1 now, it was left as 3"):
        await plan_undo(session, plan, events)


async def test_a_plan_without_a_way_back_is_refused(session):
    import msgspec

    plan = await plan_set(session, "fraud", "champion", 3)
    with pytest.raises(RefusedError, match="cannot be undone"):
        await plan_undo(session, msgspec.structs.replace(plan, inverse=None), [])


async def test_a_card_says_when_it_was_changed_meanwhile(session):
    plan = await plan_card(session, "fraud", 2, "x", seen="what was read")
    assert "changed meanwhile" in plan.effects[0]
    assert (await plan_card(session, "fraud", 3, "x", seen="")).effects == ()
    for word in ("Intended use", "Data", "Metrics", "Limitations", "Owners"):
        assert f"## {word}\n" in card_template("fraud", 3)
