"""A report of all rules: which are asked, what they stand on, the same bytes for the same facts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from modeldeck.app.config.policy import Policy
from modeldeck.app.config.policy_file import parse_policy, unreadable
from modeldeck.app.usecases.gates import check
from modeldeck.app.usecases.gates.check import check_gate
from modeldeck.app.usecases.gates.kinds import known_kinds
from modeldeck.app.usecases.gates.report import GateReport, document
from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.plan import PolicyRef, Verdict
from tests.usecases.gated import (
    CANDIDATE,
    CHAMPION,
    Side,
    asked,
    measured,
    registry_of,
    scored,
    with_rules,
)
from tests.usecases.project import ACTOR, CONTEXT, alias_change, plan_of, session_of

FLOOR = {"kind": "metric", "metric": "auc", "at_least": 0.9}
FROZEN = {"kind": "freeze", "windows": [{"from": "2026-11-20", "to": "2026-11-30"}]}
RULES = [
    FLOOR,
    {"kind": "samples", "at_least": 1},
    {"kind": "slices", "metric": "auc", "at_least": 0.1},
    {"kind": "paired", "metric": "auc"},
    {"kind": "card", "fields": ["x"]},
    {"kind": "approvals"},
    FROZEN,
    {"kind": "ticket"},
    {"kind": "artifact"},
    {"kind": "signature"},
    {"kind": "nobodys"},
]


def report_of(*verdicts: str, **changed) -> GateReport:
    given = {
        "model": "m",
        "alias": "a",
        "version": 2,
        "digest": "sha256:1",
        "holder": 1,
        "purpose": "promote",
        "policy": None,
        "rules": [Verdict(rule=f"r{n}", verdict=word) for n, word in enumerate(verdicts)],
        "evidence": "",
    }
    return GateReport(**(given | changed))


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        ([], "pass"),
        (["pass"], "pass"),
        (["pass", "waived"], "pass"),
        (["pass", "wait"], "wait"),
        (["wait", "unknown"], "unknown"),
        (["unknown", "fail", "wait"], "fail"),
        (["pass", "something new"], "fail"),
    ],
)
def test_the_worst_is_the_verdict(verdicts, whole):
    report = report_of(*verdicts)
    assert report.verdict == whole
    assert report.holds == (whole == "pass")


async def test_a_rollback_is_not_measured_again(tmp_path):
    promote = await asked(tmp_path / "a", Side(), Side(), *RULES)
    rollback = await asked(tmp_path / "a", Side(), Side(), *RULES, how={"purpose": "rollback"})
    assert [rule.kind for rule in promote.rules] == [rule["kind"] for rule in RULES]
    assert [rule.kind for rule in rollback.rules] == [
        "approvals", "freeze", "ticket", "artifact", "signature", "nobodys",
    ]  # fmt: skip
    assert rollback.rules[-1].verdict == "unknown"
    with pytest.raises(ValueError, match="undo"):
        await asked(tmp_path / "a", Side(), Side(), how={"purpose": "undo"})


async def test_where_no_gate_stands_it_passes_with_no_rules(tmp_path):
    backend = await registry_of(tmp_path / "m", Side(), Side())
    session = with_rules(session_of(backend), {"kind": "nobodys"})
    report = await check_gate(session, "fraud", "candidate", CANDIDATE)
    await backend.close()
    assert (report.rules, report.verdict, report.evidence, report.holder) == ((), "pass", "", None)
    assert report.digest.startswith("sha256:")


async def test_a_version_that_is_not_there_is_an_error(tmp_path):
    backend = await registry_of(tmp_path / "m", Side(), Side())
    with pytest.raises(NotFoundError):
        await check_gate(with_rules(session_of(backend), FLOOR), "fraud", "champion", 99)
    await backend.close()


async def test_a_policy_that_cannot_be_read_lets_nothing_through(tmp_path):
    backend = await registry_of(tmp_path / "m", Side(), Side())
    source = PolicyRef(place="/p", ref="main")
    session = session_of(backend, policy=unreadable("main is not there. Fetch it", source))
    for alias in ("champion", "anything"):
        report = await check_gate(session, "fraud", alias, CANDIDATE)
        assert report.verdict == "unknown"
        assert [(rule.kind, rule.shows) for rule in report.rules] == [
            ("policy", "main is not there. Fetch it")
        ]
        assert report.policy == source
    await backend.close()


async def test_a_version_that_has_the_alias_already_is_compared_with_nobody(tmp_path):
    backend = await registry_of(tmp_path / "m", Side(measured("auc", 0.95)), Side())
    rules = (
        {**FLOOR, "better_by": 0.5},
        {"kind": "paired", "metric": "auc"},
        {"kind": "signature"},
    )
    report = await check_gate(
        with_rules(session_of(backend), *rules), "fraud", "champion", CHAMPION
    )
    await backend.close()
    assert [rule.verdict for rule in report.rules] == ["pass"] * 3
    assert "it is champion already" in report.rules[0].shows


async def test_directions_are_those_of_the_policy_where_it_was_read(tmp_path):
    """A metric is no better because the working tree says that lower is."""
    backend = await registry_of(
        tmp_path / "m", Side(measured("auc", 0.9)), Side(measured("auc", 0.8))
    )
    rule = {"kind": "metric", "metric": "auc", "better_by": 0.01}
    session = with_rules(session_of(backend, directions={"auc": "lower"}), rule)
    assert (await check_gate(session, "fraud", "champion", CANDIDATE)).verdict == "pass"
    policy = replace(session.policy, source=PolicyRef(commit="a1"), directions={"auc": "higher"})
    session = replace(session, policy=policy)
    assert (await check_gate(session, "fraud", "champion", CANDIDATE)).verdict == "fail"
    await backend.close()


async def test_gates_of_several_patterns_all_stand(tmp_path):
    policy = parse_policy(
        """
[gates.one]
for = ["fraud@*"]
[[gates.one.rules]]
kind = "artifact"
[gates.two]
for = ["*@champion"]
[[gates.two.rules]]
kind = "signature"
""",
        "f",
        known_kinds,
    )
    backend = await registry_of(tmp_path / "m", Side(), Side())
    report = await check_gate(session_of(backend, policy=policy), "fraud", "champion", CANDIDATE)
    await backend.close()
    assert [(rule.gate, rule.kind) for rule in report.rules] == [
        ("one", "artifact"),
        ("two", "signature"),
    ]


async def glass(folder: Path, *, live: bool, ticket: str = "INC1", rules=(FROZEN, FLOOR)):
    backend = await registry_of(folder, Side(measured("auc", 0.8)), Side(measured("auc", 0.8)))
    if live:
        for before, after in ((CHAMPION, CANDIDATE), (CANDIDATE, CHAMPION)):
            plan = plan_of("alias.set", alias_change("fraud", "champion", before, after))
            await backend.apply(plan, ACTOR, CONTEXT)
    try:
        session = with_rules(session_of(backend), *rules)
        return await check_gate(
            session, "fraud", "champion", CANDIDATE, purpose="rollback", broken_glass=ticket
        )
    finally:
        await backend.close()


async def test_broken_glass_sets_a_freeze_aside_for_what_was_live(tmp_path):
    (rule,) = (await glass(tmp_path / "m", live=True)).rules
    assert rule.verdict == "waived"
    assert rule.shows.startswith("glass broken for INC1; frozen until")
    assert rule.numbers["glass"] == "INC1"
    assert rule.numbers["without_glass"] == "wait"


async def test_it_stays_whole_for_what_was_never_live(tmp_path):
    report = await glass(tmp_path / "m", live=False)
    assert report.verdict == "wait"
    assert report.rules[0].shows.endswith(
        "the glass breaks only for what was live as champion before"
    )


async def test_it_breaks_for_no_other_rule(tmp_path):
    rules = (FROZEN, {"kind": "ticket"}, {"kind": "nobodys"})
    report = await glass(tmp_path / "m", live=True, rules=rules)
    assert [rule.verdict for rule in report.rules] == ["waived", "wait", "unknown"]


async def test_without_a_ticket_it_is_whole(tmp_path):
    assert (await glass(tmp_path / "m", live=True, ticket="")).verdict == "wait"


BASE = {"files": {"p.csv": scored(1.0, 40)}, "card": "# x", "metrics": {"auc": 0.8}}
EVALUATION = measured("auc", 0.9, artifact="p.csv")
CHANGES = {
    "another card": Side(EVALUATION, **{**BASE, "card": "# y"}),
    "another value": Side(measured("auc", 0.9000000000000001, artifact="p.csv"), **BASE),
    "another dataset": Side(measured("auc", 0.9, artifact="p.csv", dataset_digest="x"), **BASE),
    "other predictions": Side(EVALUATION, **{**BASE, "files": {"p.csv": scored(1.0, 41)}}),
    "another signature": Side(EVALUATION, signature={"inputs": []}, **BASE),
    "other content": Side(EVALUATION, digest="sha256:" + "3" * 64, **BASE),
    "another latest value": Side(EVALUATION, **{**BASE, "metrics": {"auc": 0.81}}),
    "another evaluation": Side(EVALUATION, measured("f1", 0.5), **BASE),
    "predictions that are gone": Side(EVALUATION, **{**BASE, "files": {}}),
}


async def test_evidence_is_of_the_candidate_s_own_facts(tmp_path):
    first = (await asked(tmp_path / "base", Side(), Side(EVALUATION, **BASE), FLOOR)).evidence
    assert first.startswith("sha256:")
    assert len(first) == 71
    seen = {first}
    for about, side in CHANGES.items():
        found = (await asked(tmp_path / about, Side(), side, FLOOR)).evidence
        assert found not in seen, about
        seen.add(found)


async def test_evidence_knows_nothing_of_holder_clock_policy_and_user(tmp_path):
    from datetime import timedelta

    from tests.usecases.project import NOW

    side = Side(EVALUATION, **BASE)
    first = await asked(tmp_path / "a", Side(), side, FLOOR)
    other = await asked(
        tmp_path / "b", None, Side(EVALUATION, user="other", **BASE), FROZEN, {"kind": "nobodys"},
        clock=lambda: NOW + timedelta(days=3), how={"ticket": "x", "purpose": "rollback"},
    )  # fmt: skip
    assert first.evidence == other.evidence
    assert first.holder != other.holder


VALUES = st.dictionaries(st.sampled_from(["auc", "loss", "f1"]), st.floats(), max_size=3)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES, st.text(max_size=20), st.sampled_from([None, 0, 5]))
async def test_the_same_facts_are_the_same_bytes(tmp_path_factory, metrics, card, rows):
    """In two registries, made apart; NaN, infinities and odd texts are facts as well."""
    from modeldeck.backends.api.text import exact

    texts = []
    for _ in range(2):
        made = [measured(name, value, "", n=rows) for name, value in metrics.items()]
        side = Side(*made, metrics=metrics, card=exact(card))
        rules = [r for r in RULES if r["kind"] != "approvals"]
        report = await asked(tmp_path_factory.mktemp("f") / "m", Side(), side, *rules)
        texts.append(document(report))
    assert texts[0] == texts[1]


def test_the_document_is_one_line_of_plain_ascii_in_order():
    nasty = Verdict(
        rule="r\x1b[31m\u202e\x7f", verdict="fail", shows="ü\n", numbers={"b": float("nan"), "a": 1}
    )
    text = document(report_of(rules=[nasty], policy=PolicyRef(place="é", notes=["n"])))
    assert text.isascii()
    assert text.isprintable()
    tree = json.loads(text)
    assert list(tree) == sorted(tree)
    assert list(tree["rules"][0]["numbers"]) == ["a", "b"]
    assert tree["rules"][0]["numbers"]["b"] == "NaN"
    assert tree["schema"] == 1
    assert tree["verdict"] == "fail"


async def test_rules_are_asked_in_the_order_of_the_policy(tmp_path):
    report = await asked(tmp_path / "m", Side(), Side(), *reversed(RULES))
    assert [rule.kind for rule in report.rules] == [rule["kind"] for rule in reversed(RULES)]


def test_only_freezes_and_approvals_are_behind_glass():
    assert check._GLASS == ("freeze", "approvals")


def test_an_empty_policy_stands_before_nothing():
    assert Policy().before("fraud", "champion") == []
