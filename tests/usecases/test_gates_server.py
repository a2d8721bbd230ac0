"""Gates before a real MLflow server, which has no word for evaluations."""

from __future__ import annotations

import json
import secrets

import pytest
from msgspec.structs import replace

from modeldeck.app.config.policy import Gate, Policy
from modeldeck.app.usecases.aliases import plan_set
from modeldeck.app.usecases.copying import apply_copy, plan_copy
from modeldeck.app.usecases.gates.check import check_gate
from modeldeck.app.usecases.gates.evaluation_files import LINES, evaluations_in
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import DamagedError
from modeldeck.backends.journal import Journaled
from modeldeck.backends.local import create_registry
from tests.mlflow.reaching import reach
from tests.usecases.gated import CANDIDATE, CHAMPION, Side, asked, measured, registry_of, scored
from tests.usecases.project import ACTOR, NOW, Clock, session_of

RULES = (
    {"kind": "metric", "metric": "auc", "at_least": 0.8, "better_by": 0.05},
    {"kind": "samples", "at_least": 400},
    {"kind": "paired", "metric": "auc", "mode": "superior"},
)


def lines(*rows: dict) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def line(value, **more) -> dict:
    return {
        "metric": "auc",
        "value": value,
        "dataset": "test",
        "artifact": "rows.csv",
        "n": 400,
        **more,
    }


def logged(value, strength) -> Side:
    return Side(files={LINES: lines(line(value)), "rows.csv": scored(strength)})


async def test_a_file_of_the_run_serves_where_the_registry_has_none(tmp_path):
    report = await asked(tmp_path / "m", logged(0.78, 1.0), logged(0.88, 1.6), *RULES)
    assert [rule.verdict for rule in report.rules] == ["pass"] * 3


async def test_what_the_registry_says_comes_first(tmp_path):
    side = Side(measured("auc", 0.5), files={LINES: lines(line(0.99))})
    report = await asked(
        tmp_path / "m", None, side, {"kind": "metric", "metric": "auc", "at_least": 0.9}
    )
    assert report.verdict == "fail"


BAD = {
    "no JSON": b"{",
    "no object": b"3",
    "no value": b'{"metric": "auc"}',
    "a value that is none": b'{"metric": "auc", "value": true}',
    "a value that is a word": b'{"metric": "auc", "value": "high"}',
    "no metric": b'{"value": 1}',
    "rows that are text": b'{"metric": "auc", "value": 1, "n": "many"}',
    "no text": b"\xff\xfe",
}


@pytest.mark.parametrize("about", BAD)
async def test_one_bad_line_makes_all_of_them_unknown(tmp_path, about):
    """The run's latest value is there as well, and must not step in for what is damaged."""
    data = lines(line(0.95)) + BAD[about] + b"\n"
    with pytest.raises(DamagedError, match=r"evaluations.jsonl, line 2"):
        evaluations_in(LINES, data)
    side = Side(files={LINES: data}, metrics={"auc": 0.99})
    report = await asked(
        tmp_path / "m", None, side, {"kind": "metric", "metric": "auc", "at_least": 0.1}
    )
    assert report.verdict == "unknown"
    assert "evaluations.jsonl, line 2: is no evaluation" in report.rules[0].shows


def test_odd_numbers_are_read():
    found = evaluations_in(LINES, lines(line("NaN"), line("-Infinity", slice="a")) + b"\n\n")
    assert found[0].value != found[0].value
    assert (found[1].value, found[1].slice) == (float("-inf"), "a")
    with pytest.raises(DamagedError, match="cannot be read"):
        evaluations_in(".modeldeck/run.json", b"[]")


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["3", "2"])
async def test_a_server_gives_the_verdict_that_we_give(mlflow_server, tmp_path, kind):
    """Both versions copied there with their runs; the same rules say the same."""
    server = mlflow_server(kind)
    model = f"fraud {secrets.token_hex(4)}"
    local = await registry_of(tmp_path / "here", logged(0.78, 1.0), logged(0.88, 1.6))
    records = create_registry(tmp_path / "records", clock=Clock())
    registry = Journaled(reach(server), records, tool="test", clock=lambda: NOW, context="far")
    source = session_of(local)
    target = Session(context="far", registry=registry, actor=ACTOR, clock=lambda: NOW)
    target = replace(target, directions=source.directions)
    try:
        plan = await plan_copy(source, target, ["fraud"], name=model, with_runs=True)
        await apply_copy(source, target, plan)
        gate = Gate(targets=("*@champion",), rules=RULES)
        far = replace(target, policy=Policy(gates={"g": gate}))
        await apply_plan(
            replace(far, policy=Policy()), await plan_set(far, model, "champion", CHAMPION)
        )
        theirs = await check_gate(far, model, "champion", CANDIDATE)
        ours = await check_gate(replace(source, policy=far.policy), "fraud", "champion", CANDIDATE)
        assert [(r.kind, r.verdict, r.shows) for r in theirs.rules] == [
            (r.kind, r.verdict, r.shows) for r in ours.rules
        ]
        assert theirs.verdict == "pass"
        assert theirs.evidence == (await check_gate(far, model, "champion", CANDIDATE)).evidence
    finally:
        await registry.close()
        await local.close()
