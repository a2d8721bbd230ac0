"""The screen of a run: its parts on a real small registry, and the pure pieces that they draw."""

import shutil
import struct

import pytest

from modeldeck.app.console.screens.run import NAMES, RunScreen
from modeldeck.app.console.screens.run_files import folders, tree
from modeldeck.app.console.screens.run_part import fits, heading
from modeldeck.app.console.screens.run_words import described, first_line, precise, second_line
from modeldeck.app.console.screens.text import json_lines
from modeldeck.app.usecases.describe import describe_run
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.ingest import Batch
from modeldeck.backends.api.runs import Run, Status, Usage
from modeldeck.backends.api.times import from_micros, to_micros
from modeldeck.backends.local.opening import open_registry
from modeldeck.widgets.chart import Chart
from modeldeck.widgets.prompt import Prompt
from modeldeck.widgets.table import Cell, Row, Span, Table
from tests.console.dump import (
    NOW,
    check,
    clock,
    dump,
    open_console,
    press,
    session_of,
    settled,
    typed,
)
from tests.console.run_samples import DIRECTIONS, ident, points, recorded


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return recorded(tmp_path_factory.mktemp("recorded"))


@pytest.fixture
async def session(written, tmp_path):
    folder = shutil.copytree(written, tmp_path / ".modeldeck")
    found = session_of(folder, directions=DIRECTIONS, folder=folder)
    yield found
    await found.registry.close()


def bottom(app) -> str:
    return dump(app).rstrip("\n").split("\n")[-2]


# Pure pieces.


def artifact(path, size=10):
    return Artifact(path=path, size=size, digest="sha256:" + "ab" * 32)


def test_a_tree_has_folders_first_and_leaves_out_what_is_closed():
    files = [artifact(path) for path in ("b.txt", "a/z.txt", "a/c/y.txt", "a/b.txt", "../x")]
    shown = [(row.level, row.cells[0], row.twisty) for row in tree(files, {"a/c"})]
    assert shown == [
        (0, "../", "open"),
        (1, "x", ""),
        (0, "a/", "open"),
        (1, "c/", "closed"),
        (1, "b.txt", ""),
        (1, "z.txt", ""),
        (0, "b.txt", ""),
    ]
    assert folders(files) == {"a", "a/c", ".."}
    assert [row.key for row in tree(files, {"a", ".."})] == ["d:..", "d:a", "f:b.txt"]
    assert tree([], set()) == []
    unknown = tree([artifact("a/x", None), artifact("a/y")], set())[0]
    assert unknown.cells == ["a/", "?", Cell("2 files", "dim")]


def test_a_row_fits_by_any_of_its_words():
    row = Row("m:x", ["Loss", Cell("0.5", "dim")], span=Span("a", "hist"))
    assert all(fits(row, text) for text in ("loss", "0.5", "HIST"))
    assert not fits(row, "auc")
    assert not fits(heading("METRICS", 2), "metrics")


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, ""), (0.93, "0.93"), (1 / 3, "0.3333333"), (float("nan"), "NaN"), (1e-12, "1e-12"),
     (float("inf"), "inf"), (2000.0, "2000")],
)  # fmt: skip
def test_precise_figures(value, words):
    assert precise(value) == words


def test_the_first_lines_say_what_there_is():
    run = Run(
        id=ident(1), name="", experiment="e", status=Status.FAILED, reason="exit 1\ntrace",
        deleted_at=NOW, children=1, parent_id=ident(0), exit_code=1, note="n\nm",
    )  # fmt: skip
    assert "".join(part.text for part in first_line(run)) == (
        "(no name)  FAIL exit 1  deleted  in e  n"
    )
    usage = Usage(cpu_seconds=3, peak_memory_bytes=2_000_000)
    words = "".join(part.text for part in second_line(run, usage, NOW))
    assert words.endswith(
        f"no git  exit 1  cpu 3.0s  memory 2.0 MB  parent {ident(0)[:12]}  1 child"
    )


async def test_a_description_says_everything(session):
    detail = await describe_run(session, ident(1))
    lines = described(detail, clock())
    text = "\n".join(lines)
    for word in ("run-1", "7be2" * 10, "with changes", "week 48", "second line", "depth", "team",
                 "w46", "new customers", "preds.csv", "CPython 3.11.7", "[b]c[/b]"):  # fmt: skip
        assert word in text
    assert [line for line in lines if line.isupper()] == [
        "NOTE", "METRICS", "PARAMS", "TAGS", "DATA", "EVALUATIONS", "ARTIFACTS", "LOCK",
    ]  # fmt: skip


def test_json_is_readable_and_whole():
    lines = json_lines({"name": "日本\x1b", "deep": {"a": [1]}})
    assert lines[0] == "{"
    assert '  "name": "日本\\u001b",' in lines
    assert '  "schema": 1,' in lines


# Screens.


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80", "120"])
async def test_each_part_as_it_looks(session, size):
    async with open_console(session, size=size) as pilot:
        pilot.app.push_screen(RunScreen(ident(1)))
        await settled(pilot)
        for at, name in enumerate(NAMES, 1):
            await press(pilot, str(at))
            check(f"run-{name}-{size[0]}", dump(pilot.app))


async def test_a_failed_run_and_one_with_nothing(session):
    async with open_console(session) as pilot:
        pilot.app.push_screen(RunScreen(ident(2)))
        await settled(pilot)
        check("run-failed-80", dump(pilot.app))
        pilot.app.push_screen(RunScreen("bare"))
        await settled(pilot)
        for at in range(1, 9):
            await press(pilot, str(at))
            body = dump(pilot.app).split("\n")[4:20]
            assert any(line.strip().startswith(("no ", "[")) for line in body), at


async def test_a_run_that_is_not_there_says_so(session):
    async with open_console(session) as pilot:
        pilot.app.push_screen(RunScreen("nothing"))
        await settled(pilot)
        assert "nothing" in bottom(pilot.app)
        await press(pilot, "d")
        assert "not been read" in bottom(pilot.app)
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, RunScreen)


async def test_parts_are_walked_and_opened(session):
    async with open_console(session) as pilot:
        screen = RunScreen(ident(1))
        pilot.app.push_screen(screen)
        await settled(pilot)
        await press(pilot, "right_square_bracket", "tab")
        assert screen.part_name == "tags"
        await press(pilot, "left_square_bracket", "shift+tab", "left_square_bracket")
        assert screen.part_name == "log"
        await press(pilot, "2", "j", "enter")
        assert screen.part_name == "charts"
        assert screen.query_one("#charts Table", Table).cursor_key == "s:train/loss"
        await press(pilot, "2", "G", "enter")
        assert pilot.app.screen.crumb == "eta"
        await press(pilot, "escape", "l")
        assert screen.part_name == "log"


async def test_what_is_chosen_is_drawn_and_a_zoom_asks_again(session):
    async with open_console(session, size=(100, 30)) as pilot:
        screen = RunScreen(ident(1))
        pilot.app.push_screen(screen)
        await settled(pilot)
        chart = screen.query_one(Chart)
        assert chart.text.startswith("val/auc")
        await press(pilot, "j")
        assert chart.text.startswith("val/loss")
        await press(pilot, "k", "k")
        assert chart.text.startswith("val/ 2 series")
        assert "val/auc" in chart.text
        await press(pilot, "j", "space", "g", "space")
        assert chart.text.startswith("2 series")
        await press(pilot, "plus")
        assert "zoomed 2x" in chart.text
        await press(pilot, "X")
        assert chart.view.shown.lo > 1e9
        await press(pilot, "escape")
        assert not screen.query_one("#charts Table", Table).marks
        await press(pilot, "comma")
        assert chart.view.cursor is not None
        assert len([call for call in pilot.app.bridge.calls if call.words.startswith("series")]) > 4


async def test_narrowing_is_live_and_escape_restores(session):
    async with open_console(session) as pilot:
        screen = RunScreen(ident(1), part="metrics")
        pilot.app.push_screen(screen)
        await settled(pilot)
        table = screen.query_one("#metrics Table", Table)
        await press(pilot, "slash")
        await typed(pilot, "loss")
        assert [table.source.row(at).key for at in range(table.source.count)] == [
            "m:train/loss", "m:val/loss",
        ]  # fmt: skip
        await press(pilot, "escape")
        assert table.source.count > 5
        await press(pilot, "slash")
        await typed(pilot, "dep")
        await press(pilot, "enter")
        assert table.source.count == 1
        await press(pilot, "escape")
        assert table.source.count > 5
        assert pilot.app.screen is screen


async def test_looking_into_files_never_loads_them(session):
    async with open_console(session) as pilot:
        screen = RunScreen(ident(1), part="artifacts")
        pilot.app.push_screen(screen)
        await settled(pilot)
        looks = {}
        for at, path in enumerate(("model/model.pkl", "report/card.md", "git.diff", "preds.csv")):
            screen.look_into(path)
            await settled(pilot)
            looks[path] = dump(pilot.app)
            await press(pilot, "escape")
            assert pilot.app.screen is screen, at
        assert "UNSAFE: a pickle" in looks["model/model.pkl"]
        assert "80 04 95 61 62 63" in looks["model/model.pkl"]
        assert "1 --- a/x" in looks["git.diff"]
        assert "id  y" in looks["preds.csv"]
        assert "\n# Card\n" in looks["report/card.md"]


async def test_a_file_is_saved_once_unless_one_says_yes(session, tmp_path, monkeypatch):
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    async with open_console(session) as pilot:
        screen = RunScreen(ident(1), part="artifacts")
        pilot.app.push_screen(screen)
        await settled(pilot)
        await press(pilot, "g", "ctrl+s")
        assert "put the cursor on a file" in bottom(pilot.app)
        await press(pilot, "j", "j", "ctrl+s")
        assert screen.query_one(Prompt).display
        await press(pilot, "enter")
        # Its path begins with `../..`, and yet it lies here.
        (saved,) = place.iterdir()
        assert (saved.name, saved.read_bytes()) == ("leaves.txt", b"hi\n")
        assert saved.stat().st_mode & 0o777 == 0o600
        assert "digest as recorded" in dump(pilot.app)
        saved.write_text("mine")
        await press(pilot, "ctrl+s", "enter")
        assert "yes writes over" in dump(pilot.app)
        await press(pilot, "n", "o", "enter")
        assert saved.read_text() == "mine"
        assert "nothing was written" in bottom(pilot.app)
        await press(pilot, "ctrl+s", "enter", "y", "e", "s", "enter")
        assert saved.read_bytes() == b"hi\n"
        await press(pilot, "ctrl+s", "ctrl+l")
        await typed(pilot, str(tmp_path / "outside"))
        await press(pilot, "enter")
        assert "yes writes /" in dump(pilot.app)
        await press(pilot, "enter")
        assert not (tmp_path / "outside").exists()


async def test_what_hangs_on_it_and_what_it_hangs_on(session):
    async with open_console(session) as pilot:
        pilot.app.push_screen(RunScreen(ident(0)))
        await settled(pilot)
        await press(pilot, "x")
        assert "run-1" in dump(pilot.app)
        await press(pilot, "enter")
        assert pilot.app.screen.crumb == "run-1"
        await press(pilot, "J")
        assert pilot.app.screen.crumb == "run-0"
        await press(pilot, "J")
        assert pilot.app.screen.crumb == "fraud"


async def test_raw_and_described(session):
    async with open_console(session) as pilot:
        pilot.app.push_screen(RunScreen(ident(1)))
        await settled(pilot)
        await press(pilot, "y")
        assert '"schema": 1' in dump(pilot.app)
        await press(pilot, "escape", "d")
        assert "experiment  fraud" in dump(pilot.app)
        await press(pilot, "slash")
        await typed(pilot, "xgboost")
        await press(pilot, "enter")
        assert "xgboost is nowhere here" in bottom(pilot.app)


async def test_a_log_is_searched(session):
    async with open_console(session) as pilot:
        pilot.app.push_screen(RunScreen(ident(1), part="log"))
        await settled(pilot)
        assert "lines 184-201 of 201" in bottom(pilot.app)
        assert "epoch 199 [b]ok[/b]" in dump(pilot.app)
        await press(pilot, "n")
        assert "nothing is looked for" in bottom(pilot.app)
        await press(pilot, "g", "slash")
        await typed(pilot, "epoch 10")
        await press(pilot, "enter", "n")
        assert "epoch 10 on line 101" in bottom(pilot.app)
        await press(pilot, "N", "N")
        assert "past the end and on from the other one" in bottom(pilot.app)
        await press(pilot, "w")
        assert "wrapped" in bottom(pilot.app)


async def test_times_of_a_log_come_and_go(session):
    folder = session.folder / "runs" / ident(3)
    folder.mkdir(parents=True)
    (folder / "output.log").write_text("one\ntwo\nthree\n")
    start = to_micros((await session.registry.run(ident(3))).started_at)
    pairs = [(4, start + 1_500_000), (8, start + 62_000_000)]
    noted = b"mdtimes\x01" + b"".join(struct.pack("<QQ", *pair) for pair in pairs)
    (folder / "output.times").write_bytes(noted)
    async with open_console(session) as pilot:
        screen = RunScreen(ident(3))
        pilot.app.push_screen(screen)
        await settled(pilot)
        assert screen.why_not("tree") == "only in the log: 8 shows it"
        await press(pilot, "8", "t")
        first = from_micros(pairs[0][1]).astimezone(session.clock().tzinfo)
        lines = [line for line in dump(pilot.app).splitlines() if line.endswith(("one", "three"))]
        assert lines[0].strip() == f"{first:%H:%M:%S} one"
        assert lines[1].strip() == "three", "nobody saw it come"
        await press(pilot, "t")
        assert "0:01.5 one\n1:02.0 two\n" in dump(pilot.app)
        assert "since the start" in bottom(pilot.app)
        noted += struct.pack("<QQ", 14, start + 63_000_000)
        (folder / "output.times").write_bytes(noted)
        screen.look()
        await settled(pilot)
        assert "1:03.0 three" in dump(pilot.app), "what came late is read again"
        await press(pilot, "t")
        assert "\none\ntwo\n" in dump(pilot.app)


async def test_a_log_whose_times_are_not_known_says_so(session):
    async with open_console(session) as pilot:
        pilot.app.push_screen(RunScreen(ident(1), part="log"))
        await settled(pilot)
        before = dump(pilot.app).splitlines()[:-2]
        await press(pilot, "t")
        assert "when these lines were written is not known" in bottom(pilot.app)
        assert dump(pilot.app).splitlines()[:-2] == before


async def test_a_run_that_goes_on_is_followed_and_writes_nothing_when_nothing_comes(session):
    folder = session.folder / "runs" / ident(3)
    folder.mkdir(parents=True)
    (folder / "output.log").write_text("one\n")
    async with open_console(session) as pilot:
        screen = RunScreen(ident(3))
        pilot.app.push_screen(screen)
        await settled(pilot)
        await press(pilot, "8")
        assert "one" in dump(pilot.app)
        with (folder / "output.log").open("a") as file:
            file.write("two\n")
        writer = open_registry(session.folder, clock=clock)
        await writer.log(ident(3), Batch(points={"val/auc": points([0.5])}))
        await writer.close()
        screen.look()
        await settled(pilot)
        assert "two" in dump(pilot.app)
        assert "live" in bottom(pilot.app)
        await press(pilot, "1")
        assert "val/auc" in dump(pilot.app)
        before = dump(pilot.app)
        drawn = []
        screen.query_one(Chart).refresh = lambda *_, **__: drawn.append(1)
        screen.look()
        await settled(pilot)
        assert dump(pilot.app) == before
        assert not drawn


async def test_comparing_asks_with_which(session):
    async with open_console(session) as pilot:
        pilot.app.push_screen(RunScreen(ident(0)))
        await settled(pilot)
        await press(pilot, "c")
        await typed(pilot, "run-2, ru")
        await press(pilot, "tab")
        await press(pilot, "enter")
        assert pilot.app.screen.crumb == "compare 3"


async def test_points_are_exported(session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with open_console(session) as pilot:
        pilot.app.push_screen(RunScreen(ident(1)))
        await settled(pilot)
        await press(pilot, "ctrl+s", "enter")
        assert "400 points written" in bottom(pilot.app)
    lines = (tmp_path / "val-auc.csv").read_text().split("\n")
    assert lines[0] == "run,key,step,time,value"
    assert len(lines) == 402
