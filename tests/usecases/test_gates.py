"""Every kind of rule with what passes it, what fails it, and what it cannot tell."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.usecases.gates import ticket as tickets
from modeldeck.app.usecases.gates.card import placeholder, sections
from modeldeck.app.usecases.gates.kinds import KINDS, known_kinds, register
from modeldeck.app.usecases.gates.rule import Finding, Rule
from modeldeck.app.usecases.gates.ticket import wrong_pattern
from modeldeck.app.usecases.gates.values import difference, signed
from modeldeck.backends.api.errors import UnreachableError
from tests.usecases.gated import DATA, SIGNATURE, Side, asked, measured, scored, verdict_of

GOOD, BETTER = Side(measured("auc", 0.9312)), Side(measured("auc", 0.9355))
NOTHING = Side()
METRIC = {"kind": "metric", "metric": "auc"}
SLICES = {"kind": "slices", "metric": "auc"}
PARTS = Side(measured("auc", 0.95, "old", n=900), measured("auc", 0.891, "new customers", n=2104))
CARD = "# fraud 2\n\n## Limitations\n\nNot for amounts above 10,000.\n"
UNKNOWN_TYPE = {**SIGNATURE, "inputs": "a b c"}
WIDER = {**SIGNATURE, "inputs": [*SIGNATURE["inputs"], {"name": "country", "type": "string"}]}
OPTIONAL = {
    **SIGNATURE,
    "inputs": [*SIGNATURE["inputs"], {"name": "c", "type": "string", "required": False}],
}
OTHER_TYPE = {**SIGNATURE, "outputs": [{"type": "string"}]}
WEAK, STRONG = scored(0.8), scored(1.6)


def filed(data: bytes | None, metric: str = "auc", **more: Any) -> Side:
    """A side whose evaluation names a file of its rows."""
    one = measured(metric, 0.9, artifact="p.csv", **{"n": None, **more})
    return Side(one, files={} if data is None else {"p.csv": data})


def run(code: str) -> list[str]:
    return [sys.executable, "-c", code, "{ticket}"]


class Case(NamedTuple):
    verdict: str
    rule: dict[str, Any]
    shows: str
    candidate: Side = BETTER
    champion: Side | None = GOOD
    how: Mapping[str, Any] = MappingProxyType({})


CASES = {
    "metric: above its floor": Case("pass", METRIC | {"at_least": 0.9}, "0.9355 on test, n=1,000"),
    "metric: at its floor": Case("pass", METRIC | {"at_least": 0.9355}, "0.9355"),
    "metric: below its floor": Case(
        "fail", METRIC | {"at_least": 0.94}, "0.9355 on test, below 0.94"
    ),
    "metric: above its ceiling": Case("fail", METRIC | {"at_most": 0.5}, "above 0.5"),
    "metric: not measured": Case("unknown", METRIC | {"at_least": 0.9}, "v2 has no auc", NOTHING),
    "metric: NaN": Case(
        "unknown", METRIC | {"at_least": 0.9}, "it is NaN", Side(measured("auc", math.nan))
    ),
    "metric: better": Case("pass", METRIC | {"better_by": 0.004}, "+.0043 to 0.9312 of v1"),
    "metric: better by exactly as much": Case("pass", METRIC | {"better_by": 0.0043}, "+.0043"),
    "metric: not better by enough": Case(
        "fail", METRIC | {"better_by": 0.005}, "+.0043 to 0.9312 of v1"
    ),
    "metric: lower is better": Case(
        "pass",
        {"kind": "metric", "metric": "loss", "better_by": 0.1},
        "-.2000 to 0.6 of v1",
        Side(measured("loss", 0.4)),
        Side(measured("loss", 0.6)),
    ),
    "metric: lower is worse": Case(
        "fail",
        METRIC | {"metric": "loss", "better_by": 0.1},
        "+.2000",
        Side(measured("loss", 0.6)),
        Side(measured("loss", 0.4)),
    ),
    "metric: better than nothing": Case(
        "pass",
        METRIC | {"better_by": 0.1},
        "nothing is champion yet, so nothing to be better than",
        BETTER,
        None,
    ),
    "metric: of no declared direction": Case(
        "unknown",
        METRIC | {"metric": "gini", "better_by": 0.1},
        "which way gini is better is not declared",
        Side(measured("gini", 0.5)),
        Side(measured("gini", 0.3)),
    ),
    "metric: the holder was measured on other data": Case(
        "unknown",
        METRIC | {"better_by": 0.001},
        "v1 has no auc on the same test",
        BETTER,
        Side(measured("auc", 0.9, dataset_digest="sha256:88bb")),
    ),
    "metric: the holder was not measured": Case(
        "unknown", METRIC | {"better_by": 0.1}, "v1 has no auc", BETTER, NOTHING
    ),
    "metric: the holder is NaN": Case(
        "unknown",
        METRIC | {"better_by": 0.1},
        "auc of v1 is NaN",
        BETTER,
        Side(measured("auc", math.nan)),
    ),
    "metric: the latest of the run": Case(
        "pass", METRIC | {"at_least": 0.9}, "0.91 latest of the run", Side(metrics={"auc": 0.91})
    ),
    "metric: latest against latest": Case(
        "pass",
        METRIC | {"better_by": 0.01},
        "+.0100 to 0.9 of v1",
        Side(metrics={"auc": 0.91}),
        Side(metrics={"auc": 0.9}),
    ),
    "metric: latest against measured": Case(
        "unknown",
        METRIC | {"better_by": 0.0},
        "auc of v1 is of other data",
        Side(metrics={"auc": 0.99}),
    ),
    "metric: a run's latest is of no dataset": Case(
        "unknown",
        METRIC | {"at_least": 0.1, "dataset": "test"},
        "v2 has no auc on test",
        Side(metrics={"auc": 0.91}),
    ),
    "metric: several datasets": Case(
        "unknown",
        METRIC | {"at_least": 0.1},
        "measured on several datasets (other, test): name one",
        Side(measured("auc", 0.9), measured("auc", 0.8, dataset="other", dataset_digest="x")),
    ),
    "metric: one of several datasets": Case(
        "pass",
        METRIC | {"at_least": 0.1, "dataset": "other"},
        "0.8 on other",
        Side(measured("auc", 0.9), measured("auc", 0.8, dataset="other", dataset_digest="x")),
    ),
    "metric: a dataset by its digest": Case(
        "pass", METRIC | {"at_least": 0.1, "dataset": DATA}, "0.9355 on test"
    ),
    "metric: a slice": Case(
        "fail",
        METRIC | {"at_least": 0.9, "slice": "new customers"},
        "0.891 on test, below 0.9",
        PARTS,
    ),
    "metric: enough rows": Case("pass", METRIC | {"at_least": 0.1, "min_n": 1000}, "n=1,000"),
    "metric: too few rows": Case(
        "fail", METRIC | {"at_least": 0.1, "min_n": 1001}, "n=1,000 of 1,001"
    ),
    "metric: rows not known": Case(
        "unknown",
        METRIC | {"at_least": 0.1, "min_n": 5},
        "on how many rows is not known",
        Side(measured("auc", 0.9, n=None)),
    ),
    "metric: an evaluation of its own comes first": Case(
        "pass",
        METRIC | {"at_least": 0.9},
        "0.95",
        Side(measured("auc", 0.95, model="fraud", version=2)),
    ),
    "metric: an evaluation of another version is none": Case(
        "unknown",
        METRIC | {"at_least": 0.9},
        "v2 has no auc",
        Side(measured("auc", 0.99, model="fraud", version=1)),
    ),
    "samples: enough": Case(
        "pass", {"kind": "samples", "at_least": 900}, 'fewest 900, "old" of test', PARTS
    ),
    "samples: too few": Case(
        "fail", {"kind": "samples", "at_least": 901}, 'fewest 900, "old" of test', PARTS
    ),
    "samples: a slice that has enough": Case(
        "pass",
        {"kind": "samples", "at_least": 2000, "slices": ["new customers"]},
        "fewest 2,104",
        PARTS,
    ),
    "samples: a slice that is not there": Case(
        "unknown",
        {"kind": "samples", "at_least": 1, "slices": ["x"]},
        "no evaluation of slice 'x'",
        PARTS,
    ),
    "samples: nothing measured": Case(
        "unknown", {"kind": "samples", "at_least": 1}, "no evaluation of anything", NOTHING
    ),
    "samples: how many is not known": Case(
        "unknown",
        {"kind": "samples", "at_least": 1},
        "is not known",
        Side(measured("auc", 0.9, n=None)),
    ),
    "slices: all above": Case(
        "pass", SLICES | {"at_least": 0.88}, 'worst "new customers" 0.891 n=2,104', PARTS
    ),
    "slices: one below": Case(
        "fail", SLICES | {"at_least": 0.9}, '"new customers" 0.891 n=2,104', PARTS
    ),
    "slices: only those named": Case(
        "pass", SLICES | {"at_least": 0.9, "slices": ["old"]}, 'worst "old" 0.95 n=900', PARTS
    ),
    "slices: one that is named is missing": Case(
        "unknown", SLICES | {"at_least": 0.1, "slices": ["old", "x"]}, 'no auc of slice "x"', PARTS
    ),
    "slices: none": Case("unknown", SLICES | {"at_least": 0.1}, "no auc of slices was measured"),
    "slices: too few rows": Case(
        "fail", SLICES | {"at_least": 0.1, "min_n": 1000}, '"old" has 900 of 1,000 rows', PARTS
    ),
    "slices: one is NaN": Case(
        "unknown", SLICES | {"at_least": 0.1}, '"a" is NaN', Side(measured("auc", math.nan, "a"))
    ),
    "slices: worst of a loss": Case(
        "pass",
        SLICES | {"metric": "loss", "at_most": 1.0},
        'worst "b" 0.9',
        Side(measured("loss", 0.2, "a"), measured("loss", 0.9, "b")),
    ),
    "slices: not worse by the values": Case(
        "pass",
        SLICES | {"not_worse_by": 0.02},
        "none worse than v1 by 0.02",
        PARTS,
        Side(measured("auc", 0.96, "old"), measured("auc", 0.9, "new customers")),
    ),
    "slices: worse by the values": Case(
        "fail",
        SLICES | {"not_worse_by": 0.02},
        '"new customers" -.0290 to v1',
        PARTS,
        Side(measured("auc", 0.96, "old"), measured("auc", 0.92, "new customers")),
    ),
    "slices: the holder lacks one": Case(
        "unknown",
        SLICES | {"not_worse_by": 0.02},
        '"old": v1 has no auc',
        PARTS,
        Side(measured("auc", 0.9, "new customers")),
    ),
    "slices: nobody to be worse than": Case(
        "pass", SLICES | {"not_worse_by": 0.02}, 'worst "new customers"', PARTS, None
    ),
    "paired: not worse": Case(
        "pass",
        {"kind": "paired", "metric": "auc"},
        "DeLong n=400 p<.0001",
        filed(STRONG),
        filed(WEAK),
    ),
    "paired: worse": Case(
        "fail", {"kind": "paired", "metric": "auc"}, "DeLong n=400", filed(WEAK), filed(STRONG)
    ),
    "paired: no rows": Case(
        "unknown", {"kind": "paired", "metric": "auc"}, "names no file of per-row predictions"
    ),
    "paired: nobody to compare with": Case(
        "pass", {"kind": "paired", "metric": "auc"}, "nothing is champion yet", filed(STRONG), None
    ),
    "card: complete": Case(
        "pass", {"kind": "card", "fields": ["limitations"]}, "1 of 1 fields", Side(card=CARD)
    ),
    "card: a field is missing": Case(
        "fail", {"kind": "card", "fields": ["Owners"]}, '"Owners" is missing', Side(card=CARD)
    ),
    "card: none": Case(
        "fail", {"kind": "card", "fields": ["Limitations"]}, '"Limitations" is missing'
    ),
    "card: a field is empty": Case(
        "fail",
        {"kind": "card", "fields": ["Data"]},
        '"Data" is empty',
        Side(card="## Data\n\n## Metrics\nx\n"),
    ),
    "card: a placeholder": Case(
        "fail",
        {"kind": "card", "fields": ["Data"]},
        '"Data" is a placeholder (TODO)',
        Side(card="## Data\nTODO later\n"),
    ),
    "card: a rule that cannot be": Case(
        "unknown", {"kind": "card", "fields": []}, "could not be asked (ValueError)"
    ),
    "artifact: safe": Case("pass", {"kind": "artifact"}, "skops, nothing in it runs code"),
    "artifact: unsafe": Case(
        "fail",
        {"kind": "artifact"},
        "could run foreign code: it is a pickle",
        Side(unsafe=["it is a pickle"]),
    ),
    "artifact: nobody looked": Case(
        "unknown", {"kind": "artifact"}, "nobody looked", Side(unsafe=None)
    ),
    "artifact: no digest": Case(
        "unknown", {"kind": "artifact"}, "its digest is not known", Side(digest=None)
    ),
    "artifact: a format that is not allowed": Case(
        "fail", {"kind": "artifact", "formats": ["onnx"]}, "skops is not one of onnx"
    ),
    "artifact: read again": Case(
        "pass", {"kind": "artifact", "verify": True}, "9 bytes read again"
    ),
    "artifact: of another digest": Case(
        "fail",
        {"kind": "artifact", "verify": True},
        "its files are not those of sha256:000000000000",
        Side(digest="sha256:" + "0" * 64),
    ),
    "artifact: no file here": Case(
        "unknown",
        {"kind": "artifact", "verify": True},
        "none of its files is here",
        Side(model_file=None),
    ),
    "signature: the same": Case("pass", {"kind": "signature"}, "same 2 inputs, 1 output"),
    "signature: another input": Case(
        "fail", {"kind": "signature"}, "input country is new", Side(signature=WIDER)
    ),
    "signature: an input that need not be": Case(
        "pass", {"kind": "signature"}, "3 inputs for 2, 1 output", Side(signature=OPTIONAL)
    ),
    "signature: one input fewer": Case(
        "pass", {"kind": "signature"}, "2 inputs for 3, 1 output", BETTER, Side(signature=WIDER)
    ),
    "signature: another type": Case(
        "fail", {"kind": "signature"}, "output #0 was double, is string", Side(signature=OTHER_TYPE)
    ),
    "signature: an output is gone": Case(
        "fail",
        {"kind": "signature"},
        "output #0 is gone",
        Side(signature={**SIGNATURE, "outputs": []}),
    ),
    "signature: none": Case(
        "unknown", {"kind": "signature"}, "v2 has no signature", Side(signature=None)
    ),
    "signature: the holder has none": Case(
        "unknown", {"kind": "signature"}, "v1 has no signature", BETTER, Side(signature=None)
    ),
    "signature: of a form that is not known": Case(
        "unknown", {"kind": "signature"}, "inputs differ in a form", Side(signature=UNKNOWN_TYPE)
    ),
    "signature: nobody to fit": Case(
        "pass", {"kind": "signature"}, "nothing is champion yet", BETTER, None
    ),
    "ticket: fits": Case(
        "pass", {"kind": "ticket", "pattern": "CHG[0-9]{4}"}, "CHG0431", how={"ticket": "CHG0431"}
    ),
    "ticket: does not fit": Case(
        "fail",
        {"kind": "ticket", "pattern": "CHG[0-9]{4}"},
        "CHG04310 does not fit",
        how={"ticket": "CHG04310"},
    ),
    "ticket: none": Case("wait", {"kind": "ticket"}, "none is given"),
    "ticket: too long": Case("fail", {"kind": "ticket"}, "is no ticket", how={"ticket": "x" * 65}),
    "ticket: an option": Case("fail", {"kind": "ticket"}, "is no ticket", how={"ticket": "--help"}),
    "ticket: with a control": Case(
        "fail", {"kind": "ticket"}, "is no ticket", how={"ticket": "CHG\x1b[2J"}
    ),
    "ticket: the check says yes": Case(
        "pass",
        {"kind": "ticket", "check": run("print('open,\\n  approved')")},
        "CHG1: open, approved",
        how={"ticket": "CHG1"},
    ),
    "ticket: the check says no": Case(
        "fail",
        {"kind": "ticket", "check": run("import sys; print('closed'); sys.exit(3)")},
        "says no (3), CHG2: closed",
        how={"ticket": "CHG2"},
    ),
    "ticket: the check cannot be started": Case(
        "unknown",
        {"kind": "ticket", "check": ["no-such-program-here", "{ticket}"]},
        "could not be started",
        how={"ticket": "CHG3"},
    ),
    "freeze: open": Case(
        "pass",
        {"kind": "freeze", "windows": [{"from": "2026-12-20", "to": "2027-01-04"}]},
        "none until 2026-12-20 00:00 UTC",
    ),
    "freeze: frozen": Case(
        "wait",
        {"kind": "freeze", "windows": [{"from": "2026-11-20", "to": "2026-11-30", "why": "audit"}]},
        "frozen until 2026-12-01 00:00 UTC: audit",
    ),
    "freeze: a rule that cannot be": Case(
        "unknown", {"kind": "freeze", "weekly": ["soon"]}, "could not be asked (ValueError)"
    ),
    "nobody's": Case("unknown", {"kind": "license_scan"}, "has no rule of kind license_scan"),
    "of no kind": Case("unknown", {"metric": "auc"}, "no rule of kind"),
    "with a key of no kind": Case(
        "unknown", METRIC | {"at_last": 1}, "could not be asked (ValidationError)"
    ),
}


@pytest.fixture(scope="session")
def places(tmp_path_factory):
    """One folder for all cases of the same two sides: rules only read."""
    root, known = tmp_path_factory.mktemp("gated"), {}

    def place(*sides):
        return root / str(known.setdefault(tuple(map(id, sides)), len(known)))

    return place


@pytest.mark.parametrize("about", CASES)
async def test_a_rule_says(places, about):
    case = CASES[about]
    place = places(case.champion, case.candidate)
    verdict = await verdict_of(place, case.champion, case.candidate, case.rule, how=case.how)
    assert case.shows in verdict.shows
    assert verdict.verdict == case.verdict
    assert verdict.kind == case.rule.get("kind", "")
    assert verdict.gate == "production"


def test_every_kind_has_what_passes_fails_and_cannot_be_told():
    """Approvals have theirs in test_gates_approvals."""
    found: dict[str, set[str]] = {}
    for case in CASES.values():
        found.setdefault(case.rule.get("kind", ""), set()).add(case.verdict)
    for kind in KINDS.keys() - {"approvals"}:
        against = found[kind] & {"fail", "wait"}
        assert {"pass"} <= found[kind], kind
        assert against, kind
        unknowable = kind == "ticket" or "unknown" in found[kind]
        assert unknowable, kind


async def test_words_of_others_are_kept_exact_and_are_the_renderers_business(tmp_path):
    hostile = 'x"\x1b[31m'
    side = Side(measured("auc", 0.5, hostile))
    verdict = await verdict_of(tmp_path / "m", None, side, SLICES | {"at_least": 0.9})
    assert hostile in verdict.shows


class Throws(Rule, frozen=True, kw_only=True):
    async def judge(self, facts):
        raise {"plain": ZeroDivisionError("secret"), "ours": UnreachableError("is away")}[self.kind]


class Passes(Rule, frozen=True, kw_only=True):
    purposes = ("rollback",)

    async def judge(self, facts):
        return Finding("pass", "mine", "so it is")


async def test_a_rule_that_throws_is_unknown_never_a_pass(tmp_path, monkeypatch):
    for name in ("plain", "ours"):
        monkeypatch.setitem(KINDS, name, Throws)
    report = await asked(tmp_path / "m", GOOD, BETTER, {"kind": "plain"}, {"kind": "ours"})
    assert [rule.verdict for rule in report.rules] == ["unknown", "unknown"]
    assert [rule.shows for rule in report.rules] == [
        "the rule could not be asked (ZeroDivisionError)",
        "is away (UnreachableError)",
    ]
    assert report.verdict == "unknown"


async def test_others_register_kinds(tmp_path, monkeypatch):
    monkeypatch.setattr("modeldeck.app.usecases.gates.kinds.KINDS", dict(KINDS))
    register("mine", Passes)
    register("mine", Passes)
    with pytest.raises(ValueError, match="'metric' is taken"):
        register("metric", Passes)
    assert known_kinds()["mine"] is Passes
    there = await asked(tmp_path / "a", GOOD, BETTER, {"kind": "mine"}, how={"purpose": "rollback"})
    assert [rule.shows for rule in there.rules] == ["so it is"]
    assert (await asked(tmp_path / "b", GOOD, BETTER, {"kind": "mine"})).rules == ()


async def test_a_check_of_a_ticket_is_asked_once_a_minute(tmp_path):
    from datetime import timedelta

    from tests.usecases.project import NOW

    log = tmp_path / "log"
    code = f"open({str(log)!r}, 'a').write('x')"
    rule = {"kind": "ticket", "check": run(code)}
    times = [NOW, NOW + timedelta(seconds=59), NOW + timedelta(seconds=61), NOW]
    tickets._answers.clear()
    for place, now in enumerate(times):
        verdict = await verdict_of(
            tmp_path / f"m{place}",
            GOOD,
            BETTER,
            rule,
            how={"ticket": "CHG9"},
            clock=lambda n=now: n,
        )
        assert verdict.verdict == "pass"
    assert log.read_text() == "xxx", "first, after a minute, and when the clock was set back"


async def test_a_check_that_hangs_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(tickets, "_SECONDS", 0.2)
    rule = {"kind": "ticket", "check": run("import time; time.sleep(600)")}
    verdict = await verdict_of(tmp_path / "m", GOOD, BETTER, rule, how={"ticket": "CHG8"})
    assert verdict.verdict == "unknown"
    assert "did not end in time" in verdict.shows


async def test_a_check_gets_no_shell(tmp_path):
    code = "import sys; print(sys.argv[1])"
    rule = {"kind": "ticket", "check": run(code)}
    nasty = "$(touch x);`id`|cat"
    verdict = await verdict_of(tmp_path / "m", GOOD, BETTER, rule, how={"ticket": nasty})
    assert verdict.shows == f"{nasty}: {nasty}"


PATTERNS = {
    "CHG[0-9]{4,8}": "",
    r"(CHG|INC)\d+": "",
    r"(?:[A-Z]{2,5})-\d{1,6}": "",
    "[": "is no regular expression",
    "x" * 201: "is longer than 200",
    "(a+)+": "could take for ever",
    "(a|a)*b": "could take for ever",
    "(a*)*": "could take for ever",
    "(?:a?){2,60}a": "could take for ever",
    r"(a)(?:\1b*)*": "could take for ever",
    "a*a*a*a*a*b": "more than 4 open repeats",
    "(?=(a+)+)b": "could take for ever",
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_that_could_take_for_ever_is_refused(pattern):
    assert PATTERNS[pattern] in wrong_pattern(pattern)
    assert bool(PATTERNS[pattern]) == bool(wrong_pattern(pattern))


def test_a_card_in_sections():
    card = """\
# Model
Intro.
## Data ##
### Train
rows
Metrics
-------
auc
<!-- ## Hidden
x -->
```
## no heading
```
## Empty
###   limitations
a
## LIMITATIONS
b"""
    found = sections(card)
    assert found["data"].split() == ["rows"]
    assert found["train"].split() == ["rows"]
    assert "auc" in found["metrics"]
    assert "## no heading" in found["metrics"]
    assert "hidden" not in found
    assert "no heading" not in found
    assert found["empty"].split() == ["a"]
    assert found["limitations"].split() == ["a", "b"]
    assert "Intro." in found["model"]


@given(st.text(alphabet="# \n`-=x<!>", max_size=60))
def test_any_text_is_a_card(card):
    sections(card)


@pytest.mark.parametrize(
    "text",
    ["TODO", "tbd", "...", "---", "n/a", "<fill in>", "[owner]", "Lorem ipsum dolor", "x FIXME"],
)
def test_a_placeholder_is_seen(text):
    assert placeholder(text)


@pytest.mark.parametrize(
    "text",
    ["None known.", "mastodon", "trained on <5 rows> of data", "- a list\n- of things", "no"],
)
def test_a_text_is_no_placeholder(text):
    assert not placeholder(text)


def test_figures_in_words():
    assert [signed(v) for v in (0.0043, -0.5, 0.0, 1.25, 0.00003, -1234.5)] == [
        "+.0043", "-.5000", "+0", "+1.2500", "+3.0e-05", "-1234.5",
    ]  # fmt: skip
    assert str(difference(0.9355, 0.9335)) == "0.0020"
