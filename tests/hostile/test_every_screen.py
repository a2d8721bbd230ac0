"""No screen is steered by what it shows: no control, no link, no action, no crash."""

from __future__ import annotations

import unicodedata
from xml.etree import ElementTree as ET

import pytest
from textual.geometry import Offset

from modeldeck.app.config.settings import Settings
from modeldeck.app.console.console import Console
from modeldeck.app.console.screens.base import DeckScreen
from modeldeck.app.console.startapp import StartApp
from modeldeck.widgets.prompt import Prompt
from tests.console.dump import dump, press, settled
from tests.hostile.screens import ELSEWHERE, OPENED, console_of, every_screen, session_of
from tests.hostile.strings import MARKUP, NAMES

SIZES = [(80, 24), pytest.param((120, 40), marks=pytest.mark.slow)]


def watched(session) -> tuple[Console, list[object]]:
    """A console with actions that only a name could start, and what they were started with."""
    console, pressed = console_of(session), []
    for action in ("action_canary", "action_simulate_key"):
        setattr(console, action, lambda *given: pressed.append(given or "pressed"))
    return console, pressed


def test_every_screen_is_looked_at():
    assert set(every_screen()) == OPENED.keys() | ELSEWHERE


def steered(app) -> list[str]:
    """What of the screen is more than letters and colours."""
    found = []
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        for text, style, control in strip:
            odd = [c for c in text if not c.isprintable() or unicodedata.category(c) == "Cf"]
            if odd or control:
                found.append(f"line {y}: {text!r}")
            if style is not None and style.link:
                found.append(f"line {y}: a link {style.link}")
            if style is not None and any(key.startswith("@") for key in style.meta):
                found.append(f"line {y}: an action {style.meta}")
    return found


@pytest.mark.parametrize("size", SIZES, ids=["80", "120"])
@pytest.mark.parametrize("name", OPENED)
async def test_a_screen_of_hostile_text(registry, name, size):
    session = session_of(registry)
    console, pressed = watched(session)
    try:
        async with console.run_test(size=size) as pilot:
            await settled(pilot)
            for open_it in OPENED[name]:
                below, screen = console.screen, await open_it(console)
                console.push_screen(screen)
                await settled(pilot)
                assert steered(console) == []
                await press(pilot, "end", "Y")
                assert steered(console) == []
                picture = console.export_screenshot()
                assert "hunter2" not in picture
                assert ET.fromstring(picture).tag.endswith("svg")
                while console.screen is not below:
                    console.pop_screen()
            assert console._exception is None
            assert pressed == []
    finally:
        await session.registry.close()


@pytest.mark.parametrize(
    "key", ["", "colon", *(pytest.param(k, marks=pytest.mark.slow) for k in ("slash", "ctrl+p"))]
)
async def test_what_comes_before_a_screen_has_its_lines(registry, key):
    """A key that opens a prompt; without one, the minute, and that something was changed."""
    session = session_of(registry)
    console = console_of(session)
    console.slow = True
    try:
        async with console.run_test(size=(80, 24)) as pilot:
            await settled(pilot)
            for ways in OPENED.values():
                below, screen = console.screen, await ways[0](console)
                console.push_screen(screen)
                assert not screen.query("*")
                if key:
                    await console._check_bindings(key, priority=True)
                else:
                    console._minute()
                    console.look_again()
                    assert getattr(screen, "reader", None) is None
                await settled(pilot)
                if key == "colon" and isinstance(screen, DeckScreen):
                    assert screen.query_one(Prompt).display, "the letters after it are in it"
                while console.screen is not below:
                    console.pop_screen()
            assert console._exception is None
    finally:
        await session.registry.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ModelsScreen", "TextScreen"])
async def test_no_click_anywhere_starts_what_a_name_says(registry, name):
    session = session_of(registry)
    console, pressed = watched(session)
    try:
        async with console.run_test(size=(60, 24)) as pilot:
            await settled(pilot)
            below = console.screen
            for y in range(24):
                for x in range(60):
                    if console.screen is below:
                        console.push_screen(await OPENED[name][0](console))
                        await settled(pilot)
                    screen = console.screen
                    await pilot.click(offset=Offset(x, y))
                    if console.screen is not screen:  # a click on a row opens it
                        while console.screen is not below:
                            console.pop_screen()
            assert pressed == []
            assert console._exception is None
            # 143 is a SIGTERM from outside, at which the console ends in good order.
            assert console.is_running, f"it ended with {console.return_code}"
    finally:
        await session.registry.close()


async def test_a_canary_is_pressed_where_markup_is_parsed():
    """The test above can fail: the same text, given to a widget as a bare `str`, is an action."""
    from textual.app import App
    from textual.widgets import Static

    class Careless(App[None]):
        pressed = 0

        def compose(self):
            yield Static(MARKUP[0])

        def action_canary(self) -> None:
            self.pressed += 1

    async with Careless().run_test() as pilot:
        assert any("an action" in one for one in steered(pilot.app))
        await pilot.click(offset=Offset(1, 0))
        assert pilot.app.pressed


async def test_the_start_page(tmp_path, monkeypatch):
    from textual.app import App

    folder = tmp_path / "\x1b]52;c;zq7\x07[@click=app.canary]x"
    folder.mkdir()
    monkeypatch.chdir(folder)
    app: App[int] = StartApp(Settings(), NAMES, " ".join(NAMES))
    async with app.run_test(size=(100, 60)) as pilot:
        await settled(pilot)
        assert steered(app) == []
        assert "\\u{1b}]52" in dump(app)
        await press(pilot, "p")
        assert steered(app) == []
