"""A walk over all screens: each key of the list does something there, or says why it does not."""

import pytest

from modeldeck.app.actions import ACTIONS, BY_ID
from modeldeck.app.console.goto import NOUNS
from modeldeck.app.nouns import DOORS
from modeldeck.backends.api.address import parse_address
from modeldeck.backends.local.opening import create_registry
from modeldeck.widgets.prompt import Prompt
from tests.console.dump import dump, open_console, press, session_of, settled
from tests.console.samples import DIRECTIONS

LISTS = [noun for noun in NOUNS if noun != "quit"]
DEEPER = {
    "a run": ("runs /status = finished", ["enter"]),
    "a version": ("versions fraud", ["enter"]),
    "what hangs on a run": ("runs", ["x"]),
    "what hangs on a version": ("versions fraud", ["x"]),
    "compared runs": ("runs", ["space", "down", "space", "c"]),
    "a text": ("runs", ["y"]),
    "keys": ("runs", ["?"]),
    "calls": ("runs", ["@"]),
    "saved views": ("runs", ["v"]),
    "verbs": ("runs", ["ctrl+p", "escape"]),
    "names": ("runs", ["ctrl+o"]),
}
LOOKED = ("describe", "raw", "hangs", "owner", "history", "views", "jump", "export", "last")


@pytest.fixture
async def session(registry):
    found = session_of(registry, directions=DIRECTIONS)
    yield found
    await found.registry.close()


async def stand(pilot, name):
    """Go to a screen, from the overview alone."""
    while len(pilot.app.screen_stack) > 1:
        pilot.app.pop_screen()
        await settled(pilot)
    goal, keys = DEEPER.get(name, (name, []))
    if goal != "overview":
        pilot.app.go(goal)
        await settled(pilot)
    if keys:
        await press(pilot, *keys)
    screen = pilot.app.screen
    if screen.query(Prompt) and screen.query_one(Prompt).display:
        screen.query_one(Prompt).leave()
        await settled(pilot)
    return screen


@pytest.mark.parametrize("name", [*LISTS, *DEEPER])
async def test_each_key_does_something_or_says_why_not(session, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for action in LOOKED:
        async with open_console(session, size=(120, 40)) as pilot:
            screen = await stand(pilot, name)
            screen.say("")
            before, calls = dump(pilot.app), len(pilot.app.bridge.calls)
            reason = screen.why_not(action)
            await screen.action_act(action)
            await settled(pilot)
            if reason:
                assert screen.notice == reason
                assert pilot.app.screen is screen
            else:
                done = dump(pilot.app) != before or len(pilot.app.bridge.calls) > calls
                assert done, f"{action} does nothing on {name}, and does not say why"


@pytest.mark.parametrize(
    "name", [*LISTS, "a run", "a version", "what hangs on a run", "what hangs on a version"]
)
async def test_the_address_that_is_copied_is_one_that_can_be_opened(session, name):
    async with open_console(session) as pilot:
        screen = await stand(pilot, name)
        text = screen.address_now()
        if not text:
            return
        assert text in DOORS or str(parse_address(text)) == text
    async with open_console(session, address=text) as pilot:
        assert pilot.app.screen.notice_style != "bad"
        assert dump(pilot.app).strip()


@pytest.mark.parametrize("door", DOORS)
async def test_a_door_is_opened_by_its_word_and_copied_as_it(tmp_path, door):
    await create_registry(tmp_path).close()
    async with open_console(tmp_path / ".modeldeck", address=door) as pilot:
        assert pilot.app.screen.crumb == door
        assert len(pilot.app.screen_stack) == 1
        copied = pilot.app.screen.address_now()
        assert copied == ("events" if door == "audit" else door)


def test_every_action_is_one_key_and_one_verb():
    keys = [key for action in ACTIONS for key in action.keys.split(",")]
    assert len(keys) == len(set(keys))
    assert len(BY_ID) == len(ACTIONS)
