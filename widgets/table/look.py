"""How the names of styles look in a theme.

Cells have no background of their own and no underline, so a blank may join either neighbour.
Without colour the cursor is reversed; its `>` stays in any case.
"""

from .model import STYLES

NAMES = ("head", "selected", "cursor", *STYLES)
COMPONENTS = {f"table--{name}" for name in NAMES}

CSS = """
Table {
    height: 1fr;
    color: $foreground;

    & > .table--head { text-style: bold; }
    & > .table--selected { text-style: bold underline; }
    & > .table--ok { color: $text-success; }
    & > .table--bad { color: $text-error; text-style: bold; }
    & > .table--warn { color: $text-warning; }
    & > .table--dim { color: $foreground-muted; }
    & > .table--accent { color: $text-accent; }
    & > .table--best { color: $text-primary; text-style: bold; }
    & > .table--strong { text-style: bold; }
    & > .table--cursor {
        background: $block-cursor-blurred-background;
        color: $block-cursor-blurred-foreground;
    }
    &:focus > .table--cursor {
        background: $block-cursor-background;
        color: $block-cursor-foreground;
    }
    &:ansi > .table--dim { color: ansi_default; text-style: dim; }
    &:ansi > .table--cursor { color: ansi_default; background: ansi_default; }
    &:ansi:focus > .table--cursor { text-style: reverse; }
    &:nocolor > .table--dim { text-style: dim; }
    &:nocolor:focus > .table--cursor { text-style: reverse; }
}
"""
