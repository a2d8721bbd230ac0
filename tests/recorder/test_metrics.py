"""Lines of metrics.jsonl become points: all of them, once, bit for bit."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.recorder.follow import Reader
from modeldeck.backends.api.ingest import Problem

NOW = 1_700_000_000_000_000
Rows = dict[str, list[tuple[int, int, bytes]]]


def reader(run_dir: Path, positions: dict[str, int] | None = None) -> Reader:
    return Reader(run_dir, positions or {}, clock=lambda: NOW)


def rows(points: Any) -> Rows:
    """Points as plain values; floats as their bits, so that NaN equals itself."""
    return {
        key: [
            (step, time, struct.pack("<d", value))
            for step, time, value in zip(p.steps, p.times, p.values, strict=True)
        ]
        for key, p in points.items()
    }


def read_all(run_dir: Path, **options: Any) -> tuple[Rows, list[Problem]]:
    follower, found, problems = reader(run_dir), {}, []
    while True:
        batch, wrong = follower.read(finish=True, **options)
        problems += wrong
        for key, more in rows(batch.points).items():
            found.setdefault(key, []).extend(more)
        if not follower.behind:
            return found, problems


def written(tmp_path: Path, text: str | bytes) -> tuple[Rows, list[Problem]]:
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "metrics.jsonl").write_bytes(data)
    return read_all(tmp_path)


def values(found: Rows) -> dict[str, list[tuple[int, float]]]:
    return {k: [(s, struct.unpack("<d", v)[0]) for s, _, v in rows] for k, rows in found.items()}


def test_a_line_gives_a_point_to_each_of_its_series(tmp_path):
    found, problems = written(
        tmp_path, '{"step": 3, "loss": 0.21, "train": {"acc": 1, "ok": true}}\n'
    )
    assert values(found) == {"loss": [(3, 0.21)], "train/acc": [(3, 1.0)], "train/ok": [(3, 1.0)]}
    assert problems == []


def test_times_are_seconds_or_rfc_3339_and_else_the_time_of_reading(tmp_path):
    lines = [
        '{"step": 1, "time": 1700000000.25, "a": 1}',
        '{"step": 2, "timestamp": "2023-11-14T23:13:20.000001+01:00", "a": 1}',
        '{"step": 3, "a": 1}',
        '{"step": 4, "time": "2023-11-14 10:00", "a": 1}',
        '{"step": 5, "time": 1700000000000, "a": 1}',
    ]
    found, problems = written(tmp_path, "\n".join(lines))
    assert [time for _, time, _ in found["a"]] == [
        1_700_000_000_250_000,
        1_700_000_000_000_001,
        NOW,
        NOW,
        NOW,
    ]
    assert problems[0].where == "metrics.jsonl:4"
    assert "offset from UTC" in problems[0].what
    assert problems[1].what.endswith("once more")


def test_a_point_without_a_step_comes_after_all_before_it(tmp_path):
    lines = ['{"a": 1}', '{"a": 2}', '{"step": 40, "a": 3, "b": 1}', '{"a": 4, "b": 2}', '{"c": 1}']
    found, problems = written(tmp_path, "\n".join(lines))
    steps = {key: [step for step, _ in rows] for key, rows in values(found).items()}
    assert steps == {"a": [0, 1, 40, 41], "b": [40, 41], "c": [0]}
    assert problems == []


def test_numbers_that_json_does_not_have(tmp_path):
    line = (
        '{"step": 0, "a": NaN, "b": -Infinity, "c": "Infinity", "d": "nan", "e": 1'
        + "0" * 300
        + "}"
    )
    found, problems = written(tmp_path, line)
    one = {key: rows[0][1] for key, rows in values(found).items()}
    assert math.isnan(one["a"])
    assert math.isnan(one["d"])
    assert (one["b"], one["c"], one["e"]) == (-math.inf, math.inf, 1e300)
    assert problems == []


BEFORE = b'{"step": 0, "ok": 1}\n'
AFTER = b'\n{"step": 2, "ok": 1}\n'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"step": 1, "ok": 1, "loss": "low"}', "'loss' is text"),
        (b'{"step": 1, "ok": 1, "loss": null}', "'loss' is null"),
        (b'{"step": 1, "ok": 1, "loss": [1, 2]}', "'loss' is a list"),
        (b'{"step": 1, "ok": 1, "loss": 1e999}', "'loss' is beyond any float"),
        (b'{"step": 1, "ok": 1, "loss": 1' + b"0" * 400 + b"}", "'loss' is beyond any float"),
        (b'{"step": 1, "ok": 1, "loss": 1' + b"0" * 5000 + b"}", "'loss' is beyond any float"),
        (b'{"step": 1, "ok": 0, "ok": 1}', "'ok' stands twice"),
        (b'{"step": 1, "ok": 1, "a": {"b": "x"}}', "'a/b' is text"),
        (b'{"step": 99999999999999999999, "ok": 1}', "step is no whole number"),
        (b'{"step": "1", "ok": 1}', "step is no whole number"),
    ],
)
def test_what_is_no_number_is_named_and_the_rest_kept(tmp_path, line, says):
    found, problems = written(
        tmp_path, b'{"step": 0, "ok": 1}\n' + line + b'\n{"step": 2, "ok": 1}\n'
    )
    assert values(found)["ok"] == [(0, 1.0), (1, 1.0), (2, 1.0)]
    assert [problem.where for problem in problems] == ["metrics.jsonl:2"]
    assert says in problems[0].what


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b'{"step": 1, "ok": 1',
        b'{"ok": "\xff"}',
        b"[1, 2]",
        b"3",
        b"null",
        b'{"ok": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"ok":' * 100 + b"1" + b"}" * 100,
        b'{"step": 1, "ok": 01}',
        b"\0\0\0\0",
    ],
)
def test_a_line_that_is_wrong_costs_itself_alone(tmp_path, line):
    found, problems = written(
        tmp_path, b'{"step": 0, "ok": 1}\n' + line + b'\n{"step": 2, "ok": 1}\n'
    )
    assert values(found) == {"ok": [(0, 1.0), (2, 1.0)]}
    assert [problem.where for problem in problems] == ["metrics.jsonl:2"]


def test_blank_lines_and_other_line_ends_are_fine(tmp_path):
    found, problems = written(
        tmp_path, b'\xef\xbb\xbf{"step": 0, "a": 1}\r\n\r\n  \n{"step": 1, "a": 2}\r\n'
    )
    assert values(found) == {"a": [(0, 1.0), (1, 2.0)]}
    assert problems == []


def test_names_stay_as_they_are_but_for_lone_surrogates(tmp_path):
    long = "n" * 20_000
    line = json.dumps({"step": 0, "": 1, "\x1b[2J": 2, long: 3, "\ud800": 4})
    found, problems = written(tmp_path, line)
    assert set(found) == {"", "\x1b[2J", long, "\ufffd"}
    assert problems == []


def test_a_million_bad_lines_are_a_handful_of_problems(tmp_path):
    text = "".join(f'{{"step": {i}, "note": "warm"}}\nno{i}\n' for i in range(2000))
    _, problems = written(tmp_path, text)
    assert [problem.what for problem in problems if "more" not in problem.what][0:1] == [
        "'note' is text, not a number"
    ]
    assert len(problems) == 4
    assert sum(int(p.what.split(": ")[-1].split()[0]) for p in problems[2:]) == 3998


floats = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.dictionaries(st.text(max_size=8), floats, max_size=4), max_size=20))
def test_floats_come_bit_for_bit(tmp_path_factory, logged):
    run_dir = tmp_path_factory.mktemp("run")
    reserved = {"step", "time", "timestamp"}
    logged = [{k: v for k, v in row.items() if k not in reserved} for row in logged]
    lines = [json.dumps({"step": step} | row) for step, row in enumerate(logged)]
    found, problems = written(run_dir, "\n".join(lines))
    wanted: dict[str, list[tuple[int, float]]] = {}
    for step, row in enumerate(logged):
        for key, value in row.items():
            wanted.setdefault(key, []).append((step, value))
    assert problems == []
    assert {k: [(s, v) for s, _, v in rows] for k, rows in found.items()} == {
        key: [(s, struct.pack("<d", math.nan if math.isnan(v) else v)) for s, v in points]
        for key, points in wanted.items()
    }


LINES = [
    b'{"step": 0, "loss": 0.5, "acc": 0.1}',
    b'{"loss": NaN}',
    b"",
    b"half {",
    b'{"step": 7, "loss": -0.0, "val": {"loss": 2}}',
    b'{"loss": 1, "note": "x"}',
    b'{"acc": 3}',
]


@given(
    lines=st.lists(st.sampled_from(LINES), max_size=12),
    ended=st.booleans(),
    cuts=st.lists(st.integers(0, 500), max_size=6),
    restarts=st.lists(st.booleans(), min_size=7, max_size=7),
    limit=st.sampled_from([1, 7, 64, 1 << 20]),
)
def test_any_way_of_reading_gives_the_same_points_once(
    tmp_path_factory, lines, ended, cuts, restarts, limit
):
    """The file grows to each cut, is read, perhaps by a new reader, and reads on."""
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    run_dir = tmp_path_factory.mktemp("run")
    wanted, _ = written(run_dir, data)
    path = run_dir / "metrics.jsonl"
    path.unlink()
    follower, found = reader(run_dir), {}
    stops = [*sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for place, stop in enumerate(stops):
        path.write_bytes(data[:stop])
        if restarts[place]:
            follower = reader(run_dir, dict(follower.positions))
        last = stop == len(data)
        while True:
            batch, _ = follower.read(limit_bytes=limit, finish=last)
            for key, more in rows(batch.points).items():
                found.setdefault(key, []).extend(more)
            assert follower.positions == batch.positions
            if not follower.behind:
                break
    assert found == wanted


@pytest.mark.parametrize("restarted", [True, False])
def test_a_file_torn_at_any_byte_is_read_on(tmp_path, restarted):
    data = b"\n".join(LINES) + b"\n"
    wanted, _ = written(tmp_path, data)
    for cut in range(len(data)):
        (tmp_path / "metrics.jsonl").write_bytes(data[:cut])
        follower = reader(tmp_path)
        found = rows(follower.read()[0].points)
        (tmp_path / "metrics.jsonl").write_bytes(data)
        if restarted:
            follower = reader(tmp_path, dict(follower.positions))
        for key, more in rows(follower.read(finish=True)[0].points).items():
            found.setdefault(key, []).extend(more)
        assert found == wanted, cut
