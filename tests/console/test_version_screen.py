"""A version on the screen: its parts beside the other version, its card, its verbs."""

import contextlib
import shutil
import time

import pytest

from modeldeck.app.console.card_lines import card_lines
from modeldeck.app.console.console import Console
from modeldeck.app.console.screens.plan import PlanDialog
from modeldeck.app.console.screens.version import VersionScreen
from modeldeck.app.usecases.beside import beside_which
from modeldeck.backends.api.models import Model
from modeldeck.widgets.lines import text_of, wrapped
from tests.console.dump import check, dump, open_console, press, session_of
from tests.console.releases import HOSTILE, make

DIRECTIONS = {"auc": "higher", "logloss": "lower"}
PARTS = (
    "facts", "metrics", "lineage", "lock", "card", "approvals", "history", "tags", "files",
)  # fmt: skip

APPLY = ("tab", "enter")
"""From Cancel to the button that applies."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("past"))


@pytest.fixture
async def session(made, tmp_path):
    path = shutil.copytree(made, tmp_path / ".modeldeck")
    session = session_of(path, directions=DIRECTIONS)
    yield session
    await session.registry.close()


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80", "120"])
async def test_every_part_beside_the_champion(session, size):
    async with open_console(session, size=size, address="models/fraud/3") as pilot:
        for place, name in enumerate(PARTS):
            await press(pilot, str(place + 1))
            check(f"version-{name}-{size[0]}", dump(pilot.app))


async def test_a_pickle_is_unmistakable(session):
    async with open_console(session, address="models/fraud/4") as pilot:
        shown = dump(pilot.app)
        check("version-pickle-80", shown)
        assert " pickle UNSAFE " in shown.splitlines()[1]
        assert shown.count("UNSAFE") >= 3
        assert "builtins.eval at byte 12" in shown


async def test_hostile_names_are_drawn_on_every_part(session):
    from modeldeck.backends.api.address import version

    async with open_console(session, address=version(HOSTILE, 1)) as pilot:
        for place in range(len(PARTS)):
            await press(pilot, str(place + 1))
            shown = dump(pilot.app)
            assert "\x1b" not in shown
            assert "\\u{1b}]52;c;x\\u{07}[/]" in shown.splitlines()[1]
        await press(pilot, "d")
        assert "[@click=app.quit]x" in dump(pilot.app)


async def test_parts_go_round_by_keys_and_an_alias_opens_its_version(session):
    async with open_console(session, address="models/fraud@champion") as pilot:
        screen = pilot.app.screen
        assert isinstance(screen, VersionScreen)
        assert screen.number == 2
        await press(pilot, "tab", "right_square_bracket", "left_square_bracket")
        assert screen.part == 1
        await press(pilot, "shift+tab", "shift+tab")
        assert screen.part == 8
        await press(pilot, "h")
        assert screen.part == 6
        assert "retrain week 47" in dump(pilot.app)


async def test_what_is_not_there_is_said(session):
    async with open_console(session, address="models/fraud/9") as pilot:
        assert "fraud" in dump(pilot.app)
        for key in ("p", "T", "e", "J", "D", "delete", "u"):
            await press(pilot, key)
            assert "still reading" in dump(pilot.app)
    async with open_console(session, address="models/fraud/4") as pilot:
        await press(pilot, "J")
        assert "no run is known here to have made it" in dump(pilot.app)
        await press(pilot, "u")
        assert "it is not deleted" in dump(pilot.app)
        await press(pilot, "4")
        assert "no lock is known" in dump(pilot.app)


async def test_the_difference_holds_what_differs_and_nothing_else(session):
    async with open_console(session, size=(120, 50), address="models/fraud/3") as pilot:
        await press(pilot, "D")
        shown = dump(pilot.app)
        check("version-difference-120", shown)
        assert "seed" not in shown, "the same on both sides"
        assert "1 changed, 1 added, 0 removed" in shown


async def test_rows_open_what_they_name(session):
    async with open_console(session, address="models/fraud/3") as pilot:
        await press(pilot, "9", "enter")
        assert "# read me" in dump(pilot.app)
        assert "\\u{1b}[31mred" in dump(pilot.app)
        await press(pilot, "escape", "7", "enter")
        assert '"action": "alias.set"' in dump(pilot.app)


async def test_an_alias_a_tag_or_the_version_is_deleted_by_where_the_cursor_stands(session):
    async with open_console(session, address="models/fraud/3") as pilot:
        await press(pilot, "delete")
        assert "[ Remove candidate from 3 ]" in dump(pilot.app)
        await press(pilot, *APPLY)
        assert dict((await session.registry.model("fraud")).aliases) == {"champion": 2}
        await press(pilot, "8", "delete", *APPLY)
        assert set((await session.registry.version("fraud", 3)).tags) == {"tier"}
        await press(pilot, "3", "delete")
        assert "[ Delete 1 version ]" in dump(pilot.app)
        await press(pilot, *APPLY)
        assert "fraud v3  DELETED" in dump(pilot.app)
        await press(pilot, "delete")
        assert "it is deleted already" in dump(pilot.app)
        await press(pilot, "p")
        assert "version 3 is deleted; u restores it" in dump(pilot.app)
        await press(pilot, "u", *APPLY)
        assert "DELETED" not in dump(pilot.app)


async def test_a_version_that_an_alias_holds_is_not_deleted(session):
    async with open_console(session, address="models/fraud/2") as pilot:
        await press(pilot, "3", "delete")
        assert "fraud@champion points at it" in dump(pilot.app)


@pytest.fixture
def editing(monkeypatch, tmp_path):
    """An editor that does what a script says; the terminal is not lent in a test."""
    monkeypatch.setattr(Console, "suspend", lambda _: contextlib.nullcontext())

    def use(script):
        path = tmp_path / "edit"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        monkeypatch.setenv("EDITOR", str(path))

    return use


async def test_a_card_is_written_in_the_editor_and_saved_by_a_plan(session, editing):
    editing("""grep -q 'Intended use' "$1" && echo 'for payments' >> "$1" """)
    async with open_console(session, address="models/fraud/3") as pilot:
        await press(pilot, "e")
        assert isinstance(pilot.app.screen, PlanDialog)
        assert "+for payments" in dump(pilot.app)
        assert "the console alone" in dump(pilot.app)
        await press(pilot, "escape")
        assert (await session.registry.version("fraud", 3)).card == ""
        editing("exit 0")
        await press(pilot, "e")
        assert "+for payments" in dump(pilot.app), "what was written is kept until it is applied"
        await press(pilot, *APPLY, "5")
        assert "for payments" in dump(pilot.app)
        await press(pilot, "e")
        assert "the card is as it was" in dump(pilot.app)
        await press(pilot, "z", *APPLY)
        assert (await session.registry.version("fraud", 3)).card == ""


async def test_an_editor_that_fails_leaves_the_card(session, editing):
    async with open_console(session, address="models/fraud/2") as pilot:
        for script, words in (
            ("exit 3", "ended with 3"),
            ('rm "$1"', "left no file"),
            ("""printf '\\377' > "$1" """, "no UTF-8"),
        ):
            editing(script)
            await press(pilot, "e")
            assert words in dump(pilot.app)
    assert (await session.registry.version("fraud", 2)).card.startswith("# fraud 2")


async def test_a_card_changed_meanwhile_is_not_lost_unseen(session, editing, tmp_path):
    from modeldeck.app.usecases.plans import apply_plan
    from modeldeck.app.usecases.texts import plan_card

    editing("""echo mine > "$1" """)
    async with open_console(session, address="models/fraud/3") as pilot:
        other = session_of(tmp_path / ".modeldeck")
        await apply_plan(other, await plan_card(other, "fraud", 3, "theirs\n"))
        await other.registry.close()
        await press(pilot, "e")
        shown = dump(pilot.app)
        assert "the card was changed meanwhile" in shown
        assert "-theirs" in shown
        assert "+mine" in shown
        await press(pilot, "escape")


def test_the_champion_is_looked_at_beside_else_another_alias():
    def of(number, **aliases):
        return beside_which(Model(name="m", aliases=aliases), number)

    assert of(3, champion=2, candidate=3, a=1) == ("champion", 2)
    assert of(2, champion=2, candidate=3) == ("candidate", 3)
    assert of(2, champion=2) is None
    assert of(2) is None


def test_a_card_is_read_as_far_as_it_is_understood_and_draws_nothing_else():
    lines = card_lines(
        "# Head #\n\n- **b** and `c`\n  1. x\n> q\n---\n```\n# no head\n```\n[w](u)\n"
    )
    assert text_of(lines) == (
        "HEAD\n\n  - b and c\n    1. x\n| q\n" + "-" * 40 + "\n    # no head\nw <u>"
    )
    drawn = [
        t for one in card_lines("\x1b[31m*x*\x07\r\n\u202e") for r in wrapped(one, 9) for t in r
    ]
    assert not any(ord(c) < 32 or c == "\u202e" for text, _ in drawn for c in text)


@pytest.mark.parametrize("mark", ["#", "`", "[", "- ", "** ", "1. ", ">"])
def test_a_card_made_to_be_slow_is_not(mark):
    begin = time.process_time()
    card_lines(mark * 50_000)
    assert time.process_time() - begin < 2
