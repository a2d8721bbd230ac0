"""How the lines of known kinds of text look: the name of a style for a line."""

STYLES = ("dim", "strong", "accent", "ok", "bad", "warn")
NAMES = ("number", "match", "current", *STYLES)
COMPONENTS = {f"reader--{name}" for name in NAMES}

CSS = """
Reader {
    height: 1fr;
    color: $foreground;

    & > .reader--number { color: $foreground-muted; }
    & > .reader--dim { color: $foreground-muted; }
    & > .reader--strong { text-style: bold; }
    & > .reader--accent { color: $text-accent; }
    & > .reader--ok { color: $text-success; }
    & > .reader--bad { color: $text-error; }
    & > .reader--warn { color: $text-warning; }
    & > .reader--match { text-style: underline bold; }
    & > .reader--current { text-style: reverse bold; }
    &:ansi > .reader--dim, &:ansi > .reader--number { color: ansi_default; text-style: dim; }
    &:nocolor > .reader--dim, &:nocolor > .reader--number { text-style: dim; }
}
"""


def diff_style(line: str) -> str:
    """The style of a line of a unified diff."""
    if line.startswith(("+++", "---", "diff ", "index ")):
        return "strong"
    return {"+": "ok", "-": "bad", "@": "accent"}.get(line[:1], "")


def markdown_style(line: str) -> str:
    """The style of a line of Markdown, so far as one line tells."""
    text = line.lstrip()
    if text.startswith("#"):
        return "strong"
    return "dim" if text.startswith((">", "```", "<!--")) else ""
