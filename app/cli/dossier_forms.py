"""A dossier as one HTML file and as Markdown. Foreign text is shown once, then escaped."""

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

from modeldeck.widgets.text import show, show_lines

from .dossier_parts import Part, parts_of

# No script, nothing from elsewhere: the file may be kept for years and opened anywhere.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
body { font: 11pt/1.4 serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #111; }
h1, h2, h3, h4 { font-family: sans-serif; line-height: 1.2; break-after: avoid; }
h1, h2 { border-bottom: 1px solid #999; }
table { border-collapse: collapse; width: 100%; font-size: 9pt; break-inside: auto; }
th, td { border: 1px solid #999; padding: .2rem .4rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { font-family: sans-serif; background: #eee; }
tr, figure { break-inside: avoid; }
.pairs th { width: 10rem; font-weight: normal; }
thead { display: table-header-group; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #999; padding: .4rem;
  font-size: 8pt; }
figure { margin: .5rem 0; }
figcaption { font: 9pt sans-serif; }
@media print { body { margin: 0; max-width: none; } @page { margin: 18mm; } }
"""
_MARKS = re.compile(r"([\\`*_\[\]<>|~&#$])")


def as_html(document: Mapping[str, Any]) -> str:
    """One file that needs nothing else."""
    title = html.escape(show(f"{document['model']} at {document['at']}"))
    body = "\n".join(line for part in parts_of(document) for line in _html(part))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(_POLICY)}">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n"
        "</body>\n</html>\n"
    )


def _html(part: Part) -> Iterable[str]:
    yield f"<h{part.level}>{_safe(part.title)}</h{part.level}>"
    for text in part.said:
        yield f"<p>{_safe(text)}</p>"
    if part.pairs:
        yield '<table class="pairs">'
        for name, value in part.pairs:
            yield f'<tr><th scope="row">{_safe(name)}</th><td>{_safe(value)}</td></tr>'
        yield "</table>"
    if part.rows:
        yield f"<table><thead>{_row(part.heads, 'th')}</thead><tbody>"
        for row in part.rows:
            yield _row(row, "td")
        yield "</tbody></table>"
    for block in part.blocks:
        text = html.escape("\n".join(show_lines(block.text)))
        yield f"<figure><figcaption>{_safe(block.caption)}</figcaption><pre>{text}</pre></figure>"


def _row(cells: Iterable[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{_safe(cell)}</{tag}>" for cell in cells) + "</tr>"


def _safe(text: str) -> str:
    return html.escape(show(text))


def as_markdown(document: Mapping[str, Any]) -> str:
    """The same as Markdown with tables."""
    lines = [line for part in parts_of(document) for line in _markdown(part)]
    return "\n".join(lines).strip("\n") + "\n"


def _markdown(part: Part) -> Iterable[str]:
    yield from ("", f"{'#' * part.level} {_marked(part.title)}", "")
    for text in part.said:
        yield from (_marked(text), "")
    if part.pairs:
        yield from ("| | |", "|---|---|")
        for name, value in part.pairs:
            yield f"| {_marked(name)} | {_marked(value)} |"
        yield ""
    if part.rows:
        yield "| " + " | ".join(map(_marked, part.heads)) + " |"
        yield "|" + "---|" * len(part.heads)
        for row in part.rows:
            yield "| " + " | ".join(map(_marked, row)) + " |"
        yield ""
    for block in part.blocks:
        shown = show_lines(block.text)
        longest = max((len(run) for run in re.findall("`+", "\n".join(shown))), default=0)
        fence = "`" * max(longest + 1, 3)
        yield from (f"{_marked(block.caption)}:", "", fence, *shown, fence, "")


def _marked(text: str) -> str:
    return _MARKS.sub(r"\\\1", show(text))
