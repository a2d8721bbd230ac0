"""Every screen on terminals that can do little: small, without colour, of ASCII alone."""

import pytest
from textual.widget import Widget

from modeldeck.widgets.bar import Bar
from tests.console.dump import dump, settled
from tests.hostile.screens import OPENED, console_of, session_of

PLAIN = {"NO_COLOR": "1", "LC_ALL": "C"}
KINDS = [
    pytest.param((60, 16), PLAIN, id="small"),
    pytest.param((80, 24), PLAIN, marks=pytest.mark.slow, id="plain"),
    pytest.param((80, 24), {"TERM": "xterm", "COLORTERM": ""}, marks=pytest.mark.slow, id="16"),
]


def unseen(app) -> list[str]:
    """Texts in the colour of what they stand on."""
    return [
        text
        for strip in app.screen._compositor.render_strips()
        for text, style, _ in strip
        if text.strip() and style and style.color == style.bgcolor
        if style.color and not style.color.is_default
    ]


def coloured(app) -> list[str]:
    """Texts in a colour of their own."""
    return [
        text
        for strip in app.screen._compositor.render_strips()
        for text, style, _ in strip
        if style and any(c and not c.is_default for c in (style.color, style.bgcolor))
    ]


def idle(screen) -> list[Widget]:
    """What could have the keys while nothing has them."""
    if screen.focused is not None:
        return []
    return [one for one in screen.query("*") if one.focusable and one.size]


def wrong(console, *, plain: bool) -> list[str]:
    """What is wrong with the screen in sight."""
    shown, found = dump(console), []
    if not shown.strip():
        found.append("nothing is shown")
    found += [f"cannot be seen: {text}" for text in unseen(console)]
    found += [f"does not get the keys: {one}" for one in idle(console.screen)]
    lines = shown.splitlines()
    for bar in console.screen.query("#foot, #parts").results(Bar):
        if bar.display and set("~\u2026") & set(lines[bar.region.y]):
            found.append(f"it is cut: {lines[bar.region.y]}")
    if plain:
        found += [f"not ASCII: {line}" for line in lines if not line.isascii()]
        found += [f"coloured: {text}" for text in coloured(console)]
    return found


@pytest.mark.parametrize(("size", "environ"), KINDS)
async def test_every_screen_can_be_read(registry, monkeypatch, size, environ):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    session = session_of(registry)
    console = console_of(session)
    found = []
    try:
        async with console.run_test(size=size) as pilot:
            await settled(pilot)
            for name, ways in OPENED.items():
                for open_it in ways:
                    below, screen = console.screen, await open_it(console)
                    console.push_screen(screen)
                    await settled(pilot)
                    found += [f"{name}: {one}" for one in wrong(console, plain=environ is PLAIN)]
                    while console.screen is not below:
                        console.pop_screen()
            assert console._exception is None
            assert found == []
    finally:
        await session.registry.close()
