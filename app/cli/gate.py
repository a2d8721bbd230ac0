"""`modeldeck gate`: may a version become an alias? The same verdict as in the console."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import click

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import UsageError
from modeldeck.backends.api.plan import PolicyRef, Verdict
from modeldeck.widgets.text import cells, show

from . import streams
from .common import with_session
from .options import complete_alias, complete_version, place_options

if TYPE_CHECKING:
    from modeldeck.app.usecases.gates.report import GateReport

FORMS = ("table", "json", "junit", "github")
_ORDER = ("fail", "wait", "unknown", "waived", "pass")
_WORDS = {"fail": "FAIL", "unknown": "unkn"}


@click.command()
@click.argument(
    "what", nargs=-1, required=True, metavar="MODEL VERSION", shell_complete=complete_version
)
@click.option(
    "--for", "alias", required=True, metavar="ALIAS", shell_complete=complete_alias,
    help="The alias that it would get.",
)  # fmt: skip
@click.option(
    "--purpose", type=click.Choice(("promote", "rollback")), default="promote",
    help="A rollback is not measured again.",
)  # fmt: skip
@click.option("--ticket", default="", help="The ticket that the change will name.")
@click.option(
    "-o", "--output", "--format", "form", type=click.Choice(FORMS), default=FORMS[0],
    help="How to print.",
)  # fmt: skip
@place_options
@with_session
async def gate(
    session: Session, what: Sequence[str], alias: str, purpose: str, ticket: str, form: str
) -> int:
    """Ask the gates before an alias about a version; exit 1 when they say no."""
    from modeldeck.app.usecases.gates.check import check_gate
    from modeldeck.app.usecases.versions import find_version, version_refs

    refs = version_refs(what)
    if len(refs) != 1:
        raise UsageError(f"{len(refs)} versions were named", way_out="Name one")
    version = await find_version(session, refs[0])
    model, _, name = alias.rpartition("@")
    if model not in ("", version.model):
        raise UsageError(
            f"{alias!r} is an alias of another model", way_out=f"--for {version.model}@{name}"
        )
    report = await check_gate(
        session, version.model, name, version.version, purpose=purpose, ticket=ticket
    )
    for line in _PRINTERS[form](report):
        print(line)
    for note in report.policy.notes if report.policy else ():
        streams.say(f"modeldeck: {note}")
    return 0 if report.holds else 1


def json_lines(report: "GateReport") -> Sequence[str]:
    """The bytes that the console exports too."""
    from modeldeck.app.usecases.gates.report import document

    return [document(report)]


def table_lines(report: "GateReport") -> Sequence[str]:
    """The answer, then each rule, what stands against it first."""
    head = f"MAY {show(report.model)}/{report.version} GO TO {show(report.alias)}?"
    if not report.rules:
        return [f"{head}   YES: no gate stands before it"]
    width = max(cells(show(rule.rule)) for rule in report.rules)
    lines = [f"{head}   {_answer(report.rules)}{_policy_words(report.policy)}"]
    for rule in sorted(report.rules, key=lambda rule: _ORDER.index(rule.verdict)):
        name = show(rule.rule)
        word = _WORDS.get(rule.verdict, rule.verdict)
        padding = " " * (width - cells(name))
        lines.append(f" {word:6} {name}{padding}  {show(rule.shows)}".rstrip())
    return lines


def _answer(rules: Sequence[Verdict]) -> str:
    """`NO: 1 fail, 1 wait of 9`, `YES: 9 of 9 pass`."""
    counts = {word: sum(rule.verdict == word for rule in rules) for word in _ORDER}
    against = [f"{counts[word]} {word}" for word in ("fail", "wait", "unknown") if counts[word]]
    if against:
        return f"NO: {', '.join(against)} of {len(rules)}"
    waived = f", {counts['waived']} waived" if counts["waived"] else ""
    return f"YES: {counts['pass']} of {len(rules)} pass{waived}"


def _policy_words(policy: PolicyRef | None) -> str:
    if policy is None:
        return ""
    if policy.commit:
        return f"   policy {policy.commit[:7]} {show(policy.ref)}"
    return f"   policy {policy.digest[7:14]}"


def junit_lines(report: "GateReport") -> Sequence[str]:
    """A JUnit test suite; unknown and error are the same word there."""
    failed = sum(rule.verdict in ("fail", "wait") for rule in report.rules)
    errors = sum(rule.verdict == "unknown" for rule in report.rules)
    suite = _attribute(f"{report.model}@{report.alias} {report.version} {report.purpose}")
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuite name={suite} tests={_attribute(len(report.rules))}"
        f' failures="{failed}" errors="{errors}" skipped="0">',
    ]
    for rule in report.rules:
        name, group = _attribute(rule.rule), _attribute(f"{rule.gate}.{rule.kind}")
        lines.append(f"  <testcase name={name} classname={group}>")
        if not rule.holds:
            tag = "error" if rule.verdict == "unknown" else "failure"
            said = _attribute(rule.shows)
            lines.append(f"    <{tag} type={_attribute(rule.verdict)} message={said}/>")
        elif rule.shows:
            lines.append(f"    <system-out>{_attribute(rule.shows)[1:-1]}</system-out>")
        lines.append("  </testcase>")
    return [*lines, "</testsuite>"]


def _attribute(value: object) -> str:
    """Quoted for XML; what XML cannot say is made visible, and what is not ASCII a reference."""
    quoted = quoteattr(show(str(value)), {'"': "&quot;"})
    return quoted.encode("ascii", "xmlcharrefreplace").decode()


def github_lines(report: "GateReport") -> Sequence[str]:
    """Annotations of a workflow, an error for each rule that does not hold."""
    target = f"{report.model}@{report.alias}"
    lines = []
    for rule in report.rules:
        if not rule.holds:
            title = f"{target} {report.version}: {rule.verdict} {rule.rule}"
            lines.append(f"::error title={_property(title)}::{_escaped(rule.shows or rule.rule)}")
    answer = f"{target} {report.version}: {_answer(report.rules) if report.rules else 'no gate'}"
    return [*lines, f"::notice title=modeldeck gate::{_escaped(answer)}"]


def _escaped(text: str) -> str:
    """What a command of a workflow takes: the runner decodes these three."""
    safe = "\n".join(map(show, text.split("\n")))
    return safe.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


_PRINTERS: dict[str, Callable[["GateReport"], Sequence[str]]] = {
    "table": table_lines,
    "json": json_lines,
    "junit": junit_lines,
    "github": github_lines,
}
