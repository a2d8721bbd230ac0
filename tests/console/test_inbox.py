"""What waits, what was asked for, and the first question of a version, on the screen."""

import json
import re
import shutil
from datetime import timedelta

import pytest

from modeldeck.app.console.screens.inbox import ApprovalsScreen, InboxScreen
from modeldeck.app.console.screens.plan import PlanDialog
from modeldeck.app.console.screens.version import VersionScreen
from modeldeck.app.usecases.inbox import inbox
from modeldeck.backends.api.statements import Sync
from tests.console.decided import made as make
from tests.console.decided import place_of, policy
from tests.console.dump import check, dump, open_console, press, settled, typed
from tests.usecases.people import OTHER_DIGEST

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80", "120"])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("decided"))


@pytest.fixture
async def place(made, tmp_path):
    place = place_of(shutil.copytree(made, tmp_path / ".modeldeck"))
    yield place
    await place.registry.close()


async def go(pilot, text):
    await press(pilot, "colon")
    await typed(pilot, text)
    await press(pilot, "enter")


async def sign(pilot, reason):
    """Fill in the reason of the plan that is shown, and apply it."""
    assert isinstance(pilot.app.screen, PlanDialog)
    pilot.app.screen.query_one("#reason").focus()
    await typed(pilot, reason)
    pilot.app.screen.query_one("#apply").focus()
    await press(pilot, "enter")


async def same(place, name, shown):
    """Compare with a golden file; ids of statements change with every word that is signed."""
    for signed in await place.statements.statements():
        shown = shown.replace(signed.id[:8], "IDIDIDID")
    check(name, shown)


@SIZES
async def test_the_inbox(place, size):
    async with open_console(place.of("rev2"), size=size) as pilot:
        await go(pilot, "inbox")
        assert isinstance(pilot.app.screen, InboxScreen)
        await same(place, f"inbox-{size[0]}", dump(pilot.app))


@SIZES
async def test_requests(place, size):
    async with open_console(place.of("rev2"), size=size) as pilot:
        await go(pilot, "approvals")
        assert isinstance(pilot.app.screen, ApprovalsScreen)
        await same(place, f"approvals-{size[0]}", dump(pilot.app))


@SIZES
async def test_what_waits_stands_first_in_the_overview(place, size):
    async with open_console(place.of("rev2"), size=size) as pilot:
        shown = dump(pilot.app)
        await same(place, f"overview-waiting-{size[0]}", shown)
        lines = shown.splitlines()
        assert lines[1].startswith("   WRONG 1 ---")
        assert lines[2].startswith(">  WRONG    fraud v2 -> champion")
        assert lines[3].startswith("   WAITING FOR ME 2 ---")


@SIZES
async def test_may_it_go_stands_first_with_failures_first(place, size):
    async with open_console(place.of("rev2"), size=size, address="models/fraud/3") as pilot:
        await same(place, f"version-gate-{size[0]}", dump(pilot.app))
        await press(pilot, "6")
        await same(place, f"version-approvals-said-{size[0]}", dump(pilot.app))


async def test_hostile_names_and_reasons_are_made_visible(place):
    async with open_console(place.of("rev2")) as pilot:
        for where in ("inbox", "approvals"):
            await go(pilot, where)
            await press(pilot, "end")
            assert "\\u{1b}]52;c;x" in dump(pilot.app)
        await go(pilot, "approvals /person = ana and state = wait")
        await press(pilot, "down", "a")
        shown = dump(pilot.app)
        assert "SIGNS" in shown
        assert "\x1b" not in shown


async def test_an_approval_from_the_version_screen(place):
    async with open_console(place.of("rev2"), address="models/fraud/3") as pilot:
        await press(pilot, "a")
        shown = dump(pilot.app)
        assert "SIGNS        says      approval of models/fraud/3 for fraud@champion" in shown
        await sign(pilot, "read it too")
        await press(pilot, "6")
        shown = dump(pilot.app)
        assert "read it too" in shown
        assert re.search("approved +rev2 .* yes ", shown)
        await press(pilot, "1")
        assert "pass  2 approvals" in dump(pilot.app)
        await press(pilot, "a")
        assert "you approved it already" in dump(pilot.app)
    (event,) = (await place.registry.events()).first[:1]
    assert (event.action, event.evidence["person"]) == ("approval.approve", "rev2")


async def test_a_request_from_the_version_screen_for_the_alias_that_has_a_gate(place):
    async with open_console(place.of("ana"), address="models/fraud/1") as pilot:
        await press(pilot, "A")
        assert "request of models/fraud/1 for fraud@champion" in dump(pilot.app)
        await sign(pilot, "back to the first one")
        await press(pilot, "6")
        assert "back to the first one" in dump(pilot.app)


async def test_which_alias_is_asked_where_no_gate_says(place):
    session = place.of("ana", policy=policy())
    async with open_console(session, address="models/fraud/2") as pilot:
        # It is the champion: where else?
        await press(pilot, "A")
        await typed(pilot, "can")
        await press(pilot, "tab", "enter")
        assert "request of models/fraud/2 for fraud@candidate" in dump(pilot.app)


async def test_refusing_and_taking_back_from_the_inbox(place):
    async with open_console(place.of("rev2")) as pilot:
        await go(pilot, "inbox /version = 3")
        await press(pilot, "ctrl+x")
        await sign(pilot, "worse for new customers")
        assert "nothing waits" in dump(pilot.app) or "no inbox fit" in dump(pilot.app)
        await go(pilot, "approvals /version = 3")
        assert "REFUSED" in dump(pilot.app)
        await press(pilot, "W")
        assert "withdrawal of models/fraud/3" in dump(pilot.app)
        await sign(pilot, "I was wrong")
        assert "wait 1 of 2" in dump(pilot.app)


async def test_enter_shows_what_was_said_of_the_version(place):
    async with open_console(place.of("rev2")) as pilot:
        await press(pilot, "down", "down", "enter")
        screen = pilot.app.screen
        assert isinstance(screen, VersionScreen)
        await press(pilot, "escape")
        await go(pilot, "inbox")
        await press(pilot, "enter")
        assert "[6 Approvals]" in dump(pilot.app)
        await press(pilot, "enter")
        assert '"decision": "asked"' in dump(pilot.app)


async def test_approving_from_the_overview(place):
    async with open_console(place.of("rev2")) as pilot:
        await press(pilot, "down", "down", "a")
        assert "approval of models/fraud/3" in dump(pilot.app)
        await press(pilot, "escape", "end", "a")
        assert "nothing is asked for here" in dump(pilot.app)


async def test_who_may_not_is_told_why(place):
    async with open_console(place.of("ana"), size=(120, 40)) as pilot:
        await go(pilot, "approvals /version = 3")
        await press(pilot, "a")
        assert "ana is author and operator, and approval.approve needs" in dump(pilot.app)


async def test_without_a_policy_it_says_so_and_asks_nothing(made, tmp_path):
    from tests.console.dump import session_of

    path = shutil.copytree(made, tmp_path / ".modeldeck")
    session = session_of(path)
    async with open_console(session, address="models/fraud/3") as pilot:
        shown = dump(pilot.app)
        assert "MAY IT GO" not in shown
        assert "A ask" not in shown
        await press(pilot, "a")
        assert "the policy names no people" in dump(pilot.app)
        await go(pilot, "inbox")
        assert "the policy names no people" in dump(pilot.app)
    await session.registry.close()


async def test_all_requests_are_a_key_away(place):
    async with open_console(place.of("rev2")) as pilot:
        await go(pilot, "approvals")
        place.now += timedelta(days=15)
        await press(pilot, "ctrl+r")
        assert "expired" not in dump(pilot.app)
        await press(pilot, "ctrl+d")
        assert "expired" in dump(pilot.app)


async def test_a_policy_that_changed_voids_what_is_seen(place):
    place.policy = policy(digest=OTHER_DIGEST)
    async with open_console(place.of("rev1")) as pilot:
        shown = dump(pilot.app)
        assert "VOID     fraud v3 -> champion" in shown
        await go(pilot, "inbox /kind = void")
        assert "the policy changed" in dump(pilot.app) or "your approval" in dump(pilot.app)


async def test_records_that_were_rewritten_are_said_first(place, monkeypatch):
    async def status():
        return Sync(place="git", rewritten=True, trouble="its head went back")

    monkeypatch.setattr(place.statements, "status", status)
    async with open_console(place.of("ana")) as pilot:
        assert "the shared records were rewritten" in dump(pilot.app).splitlines()[2]
        await go(pilot, "inbox /kind = wrong")
        await press(pilot, "home", "a")
        assert "modeldeck records status" in dump(pilot.app)


async def test_json_and_csv_of_the_inbox(place, tmp_path):
    session = place.of("rev2")
    async with open_console(session) as pilot:
        await go(pilot, "inbox")
        await press(pilot, "y")
        assert '"kind": "wrong"' in dump(pilot.app)
        await press(pilot, "escape", "ctrl+s", "ctrl+u")
        await typed(pilot, str(tmp_path / "inbox.jsonl"))
        await press(pilot, "enter")
    found = [json.loads(line) for line in (tmp_path / "inbox.jsonl").read_text().splitlines()]
    assert [one["kind"] for one in found] == [one.kind for one in await inbox(session)]


async def test_the_touch_of_a_key_is_asked_for_while_it_is_waited_for(place):
    import threading

    from tests.usecases.people import Key

    seen, go_on = threading.Event(), threading.Event()

    class Hardware(Key):
        def sign(self, namespace, message):
            seen.set()
            assert go_on.wait(60)
            return super().sign(namespace, message)

    key = Hardware("rev2")
    key.public = f"sk-{key.public}"
    async with open_console(place.of("rev2", key), address="models/fraud/3") as pilot:
        await press(pilot, "a")
        pilot.app.screen.query_one("#reason").focus()
        await typed(pilot, "fine")
        pilot.app.screen.query_one("#apply").focus()
        await pilot.press("enter")
        while not seen.is_set():
            await pilot.pause()
        assert "touch your key" in dump(pilot.app)
        go_on.set()
        await settled(pilot)
        assert "touch your key" not in dump(pilot.app)
        assert "approved fraud/3" in dump(pilot.app)
