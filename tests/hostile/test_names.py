"""Ten thousand odd names harm no list: each is a row of every table and of every list printed."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from modeldeck.app.config.hands import SavedView
from modeldeck.app.console.bridge import Call
from modeldeck.app.console.known import Name
from modeldeck.app.console.screens.listing import Arrived
from modeldeck.app.console.views import Found
from modeldeck.app.usecases.asked import Request, Standing, Waiting, Word
from modeldeck.backends.api.exchanges import Exchange
from modeldeck.backends.api.groups import MOST
from modeldeck.backends.api.lists import ListWindow
from modeldeck.backends.api.query import Field
from modeldeck.widgets.table import Table
from modeldeck.widgets.table.render import UNICODE, cell_text
from tests.cli.conftest import run_cli
from tests.cli.test_hostile import safe
from tests.console.dump import NOW, dump, open_console, press, settled
from tests.hostile.place import RUN, everywhere
from tests.hostile.screens import every_screen
from tests.hostile.test_filters import LISTS

PARTS = ("metrics", "tags", "data", "evaluations", "artifacts")
PIECE = 1000


def request(name: str) -> Request:
    word = Word(
        id=name, kind="request", subject=name, model=name, number=1, digest=name, time=NOW,
        person=name, target=f"{name}@{name}", why=name, due=NOW, valid=True,
    )  # fmt: skip
    standing = Standing(
        subject=name, digest=name, target=name, evidence=name, policy=name, people={}, makers=(),
        now=NOW,
    )  # fmt: skip
    return Request(word=word, said=(), standing=standing, needed=1)


def waiting(name: str) -> Waiting:
    return Waiting(
        kind="wrong", id=name, model=name, version=1, target=f"{name}@{name}", person=name,
        time=NOW, until=NOW, words=name, command=name,
    )  # fmt: skip


def exchange(name: str) -> Exchange:
    return Exchange(
        at=NOW, method=name, url=name, status=200, seconds=1.0, received=1, outcome=name
    )


def context(name: str) -> dict[str, Any]:
    return {
        "name": name, "protected": True, "readonly": False, "type": name, "url": name,
        "path": None, "workspace": name, "source": name,
    }  # fmt: skip


LENT: dict[str, Callable[[str], Any]] = {
    "InboxScreen": waiting,
    "ApprovalsScreen": request,
    "JumpScreen": lambda name: Name("run", name, name),
    "CallsScreen": lambda name: (0, Call(NOW, name, 1.0, name)),
    "ContextsScreen": context,
    "ViewsScreen": lambda name: Found(
        name, SavedView(where=name, sort=name, columns=(name,)), name
    ),
}
"""Lists of what no registry holds so many of: they are given rows that are made here."""
READ: dict[str, Callable[[], Any]] = {
    **{
        name: every_screen()[name]
        for name in (
            "ExperimentsScreen", "RunsScreen", "ModelsScreen", "VersionsScreen", "TrashScreen",
            "EventsScreen",
        )
    },
    "GroupsScreen": lambda: every_screen()["GroupsScreen"](
        every_screen()["RunsScreen"](), Field("t", "tags")
    ),
}  # fmt: skip


def seen(text: str) -> bool:
    return all(char.isprintable() and unicodedata.category(char) != "Cf" for char in text)


def unseen(rows: Sequence[Any]) -> Iterator[str]:
    """The cells of rows that are more than letters."""
    for row in rows:
        for at in range(len(row.cells)):
            text = cell_text(row, at, UNICODE)[0]
            if not seen(text):
                yield text


def made_names(count: int) -> list[str]:
    """So many names as hypothesis makes them; none that cannot be stored."""
    found: dict[str, None] = {}
    letters = st.characters(exclude_categories=["Cs"])

    @settings(
        max_examples=count // 4,
        phases=[Phase.generate],
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.text(letters, min_size=1, max_size=30), min_size=20, max_size=60))
    def collect(names: list[str]) -> None:
        if len(found) < count:
            found.update(dict.fromkeys(name[:200] for name in names))

    collect()
    return list(found)[:count]


@pytest.fixture(scope="module", params=[300, pytest.param(10_000, marks=pytest.mark.slow)])
def many(tmp_path_factory, request):
    """A registry with so many, and they."""
    names = made_names(request.param)
    assert len(names) == request.param
    return everywhere(tmp_path_factory.mktemp("many"), names), names


async def scrolled(pilot) -> None:
    for key in ("end", "pageup", "home", "pagedown"):
        await press(pilot, key)
        assert all(map(seen, dump(pilot.app).splitlines()))
    assert pilot.app._exception is None


async def test_as_rows_of_every_list(many):
    path, names = many
    least = {"EventsScreen": 1, "GroupsScreen": min(len(names), MOST)}
    async with open_console(path, size=(120, 40)) as pilot:
        for name, make in READ.items():
            screen = make()
            pilot.app.push_screen(screen)
            await settled(pilot)
            window, count = screen.rows.window, 0
            await window.whole()
            while items := await window.page(count, PIECE):
                assert list(unseen([screen.row(item) for item in items])) == [], name
                count += len(items)
            assert count >= least.get(name, len(names)), name
            await scrolled(pilot)
            pilot.app.pop_screen()


async def test_as_rows_of_lists_that_are_in_memory(many):
    path, names = many
    async with open_console(path, size=(120, 40)) as pilot:
        for name, make in LENT.items():
            screen = every_screen()[name]()
            pilot.app.push_screen(screen)
            await settled(pilot)
            if name == "CallsScreen":
                pilot.app.bridge.calls.clear()
            items = [make(one) for one in names]
            if name == "CallsScreen":
                items += [(0, exchange(one)) for one in names]
            screen.got_window(Arrived(ListWindow(items, names * 2, first=len(items))))
            assert list(unseen([screen.row(item) for item in items])) == [], name
            await scrolled(pilot)
            pilot.app.pop_screen()


async def test_as_rows_of_what_a_run_has_and_of_the_columns_to_choose(many):
    path, names = many
    async with open_console(path, size=(120, 40)) as pilot:
        for part in PARTS:
            screen = every_screen()["RunScreen"](RUN, part)
            pilot.app.push_screen(screen)
            await settled(pilot)
            source = screen.query_one(Table).source
            # A file whose name has a slash lies in a folder, which is one row.
            assert source.count > len(names) * 9 // 10, part
            assert list(unseen([source.row(at) for at in range(source.count)])) == [], part
            await scrolled(pilot)
            pilot.app.pop_screen()
        pilot.app.push_screen(every_screen()["ColumnsDialog"]([], [f"tags.{n}" for n in names]))
        await settled(pilot)
        source = pilot.app.screen.query_one(Table).source
        assert source.count == len(names)
        assert list(unseen([source.row(at) for at in range(source.count)])) == []
        await scrolled(pilot)


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_as_lines_of_every_list_that_is_printed(many, words):
    path, names = many
    done = run_cli("--registry", path, *words, "--limit", "0")
    assert done.code == 0, done.err
    assert safe(done.out + done.err)
    assert done.out.count("\n") > len(names) or words[0] in ("audit", "approvals")
