"""Foreign text leaves through `show` alone: what would be parsed gets no bare `str`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONSOLE = [*(ROOT / "app" / "console").rglob("*.py"), *(ROOT / "widgets").rglob("*.py")]
CLI = list((ROOT / "app" / "cli").rglob("*.py"))

PARSED = {
    "Static", "Label", "Button", "Header", "Footer", "Markdown", "RichLog", "Log", "OptionList",
    "Select", "DataTable", "Tree", "Tabs", "Tab", "ListItem", "Collapsible", "notify",
    "from_markup", "from_text", "TextArea", "Checkbox", "RadioButton",
    "SelectionList", "Option", "Toast",
}  # fmt: skip
"""What parses markup in a `str`, or draws it as it is."""
ATTRIBUTES = {"border_title", "border_subtitle", "tooltip", "placeholder", "sub_title"}
SAFE = {
    "show", "show_name", "one_line", "show_lines", "file_name", "clip", "cells",
    "safe", "repr", "len", "one", "many", "line", "text", "dumps", "dump",
}  # fmt: skip
"""What makes text safe, and the encoders of `encode.py`, which escape all that is not ASCII."""
PRINTED = {
    "doctor.py": "what it is about is a word of ours, or a name that its form makes safe",
    "points.py": "encode.py's, and what stands between",
    "output.py": "lines made by tables.py, which shows each cell, or encode.py's",
    "log_lines.py": "lines that were shown when they were made",
    "audit_verify.py": "words of ours and numbers",
    "plans.py": "plan_lines, whose parts are shown one by one",
    "compare_parts.py": "table_lines",
    "failing.py": "pointed, which shows",
    "gate.py": "gate_lines, whose parts are shown one by one",
    "common.py": "a question of ours",
    "completion.py": "click's own script",
    "copying.py": "a counter of ours",
    "importing.py": "a counter of ours",
    "audit_parts.py": "a proof, a note: ASCII by their format",
}
"""Modules that print what they did not show themselves, and what makes that safe. Keep it short."""


def name_of(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def bare(value: ast.expr) -> bool:
    """Whether an expression may be a `str` that holds what others wrote."""
    match value:
        case ast.Constant():
            return False
        case ast.Call():
            return name_of(value) not in SAFE and not (
                name_of(value) in {"rstrip", "strip", "join"} and not any(map(bare, inner(value)))
            )
        case ast.JoinedStr():
            return any(bare(one.value) for one in value.values
                       if isinstance(one, ast.FormattedValue))  # fmt: skip
        case ast.IfExp():
            return bare(value.body) or bare(value.orelse)
        case ast.BinOp():
            return bare(value.left) or bare(value.right)
        case ast.Name() | ast.Attribute():
            # A constant of a module is our own word.
            return not (getattr(value, "id", "") or getattr(value, "attr", "")).strip("_").isupper()
    return True


def inner(call: ast.Call) -> list[ast.expr]:
    function = call.func
    return [*([function.value] if isinstance(function, ast.Attribute) else []), *call.args]


def parsed(tree: ast.AST) -> Iterator[str]:
    """What is handed to a widget that parses, or to an attribute that Textual draws."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node) in PARSED:
            given = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "content")]
            off = any(k.arg == "markup" and getattr(k.value, "value", 1) is False
                      for k in node.keywords)  # fmt: skip
            if not (off and not given) and any(map(bare, given)):
                yield f"line {node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {getattr(target, "attr", "") for target in targets}
            if names & ATTRIBUTES and node.value is not None and bare(node.value):
                yield f"line {node.lineno}: {ast.unparse(node)}"


def printed(tree: ast.AST) -> Iterator[str]:
    """What is printed or written to a stream without having been shown."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        plain = isinstance(node.func, ast.Name) and node.func.id == "print"
        if (plain or name_of(node) in {"echo", "secho"}) and any(map(bare, node.args)):
            yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", CONSOLE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_widget_that_parses_gets_bare_text(path):
    assert list(parsed(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize("path", CLI, ids=lambda path: path.name)
def test_nothing_is_printed_that_was_not_shown(path):
    found = list(printed(ast.parse(path.read_text())))
    assert found == [] or path.name in PRINTED


def test_the_list_of_what_may_is_not_longer_than_it_must_be():
    files = {path.name: path for path in CLI}
    needed = {name for name, path in files.items() if list(printed(ast.parse(path.read_text())))}
    assert set(PRINTED) <= needed


CARELESS = [
    "Static(name)",
    "Static(f'x {run.name}')",
    "self.notify(error.what)",
    "Label(f'{show(a)} {b}')",
    "widget.border_title = model.name",
    "table.tooltip = f'{name}'",
    "DataTable(rows)",
    "Static(a + show(b))",
]
CAREFUL = [
    "Static(id='x', markup=False)",
    "Static('ours')",
    "Label(f'{show(a)} {len(b)}')",
    "widget.border_title = show(model.name)",
    "Static(WORDS)",
]


@pytest.mark.parametrize("code", CARELESS)
def test_careless_code_is_found(code):
    assert list(parsed(ast.parse(code)))


@pytest.mark.parametrize("code", CAREFUL)
def test_careful_code_is_not(code):
    assert not list(parsed(ast.parse(code)))


def test_careless_printing_is_found():
    assert list(printed(ast.parse("print(run.name)")))
    assert list(printed(ast.parse("click.echo(f'{show(a)}{b}')")))
    assert not list(printed(ast.parse("print(show(a), file=sys.stderr)")))
