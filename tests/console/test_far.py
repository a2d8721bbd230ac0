"""The console on a server that is slow, away, refuses, and that others change."""

from __future__ import annotations

import pytest

from modeldeck.app.config.settings import Settings
from modeldeck.app.console.ages import Freshness, ago
from modeldeck.backends.api.errors import UnreachableError
from modeldeck.backends.api.plan import Change
from tests.console.dump import NOW, check, dump, open_console, press, settled, typed
from tests.console.far import far_session
from tests.console.samples import DIRECTIONS

pytestmark = pytest.mark.simulated


@pytest.fixture
async def session(registry, tmp_path):
    found = far_session(registry, tmp_path / "records", directions=DIRECTIONS)
    yield found
    server(found).gate.set()
    await found.registry.close()


def server(session):
    return session.registry.server


def line(pilot, at):
    return dump(pilot.app).splitlines()[at]


def asked(session):
    return [f"{one.method} {one.url.rpartition('/')[2]}" for one in server(session).exchanges]


async def again(pilot):
    """The pause is over."""
    screen = pilot.app.screen
    screen.freshness.tried -= 3600
    screen.look()
    await settled(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80", "120"])
async def test_the_overview_and_runs_of_a_protected_context(session, size):
    server(session).notes = ("filter here",)
    async with open_console(session, size=size) as pilot:
        check(f"far-overview-{size[0]}", dump(pilot.app))
        pilot.app.go("runs")
        await settled(pilot)
        check(f"far-runs-{size[0]}", dump(pilot.app))
        await press(pilot, "?")
        assert line(pilot, 2).split() == [">", "note", "filter", "here"]


async def test_a_list_is_fetched_as_far_as_one_looks_and_no_page_twice(session):
    async with open_console(session, size=(80, 16)) as pilot:
        pilot.app.go("runs /status != killed")
        await settled(pilot)
        table, rows = pilot.app.screen.table, pilot.app.screen.rows
        # A screen shows more rows than a page has: it asks on until it is filled.
        assert rows.count == 12
        pages = [one for one in asked(session) if "page=" in one]
        assert len(pages) == len(set(pages)) == 2
        await press(pilot, "end")
        assert table.cursor == 11
        assert [one for one in asked(session) if "page=" in one] == pages


async def test_the_end_of_what_is_known_and_on(session):
    server(session).size = 2
    async with open_console(session, size=(80, 24)) as pilot:
        server(session).gate.clear()
        pilot.app.go("runs /status != killed")
        await pilot.pause()
        assert "reading" in dump(pilot.app)
        server(session).gate.set()
        await settled(pilot)
        assert "rows 1-12 of 12" in line(pilot, -2)


async def test_marking_all_says_when_that_is_what_is_loaded(session):
    async with open_console(session, size=(80, 24)) as pilot:
        pilot.app.go("runs /name != nobody")
        await settled(pilot)
        window = pilot.app.screen.rows.window
        window.count, window.at_least = None, 10
        await press(pilot, "ctrl+a")
        assert "marked the 10 runs that are loaded; there are more" in line(pilot, -2)
        assert len(pilot.app.screen.table.marks) == 10


async def test_a_column_that_the_server_does_not_sort_by(session):
    server(session).refuses_sort = "name"
    async with open_console(session) as pilot:
        pilot.app.go("runs")
        await settled(pilot)
        before = dump(pilot.app).splitlines()[1:-2]
        await press(pilot, "shift+right", "o")
        assert "the server cannot sort by name" in line(pilot, -2)
        assert pilot.app.screen.sort == ""
        names = [row.split()[0] for row in dump(pilot.app).splitlines()[3:-2] if row]
        assert names == [row.split()[0] for row in before[2:] if row]


async def test_age_counts_up_and_what_is_there_stays_when_the_server_goes(session):
    clock = session.clock
    async with open_console(session) as pilot:
        pilot.app.go("models")
        await settled(pilot)
        assert line(pilot, -2).endswith("mlflow 0s")
        clock.forward(12)
        pilot.app.screen.look()
        await settled(pilot)
        assert line(pilot, -2).endswith("mlflow 12s")
        count = len(asked(session))
        await again(pilot)
        assert len(asked(session)) == count + 1
        assert line(pilot, -2).endswith("mlflow 0s")
        server(session).down = "could not be reached: timed out after 10 s"
        clock.forward(240)
        await again(pilot)
        assert "fraud" in dump(pilot.app)
        assert line(pilot, -2).startswith("rows 1-2 of 2  ")
        said = "mlflow 12:30:12 (4m old): could not be reached"
        assert said in line(pilot, -2)
        await press(pilot, "ctrl+r")
        assert line(pilot, -2).startswith("could not be reached: timed out after 10 s. Try again")
        assert line(pilot, -2).endswith("mlflow 12:30:12 (4m old)")
        await press(pilot, "down")
        assert said in line(pilot, -2)
        failed = len(asked(session))
        pilot.app.screen.look()
        await settled(pilot)
        assert len(asked(session)) == failed, "it waits before it asks again"
        server(session).down = ""
        await again(pilot)
        assert line(pilot, -2).endswith("mlflow 0s")


async def test_nothing_is_asked_while_something_is_and_escape_cancels(session):
    async with open_console(session) as pilot:
        pilot.app.go("models")
        await settled(pilot)
        server(session).gate.clear()
        screen = pilot.app.screen
        screen.freshness.tried -= 3600
        screen.look()
        await pilot.pause()
        assert pilot.app.bridge.asked(screen, "window")
        tried = screen.freshness.tried
        screen.freshness.tried -= 3600
        screen.look()
        await pilot.pause()
        assert screen.freshness.tried >= tried, "one is in flight"
        await pilot.pause(0.4)
        assert "reading ... Esc cancels" in line(pilot, -2)
        await pilot.press("escape")
        await pilot.pause()
        assert "cancelled" in line(pilot, -2)
        assert not pilot.app.bridge.asks(screen)


async def test_a_pause_of_nothing_never_asks_again(session):
    async with open_console(session, settings=Settings(refresh=0)) as pilot:
        pilot.app.go("models")
        await settled(pilot)
        count = len(asked(session))
        await again(pilot)
        assert len(asked(session)) == count


async def test_what_others_did_is_shown_as_such(session):
    async with open_console(session) as pilot:
        pilot.app.go("models")
        await settled(pilot)
        await session.registry.settled()
        session.clock.forward(900)
        await server(session).move(Change("models/fraud@champion", "version", 2, 3))
        await press(pilot, "ctrl+r")
        await session.registry.settled()
        pilot.app.go("audit")
        await settled(pilot)
        assert "OUTSIDE" in line(pilot, 2)
        await press(pilot, "enter")
        assert '"phase": "observed"' in dump(pilot.app)
        await pilot.resize_terminal(120, 40)
        await press(pilot, "escape")
        assert "2 -> 3  moved 12:30..12:45, seen by poll" in dump(pilot.app)
        await pilot.resize_terminal(80, 24)
        pilot.app.go("overview")
        await settled(pilot)
        check("far-outside-80", dump(pilot.app))


async def test_a_change_in_a_protected_context_asks_for_its_name(session):
    async with open_console(session, address="models/fraud/3") as pilot:
        await press(pilot, "p")
        await typed(pilot, "champion")
        await press(pilot, "enter")
        check("far-plan-80", dump(pilot.app))
        await press(pilot, "escape")
        assert (await server(session).behind.model("fraud")).aliases["champion"] == 2
        await press(pilot, "p")
        await typed(pilot, "champion")
        await press(pilot, "enter", "tab", "tab", "tab", "tab")
        pilot.app.screen.query_one("#reason").focus()
        await typed(pilot, "week 48")
        await press(pilot, "tab")
        await typed(pilot, "prod")
        await press(pilot, "tab", "tab", "enter")
        assert (await server(session).behind.model("fraud")).aliases["champion"] == 3
        assert "z undoes it" in dump(pilot.app)


async def test_what_is_not_known_to_have_arrived_is_said_at_the_start(session):
    server(session).lost = True
    async with open_console(session, address="models/fraud/3") as pilot:
        await press(pilot, "p")
        await typed(pilot, "champion")
        await press(pilot, "enter")
        pilot.app.screen.query_one("#reason").focus()
        await typed(pilot, "week 48")
        await press(pilot, "tab")
        await typed(pilot, "prod")
        await press(pilot, "tab", "tab", "enter")
        assert "whether version went from" in dump(pilot.app)
    server(session).down = ""
    session.clock.forward(86400)
    async with open_console(session) as pilot:
        words = "a change of yesterday is not known to have arrived"
        assert words in line(pilot, -2)
        assert "UNSETTLED 1  not known to have arrived" in line(pilot, 1)


async def test_requests_stand_among_the_calls(session):
    async with open_console(session, size=(120, 24)) as pilot:
        pilot.app.go("models")
        await settled(pilot)
        server(session).down = "could not be reached: refused"
        await press(pilot, "ctrl+r", "at")
        rows = [row.split() for row in dump(pilot.app).splitlines()[1:10]]
        assert rows[0][-5:] == ["OUTCOME", "STATUS", "BYTES", "TRY", "ASKED"]
        assert rows[1][-5:] == ["-", "0", "B", "GET", "/api/2.0/mlflow/models"]
        assert rows[2][-6:] == ["ok", "200", "640", "B", "GET", "/api/2.0/mlflow/models"]
        assert [row[-1] for row in rows[6:]] == ["models", "models", "overview"]
        assert "5 requests, 2.9 KB" in line(pilot, -2)
        await press(pilot, "enter")
        assert "outcome  could not be reached: refused" in dump(pilot.app)
        assert "https://mlflow.example.org/risk/api/2.0/mlflow/models" in dump(pilot.app)


async def test_the_link_of_what_is_under_the_cursor(session, monkeypatch):
    monkeypatch.delenv("TMUX", raising=False)
    async with open_console(session) as pilot:
        pilot.app.go("models")
        await settled(pilot)
        await press(pilot, "end", "U")
        assert "copied https://mlflow.example.org/risk/#/models/fraud" in line(pilot, -2)
        await press(pilot, "Y")
        assert "copied prod/models/fraud" in line(pilot, -2)
        pilot.app.go("audit")
        await settled(pilot)
        await press(pilot, "U")
        assert "this has no page on the server" in line(pilot, -2)


def test_the_pause_grows_with_every_failure():
    fresh, error = Freshness(), UnreachableError("away")
    fresh.tried = 100.0
    assert not fresh.due(114.9, 15)
    assert fresh.due(115.0, 15)
    assert not fresh.due(1e9, 0)
    fresh.miss(error)
    assert not fresh.due(129.0, 15)
    assert fresh.due(130.0, 15)
    for _ in range(20):
        fresh.miss(error)
    assert fresh.due(100 + 16 * 15, 15)
    fresh.read(NOW)
    assert fresh.due(115.0, 15)


@pytest.mark.parametrize(
    ("seconds", "words"), [(-5, "0s"), (59.9, "59s"), (119, "119s"), (121, "2m"), (200_000, "2d")]
)
def test_ages(seconds, words):
    from datetime import timedelta

    assert ago(timedelta(seconds=seconds)) == words


async def test_a_refresh_is_answered_by_the_server_and_not_from_memory(session, monkeypatch):
    forgotten = []
    far = server(session)
    monkeypatch.setattr(type(far), "forget", lambda _: forgotten.append(1), raising=False)
    async with open_console(session) as pilot:
        pilot.app.go("models")
        await settled(pilot)
        assert forgotten == []
        await press(pilot, "ctrl+r")
        assert forgotten == [1]
