"""The trash on the screen: who, why, how long; restored, removed for good, or why not."""

import shutil
from datetime import timedelta

import msgspec
import pytest

from modeldeck.app.console.screens.trash import TrashScreen
from modeldeck.app.usecases import shelf
from modeldeck.app.usecases.locks import plan_lock
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.backends.api.address import version as version_address
from tests.console.dump import check, dump, open_console, press, session_of, typed
from tests.console.releases import HOSTILE, make


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("past"))


@pytest.fixture
async def session(made, tmp_path):
    session = session_of(shutil.copytree(made, tmp_path / ".modeldeck"))
    yield session
    await session.registry.close()


async def rm(session, noun, *refs, reason="", ticket=""):
    plan = await shelf.plan_shelf(session, noun, refs, delete=True, reason=reason, ticket=ticket)
    await apply_plan(session, plan)


async def filled(session):
    """Two versions, two runs, one of them held, a model with an odd name."""
    await rm(session, "run", "xgb-w48-07", "xgb-w46-02", reason="a sweep that nobody needs")
    await rm(session, "version", "fraud/1", reason="unsafe", ticket="CHG0412")
    await apply_plan(session, await plan_lock(session, ["fraud/3"], reason="audit 2026"))
    await rm(session, "model", HOSTILE)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80", "120"])
async def test_the_list(session, size):
    await filled(session)
    async with open_console(session, size=size) as pilot:
        await press(pilot, "colon")
        await typed(pilot, "trash")
        await press(pilot, "enter")
        assert isinstance(pilot.app.screen, TrashScreen)
        shown = dump(pilot.app)
        check(f"trash-{size[0]}", shown)
        assert "\x1b" not in shown


async def goto(pilot, text):
    await press(pilot, "colon")
    await typed(pilot, text)
    await press(pilot, "enter")


async def test_one_comes_back_as_it_was(session):
    await filled(session)
    async with open_console(session) as pilot:
        await goto(pilot, "trash /what = version")
        await press(pilot, "u")
        assert "Restore 1 version" in dump(pilot.app)
        await press(pilot, "tab", "enter")
        assert "1 done" in dump(pilot.app)
        assert "done     models/fraud/1  event" in dump(pilot.app)
        assert (await session.registry.version("fraud", 1)).deleted_at is None


async def test_why_not_is_said_before_anything_is_asked(session):
    await filled(session)
    async with open_console(session) as pilot:
        await goto(pilot, "trash /what = version")
        await press(pilot, "delete")
        assert "it is kept 30.0 more days of 30; then Del removes it" in dump(pilot.app)
        await goto(pilot, "trash /what = run and held ~ fraud")
        await press(pilot, "delete")
        assert "it is kept for LOCKED fraud/3" in dump(pilot.app)
        await goto(pilot, "trash")
        await press(pilot, "ctrl+a", "u")
        assert "of one kind" in dump(pilot.app)


async def test_what_is_past_its_time_goes_for_good(session):
    await rm(session, "version", "fraud/1")
    then = session.clock() + timedelta(days=31)
    session.registry.clock = lambda: then
    late = msgspec.structs.replace(session, clock=lambda: then)
    async with open_console(late) as pilot:
        await goto(pilot, "trash")
        assert "past" in dump(pilot.app)
        await press(pilot, "delete")
        shown = dump(pilot.app)
        assert "this cannot be undone" in shown
        assert "Remove 1 version for good" in shown
        assert shown.index("BREAKS") < shown.index("WHAT CHANGES")
        assert "models/fraud/1  record  in the trash -> gone for good" in shown
        await press(pilot, "tab", "enter")
        assert "1 done" in dump(pilot.app)
        await press(pilot, "escape")
        assert "the trash is empty" in dump(pilot.app)
    assert list(await session.registry.purged("fraud")) == [1]


async def test_marked_ones_are_told_one_by_one(session):
    await apply_plan(session, await plan_lock(session, ["fraud/1"], reason="audit"))
    async with open_console(session) as pilot:
        await goto(pilot, "versions fraud")
        assert "LOCKED" in dump(pilot.app)
        await press(pilot, "ctrl+a", "delete")
        shown = dump(pilot.app)
        assert "Delete 1 version" in shown
        await press(pilot, "tab", "enter")
        check("trash-results-80", dump(pilot.app))
        assert "1 done, 3 refused" in dump(pilot.app)
        assert "refused  models/fraud/1  it is locked (ada: audit)" in dump(pilot.app)
        await press(pilot, "escape", "z")
        assert "Restore 1 version" in dump(pilot.app)


async def test_a_model_is_deleted_after_its_aliases_are_typed(session):
    async with open_console(session) as pilot:
        await goto(pilot, "models /name = fraud")
        await press(pilot, "delete")
        shown = dump(pilot.app)
        assert "who reads it finds nothing from now on" in shown
        assert "type fraud@candidate fraud@champion to confirm" in shown
        dialog = pilot.app.screen
        assert dialog.query_one("#apply").disabled
        dialog.query_one("#confirm").focus()
        await typed(pilot, "fraud@candidate fraud@champion")
        assert not dialog.query_one("#apply").disabled
        dialog.query_one("#apply").focus()
        await press(pilot, "enter")
    model = await session.registry.model("fraud")
    assert (model.deleted_at is not None, model.aliases) == (True, {})


async def test_a_lock_is_told_on_the_screen_of_the_version(session):
    await apply_plan(session, await plan_lock(session, ["fraud/3"], reason="audit 2026"))
    async with open_console(session, address=version_address("fraud", 3)) as pilot:
        assert "LOCKED" in dump(pilot.app)
        assert "ada: audit 2026" in dump(pilot.app)
