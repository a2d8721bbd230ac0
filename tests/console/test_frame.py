from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.console.frame import crumbs, key_line
from modeldeck.app.console.lean import Shadow
from modeldeck.app.console.sections import share
from modeldeck.widgets.bar import Bar
from modeldeck.widgets.prompt import pointing
from modeldeck.widgets.text import cells, show
from tests.console.dump import NOW, dump, open_console, press, session_of, settled


@pytest.mark.parametrize(
    ("room", "path"),
    [
        (60, " > overview > models > fraud > v13"),
        (32, " > .. > models > fraud > v13"),
        (24, " > .. > fraud > v13"),
        (16, " > .. > v13"),
        (14, " > .. > .."),
    ],
)
def test_the_path_drops_what_is_far(room, path):
    context, rest = crumbs("prod", ["overview", "models", "fraud", "v13"], room)
    assert (context, rest) == ("prod", path)
    assert len(context + rest) <= max(room, 14)


def test_a_path_of_nothing():
    assert crumbs("prod", [], 60) == ("prod", "")


@given(
    st.lists(st.tuples(st.text(max_size=5), st.text(max_size=12)), max_size=8), st.integers(0, 60)
)
def test_no_key_is_cut(keys, room):
    taken = key_line(keys, room)
    assert taken == keys[: len(taken)]
    assert sum(cells(k) + 1 + cells(w) + 2 for k, w in taken) - 2 <= max(room, -2)


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(0, 60))
def test_sections_share_the_room(lengths, room):
    shown = share(lengths, room)
    assert all(min(whole, 1) <= part <= whole for part, whole in zip(shown, lengths, strict=True))
    spare = room - len(lengths) - sum(shown)
    assert spare <= 0 or shown == lengths
    least = sum(min(whole, 1) for whole in lengths) + len(lengths)
    assert sum(shown) + len(lengths) <= max(room, least)


@pytest.mark.parametrize(
    ("at", "line"),
    [
        (2, "  ^ no such field"),
        (13, "             ^ no such field"),
        (25, "           no such field ^"),
    ],
)
def test_a_caret_stands_below_its_character(at, line):
    assert pointing(at, "no such field", 30) == line
    assert pointing(at, "no such field", 30).index("^") == at


@given(st.text(max_size=90).map(show), st.integers(0, 100), st.integers(3, 80))
def test_the_caret_is_always_in_its_cell(text, at, width):
    line = pointing(at, text.replace("^", "x"), width)
    assert cells(line[: line.index("^")]) == min(at, width - 1)
    assert cells(line) <= width


def test_only_what_is_not_there_is_sent():
    shadow = Shadow()
    assert shadow.put(0, 3, 10, "abc")
    assert not shadow.put(0, 3, 10, "abc")
    assert shadow.put(5, 3, 10, "other")
    assert shadow.put(0, 3, 10, "abc")
    assert shadow.put(5, 3, 10, "other")
    assert not shadow.put(5, 3, 10, "other")
    assert shadow.put(20, 3, 5, "right")
    assert not shadow.put(5, 3, 10, "other")
    shadow.forget()
    assert shadow.put(20, 3, 5, "right")


async def test_back_from_the_screen_of_an_address_leads_to_the_overview_and_no_further(registry):
    async with open_console(registry, address="runs") as pilot:
        assert " > runs" in dump(pilot.app)
        await press(pilot, "escape")
        assert " > overview" in dump(pilot.app).splitlines()[0]
        assert len(pilot.app.screen_stack) == 1
        await press(pilot, "escape")
        assert "this is the first screen" in dump(pilot.app)
        await press(pilot, "colon", *"runs", "enter", "escape")
        assert " > overview" in dump(pilot.app).splitlines()[0]


async def test_the_minute_strikes_while_a_screen_has_no_lines_yet(registry):
    now = [NOW]
    session = session_of(registry, clock=lambda: now[0])
    try:
        async with open_console(session) as pilot:
            pilot.app.go("models")
            assert pilot.app.screen.crumb == "models"
            assert not pilot.app.screen.query(Bar)
            pilot.app._minute()
            await settled(pilot)
            assert pilot.app._exception is None
            assert dump(pilot.app).splitlines()[0].endswith("12:30")
            now[0] += timedelta(minutes=1)
            pilot.app._minute()
            await settled(pilot)
            assert dump(pilot.app).splitlines()[0].endswith("12:31")
    finally:
        await session.registry.close()


@pytest.mark.parametrize("address", ["", "models/fraud/2", "inbox"])
async def test_what_stands_on_the_first_screen_can_be_seen(registry, address):
    session = session_of(registry)
    try:
        async with open_console(session, address=address) as pilot:
            seen = ""
            for strip in pilot.app.screen._compositor.render_strips():
                for text, style, _ in strip:
                    if text.strip() and style is not None and style.color is not None:
                        assert style.color != style.bgcolor, text
                        seen += text
            assert session.context in seen
    finally:
        await session.registry.close()
