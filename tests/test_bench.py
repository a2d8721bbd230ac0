"""The bench's own logic, and what can be counted: statements a page, files that are not read."""

import math
import sqlite3
import sys
from collections import defaultdict

import pytest

from modeldeck.backends.local import database
from tests.bench import __main__ as program
from tests.bench import registry
from tests.bench.harness import ChildError, Cost, child, cost, each, paired, percentile, ratio
from tests.bench.pace import STANDARD, pace
from tests.bench.place import Bench
from tests.bench.report import (
    BYTES,
    PER_POINT,
    RATE,
    SECONDS,
    AtLeast,
    AtMost,
    Line,
    Missing,
    Times,
    amount,
    factor,
    plain,
    table,
)
from tests.cli.conftest import run_cli

# Pairs and ratios.


def test_pairs_take_turns_and_leave_out_the_warm_rounds():
    order = []

    def side(name, walls):
        def work():
            order.append(name)
            return Cost(next(walls), 0)

        return work

    pair = paired(side("a", iter([9, 1, 2, 3])), side("b", iter([9, 4, 5, 6])), 3)
    assert "".join(order) == "abbaabba"
    assert pair.wall() == ([1, 2, 3], [4, 5, 6])


def test_a_ratio_is_the_median_of_the_rounds_where_they_are_paired():
    # The machine was three times slower in the last round, for both.
    assert ratio([2.0, 2.2, 6.0], [1.0, 1.0, 3.0]) == 2
    assert ratio([2.0, 4.0], [1.0, 1.0, 9.0]) == 3
    assert math.isnan(ratio([1.0], []))
    assert math.isnan(ratio([1.0], [0.0]))


def test_a_percentile_is_a_value_that_was_measured():
    values = list(range(1, 101))
    assert [percentile(values, share) for share in (0, 0.5, 0.99, 1)] == [1, 50, 99, 100]
    assert percentile([7], 0.99) == 7


def test_costs_are_of_one_call():
    calls = []
    assert cost(lambda: calls.append(1)).wall >= 0
    each(lambda: calls.append(1), 5)
    assert len(calls) == 6


def test_a_child_is_measured_from_its_start_to_its_end(tmp_path):
    code = "import time; print('out'); b = bytearray(80_000_000); time.sleep(0.2)"
    found = child([sys.executable, "-c", code], memory=True, output=tmp_path / "out")
    assert found.wall > 0.2 > found.cpu / 10
    assert found.peak > 80_000_000
    assert (tmp_path / "out").read_text() == "out\n"


def test_a_child_that_fails_is_no_measurement():
    with pytest.raises(ChildError, match="ended with 3: no such thing"):
        child([sys.executable, "-c", "import sys; sys.stderr.write('no such thing'); sys.exit(3)"])


# Limits and the table.


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (Line("a", SECONDS, [0.05, 0.06, 0.07], AtMost(0.06)), "ok"),
        (Line("a", SECONDS, [0.05, 0.06, 0.07], AtMost(0.06), worst=True), "OVER"),
        (Line("a", SECONDS, [0.05]), ""),
        (Line("a", BYTES, [0.0], AtMost(0)), "ok"),
        (Line("a", BYTES, [1.0], AtMost(0)), "OVER"),
        (Line("a", RATE, [5e5], AtLeast(4e5)), "ok"),
        (Line("a", RATE, [3e5], AtLeast(4e5)), "OVER"),
        (Line("a", SECONDS, [1.4, 1.5, 9.0], Times(1.5), [1.0, 1.0, 1.0]), "ok"),
        (Line("a", SECONDS, [1.6, 1.6, 1.6], Times(1.5), [1.0, 1.0, 1.0]), "OVER"),
        (Line("a", SECONDS, [0.29], Times(2, plus=0.1), [0.1]), "ok"),
        (Line("a", SECONDS, [0.31], Times(2, plus=0.1), [0.1]), "OVER"),
        # The reference was three times as slow in the last rounds: pairs, not medians.
        (Line("a", SECONDS, [0.3, 0.6, 0.6], Times(2, plus=0.1), [0.1, 0.3, 0.1]), "ok"),
        (Line("a", SECONDS, [0.01], Times(1 / 100), [2.0]), "ok"),
        (Line("a", SECONDS, [0.01], Times(1 / 100), [0.5]), "OVER"),
        # On a machine that takes twice as long; what is no time of its own is as it was.
        (Line("a", SECONDS, [0.11], AtMost(0.06), pace=2), "ok"),
        (Line("a", SECONDS, [0.13], AtMost(0.06), pace=2), "OVER"),
        (Line("a", RATE, [3e5], AtLeast(4e5), pace=2), "ok"),
        (Line("a", RATE, [1.9e5], AtLeast(4e5), pace=2), "OVER"),
        (Line("a", BYTES, [1.5], AtMost(1), pace=2), "OVER"),
        (Line("a", SECONDS, [1.6], Times(1.5), [1.0], pace=2), "OVER"),
        (Line("a", SECONDS, [1.6], Times(1.5), [1.0], wanted=True), "not yet"),
        (Line("a", SECONDS, [1.4], Times(1.5), [1.0], wanted=True), "ok"),
    ],
)
def test_verdicts(line, verdict):
    assert line.verdict == verdict
    assert plain("g", line)["verdict"] == (verdict or None)


def test_a_pace_is_of_the_best_frame_and_never_less_than_once():
    assert pace([3 * STANDARD, 2 * STANDARD, 7 * STANDARD]) == 2
    assert pace([STANDARD / 2, STANDARD]) == 1
    slow = Line("a", SECONDS, [0.1], AtMost(0.06), pace=2)
    assert (slow.allowed, plain("g", slow)["pace"]) == ("60.0 ms x 2.00", 2)
    assert Line("a", RATE, [1.0], AtLeast(4e5), pace=2).allowed == ">= 400,000/s / 2.00"
    assert Line("a", SECONDS, [1.0], Times(2), [1.0], pace=2).allowed == "2 x"


def test_figures_read_well():
    times = [amount(value, SECONDS) for value in (0.000123, 0.0123, 0.123, 1.234, 12.34)]
    assert times == ["0.12 ms", "12.3 ms", "123 ms", "1.23 s", "12.3 s"]
    sizes = [amount(value, BYTES) for value in (0, 333, 9400, 56.09e6, 118.4e6)]
    assert sizes == ["0 B", "333 B", "9.4 KB", "56.1 MB", "118 MB"]
    assert amount(123456.7, RATE) == "123,457/s"
    assert amount(4.625, PER_POINT) == "4.62 B"
    assert [factor(value) for value in (1.5, 2, 15.4, 0.31, 1 / 340, math.nan)] == [
        "1.50 x", "2 x", "15 x", "0.31 x", "1/340", "",
    ]  # fmt: skip


def test_the_table():
    lines = [
        Line("frame", SECONDS, [0.4, 0.5, 0.6], Times(1.5), [0.4, 0.4, 0.4], "empty", note="why"),
        Missing("search", "no .venv-mlflow3: run `make servers`"),
        Line("bytes", BYTES, [5.0], note="why"),
    ]
    text = """\
budget  ours: median (min - max) of n  reference     ratio   limit
------  -----------------------------  ------------  ------  ------  --
frame   500 ms (400 ms - 600 ms) of 3  400 ms empty  1.25 x  1.50 x  ok
search  not measured: no .venv-mlflow3: run `make servers`
bytes   5 B                                                  -

  frame; bytes: why"""
    assert table(lines) == text


class Fake:
    """A group that yields what it is given, or breaks."""

    def __init__(self, *lines):
        self.lines = lines

    def measure(self, _):
        for line in self.lines:
            if isinstance(line, Exception):
                raise line
            yield line


def test_a_group_that_breaks_hides_no_other(monkeypatch, capsys, tmp_path):
    fakes = {
        ".frame": Fake(Line("first", BYTES, [2.0], AtMost(1)), ValueError("broken")),
        ".query": Fake(
            Line("second", BYTES, [1.0], AtMost(1)),
            Line("wish", BYTES, [2.0], Times(1), [1.0], wanted=True),
        ),
    }
    monkeypatch.setattr(program.importlib, "import_module", lambda name, _: fakes[name])
    monkeypatch.setattr(program, "first_frames", lambda _: [STANDARD])
    asked = ["frame", "query", "--json", str(tmp_path / "found.json")]
    assert program.main(asked) == 0
    out = capsys.readouterr().out
    assert "not measured: ValueError: broken" in out
    assert "3 budgets, 2 not kept; 0 of 1 wishes come true" in out
    assert '"verdict": "OVER"' in (tmp_path / "found.json").read_text()
    assert program.main([*asked, "--strict"]) == 1
    assert program.main(["query", "--strict"]) == 0


def test_an_unknown_group_is_named(capsys):
    with pytest.raises(SystemExit):
        program.main(["speed"])
    assert "there is no group 'speed'" in capsys.readouterr().err


def test_made_data_is_made_once_for_each_key(tmp_path):
    bench = Bench(tmp_path, cache=tmp_path / "cache")
    made = []

    def make(folder):
        made.append(folder)
        (folder / "file").write_text(str(len(made)))

    first = bench.kept("store", b"1", make)
    assert bench.kept("store", b"1", make) == first
    second = bench.kept("store", b"2", make)
    assert (second / "file").read_text() == "2"
    assert [path.name for path in bench.cache.iterdir()] == [second.name]
    with pytest.raises(OSError, match="full"):
        bench.kept("store", b"3", lambda _: (_ for _ in ()).throw(OSError("full")))
    assert not list(bench.cache.glob("new-*"))


# The generated registry, and what a list costs on it.

FEW, MANY = 600, 6000


@pytest.fixture(scope="module")
def registries(tmp_path_factory):
    """A small one, and one in which sets of runs are no longer small."""
    made = {}
    for runs in (FEW, MANY):
        made[runs] = tmp_path_factory.mktemp(f"registry-{runs}")
        registry.make(made[runs], runs)
    return made


def test_the_generated_registry_is_what_it_says(registries):
    with sqlite3.connect(registries[FEW] / ".modeldeck" / "registry.db") as db:
        counts = {
            part: db.execute(f"SELECT count(*) FROM {part}").fetchone()[0]
            for part in ("run", "experiment", "metric", "param")
        }
        nan = db.execute("SELECT count(*) FROM metric WHERE value IS NULL").fetchone()[0]
    db.close()
    assert counts["run"] == FEW
    assert counts["experiment"] == 50
    for part in ("metric", "param"):
        assert 0.02 < 1 - counts[part] / (FEW * 20) < 0.04
    assert 0.01 < nan / counts["metric"] < 0.03


@pytest.fixture
def statements(monkeypatch):
    """Every statement that is run, by the name of the file."""
    seen = defaultdict(list)
    connect = database.connect

    def watched(uri, *args, **kwargs):
        connection = connect(uri, *args, **kwargs)
        connection.set_trace_callback(seen[uri.partition("?")[0].rpartition("/")[2]].append)
        return connection

    monkeypatch.setattr(database, "connect", watched)
    return seen


LISTS = {
    "newest": [],
    "sorted": ["--sort", "-metrics.metric_00"],
    "sorted by a text": ["--sort", "params.param_03"],
    "filtered": ["--filter", "metrics.metric_00 > 0.2"],
    "filtered and sorted": [
        "--filter", "metrics.metric_00 > 0.2 and params.param_03 != adam",
        "--sort", "-metrics.metric_03",
    ],
}  # fmt: skip


@pytest.mark.parametrize("options", LISTS.values(), ids=LISTS)
def test_a_page_takes_no_more_statements_where_there_are_more_runs(registries, statements, options):
    found = {}
    for runs, folder in registries.items():
        statements.clear()
        listed = run_cli(
            "--registry", folder, "runs", "ls", "-o", "json", "--limit", "10", *options
        )
        assert listed.code == 0, listed.err
        assert listed.out.count('"params"') == 10
        found[runs] = len(statements["registry.db"])
    assert found[MANY] <= found[FEW] + 1, found
    assert max(found.values()) <= 40, found


@pytest.mark.parametrize("options", LISTS.values(), ids=LISTS)
def test_listing_reads_no_series(registries, statements, options):
    listed = run_cli("--registry", registries[FEW], "runs", "ls", *options)
    assert listed.code == 0, listed.err
    assert statements["registry.db"]
    # Whose version it is may be asked; no table may be.
    asked = [one for one in statements["telemetry.db"] if not one.startswith(("PRAGMA", "BEGIN"))]
    assert set(asked) <= {"SELECT count(*) FROM sqlite_master", "ROLLBACK"}
