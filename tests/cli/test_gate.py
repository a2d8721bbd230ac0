"""`modeldeck gate`: the console's verdict in the forms that CI reads."""

from __future__ import annotations

import asyncio
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from modeldeck.app import workspace
from modeldeck.app.cli.gate import github_lines, junit_lines, table_lines
from modeldeck.app.usecases.gates.check import check_gate
from modeldeck.app.usecases.gates.report import GateReport, document
from modeldeck.backends.api.plan import PolicyRef, Verdict
from tests.cli.conftest import run_cli
from tests.usecases.project import DIRECTIONS

GATES = """
[gates.production]
for = ["fraud@champion"]
[[gates.production.rules]]
kind = "samples"
at_least = 100
[[gates.production.rules]]
kind = "metric"
metric = "auc"
at_least = 0.9
better_by = 0.002
[[gates.production.rules]]
kind = "freeze"
windows = [{ from = "2026-12-20", to = "2027-01-04", why = "year end" }]
[[gates.production.rules]]
kind = "card"
fields = ["Limitations"]
[[gates.production.rules]]
kind = "ticket"
pattern = "CHG[0-9]{4}"
[gates.staging]
for = ["*@staging"]
[[gates.staging.rules]]
kind = "samples"
at_least = 100
"""
FORMS = ("table", "json", "junit", "github")


@pytest.fixture
def gated(project) -> Path:
    (project / "modeldeck.toml").write_text(DIRECTIONS + GATES, encoding="utf-8")
    return project


def masked(text: str, project: Path) -> str:
    return text.replace(str(project), "<project>")


@pytest.mark.parametrize("form", FORMS)
def test_each_form_word_for_word(gated, cli, golden, form):
    result = cli("gate", "fraud/1", "--for", "champion", "--format", form)
    assert result.code == 1
    golden(f"gate.{form}", result.out)


def test_it_passes_with_0(gated, cli):
    for words in (["fraud/1"], ["fraud", "1"], ["fraud", "v1"]):
        result = cli("gate", *words, "--for", "staging")
        assert result.code == 0, result.err
        assert result.out.startswith("MAY fraud/1 GO TO staging?   YES: 1 of 1 pass   policy ")


def test_without_a_gate_it_passes_and_says_so(gated, cli):
    result = cli("gate", "fraud/1", "--for", "candidate")
    assert (result.code, result.out) == (
        0,
        "MAY fraud/1 GO TO candidate?   YES: no gate stands before it\n",
    )


def test_an_alias_may_be_named_with_its_model(gated, cli):
    assert cli("gate", "fraud/1", "--for", "fraud@staging").code == 0
    wrong = cli("gate", "fraud/1", "--for", "churn@staging")
    assert wrong.code == 2
    assert "is an alias of another model" in wrong.err
    assert "--for fraud@staging" in wrong.err


def test_a_ticket_and_a_purpose_are_taken(gated, cli):
    words = ("gate", "fraud/1", "--for", "champion", "--purpose", "rollback", "-o", "json")
    assert cli(*words).code == 1
    result = cli(*words, "--ticket", "CHG0001")
    assert result.code == 0
    tree = json.loads(result.out)
    assert tree["purpose"] == "rollback"
    assert [rule["kind"] for rule in tree["rules"]] == ["freeze", "ticket"]


def test_what_is_not_there_is_2_and_a_mistake_in_the_policy_has_its_place(gated, cli):
    assert cli("gate", "fraud/9", "--for", "champion").code == 2
    assert cli("gate", "fraud/1", "fraud/2", "--for", "champion").code == 2
    assert cli("gate", "fraud/1").code == 2
    text = (DIRECTIONS + GATES).replace("better_by", "better_bye")
    (gated / "modeldeck.toml").write_text(text, encoding="utf-8")
    wrong = cli("gate", "fraud/1", "--for", "champion")
    assert wrong.code == 2
    line = text.splitlines().index("better_bye = 0.002") + 1
    assert f"modeldeck.toml:{line}:1: unknown key better_bye" in wrong.err
    assert "Did you mean better_by?" in wrong.err


def test_its_bytes_are_those_of_the_use_case(gated, cli):
    """What CI keeps is what the console exports."""

    async def ours() -> str:
        session = await workspace.open_session(workspace.Wish(registry=str(gated)))
        try:
            return document(await check_gate(session, "fraud", "champion", 1))
        finally:
            await session.registry.close()

    printed = cli("gate", "fraud/1", "--for", "champion", "-o", "json").out
    assert printed == asyncio.run(ours()) + "\n"
    assert printed == cli("gate", "fraud/1", "--for", "champion", "--format", "json").out


def test_notes_of_the_policy_are_said(project, cli, tmp_path):
    """Edits that do not count are told on stderr, so stdout stays the same bytes."""
    from tests.config.test_policy_git import git

    text = DIRECTIONS + GATES
    (project / "modeldeck.toml").write_text(text, encoding="utf-8")
    git(project, "init", "-q", "-b", "main")
    git(project, "add", "modeldeck.toml")
    git(project, "commit", "-qm", "gates")
    config = Path.home() / ".config" / "modeldeck" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        "[contexts.bank]\nprotected = true\n"
        f'[contexts.bank.registry]\ntype = "local"\npath = "{project}"\n',
        encoding="utf-8",
    )
    (project / "modeldeck.toml").write_text(DIRECTIONS, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        result = run_cli("--context", "bank", "gate", "fraud/1", "--for", "champion")
    assert result.code == 1
    commit = git(project, "rev-parse", "--short=7", "HEAD")
    assert f"policy {commit} HEAD" in result.out
    assert f"modeldeck.toml here has edits that do not count: HEAD {commit} holds" in result.err


NASTY = 'a<b>&"\x1b[31m\u202e%\r\n::error::x,y:z'


def report(*rules: Verdict, notes=()) -> GateReport:
    return GateReport(
        model="fr:aud,",
        alias="ch%amp",
        version=2,
        digest="sha256:1",
        holder=1,
        purpose="promote",
        policy=PolicyRef(place="p", digest="sha256:abcdef01", notes=notes),
        rules=rules,
        evidence="sha256:2",
    )


HOSTILE = report(
    *(
        Verdict(rule=NASTY, verdict=word, shows=NASTY, kind="k", gate=NASTY)
        for word in ("fail", "wait", "unknown", "waived", "pass")
    )
)


def test_junit_is_xml_with_each_rule_whatever_it_says():
    text = "\n".join(junit_lines(HOSTILE))
    assert text.isascii()
    assert "\x1b" not in text
    suite = ET.fromstring(text)
    assert (suite.tag, suite.get("tests"), suite.get("failures"), suite.get("errors")) == (
        "testsuite", "5", "2", "1",
    )  # fmt: skip
    cases = suite.findall("testcase")
    assert len(cases) == 5
    assert [[child.tag for child in case] for case in cases] == [
        ["failure"], ["failure"], ["error"], ["system-out"], ["system-out"],
    ]  # fmt: skip
    assert all('a<b>&"\\u{1b}[31m' in str(case.get("name")) for case in cases)


def test_a_workflow_gets_one_line_an_annotation():
    lines = github_lines(HOSTILE)
    assert len(lines) == 4
    for line in lines:
        assert line.isprintable()
        assert line.startswith(("::error title=", "::notice title="))
        head = line[2:].partition("::")[0]
        assert "," not in head.removeprefix("error title=").removeprefix("notice title=")
        assert ":" not in head
        assert "%25" in line
    assert "%0A" in lines[0]
    assert "::error title=fr%3Aaud%2C@ch%25amp 2%3A fail a<b>" in lines[0]


def test_the_table_shows_what_stands_against_it_first():
    lines = table_lines(HOSTILE)
    assert (
        lines[0]
        == "MAY fr:aud,/2 GO TO ch%amp?   NO: 1 fail, 1 wait, 1 unknown of 5   policy abcdef0"
    )
    assert [line.split()[0] for line in lines[1:]] == ["FAIL", "wait", "unkn", "waived", "pass"]
    assert all(line.isprintable() for line in lines)


def test_what_is_waived_is_said():
    rule = Verdict(rule="freeze window", verdict="waived", shows="glass broken for INC1")
    assert (
        "YES: 1 of 2 pass, 1 waived"
        in table_lines(report(rule, Verdict(rule="x", verdict="pass")))[0]
    )
    assert not [line for line in github_lines(report(rule)) if line.startswith("::error")]


def test_a_report_without_rules_in_all_forms():
    empty = report()
    assert ET.fromstring("\n".join(junit_lines(empty))).get("tests") == "0"
    assert github_lines(empty) == ["::notice title=modeldeck gate::fr:aud,@ch%25amp 2: no gate"]
