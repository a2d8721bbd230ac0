"""The colours of charts, as component classes of whatever draws them."""

from .model import STYLES

NAMES = {
    "chart--title",
    "chart--label",
    "chart--axis",
    "chart--cursor",
    "chart--faint",
    *(f"chart--line-{style}" for style in range(STYLES)),
}

# Eight hues that stay apart for most kinds of colour blindness; the markers carry the rest.
_CSS = """
{
    height: 1fr;
    .chart--title { text-style: bold; }
    .chart--label { color: $text-muted; }
    .chart--axis { color: $text-muted; }
    .chart--cursor { color: $warning; }
    .chart--faint { color: $text-muted; text-style: dim; }
    &.chosen .chart--title { text-style: bold reverse; }
    .chart--line-0 { color: #56b4e9; }
    .chart--line-1 { color: #f0a030; }
    .chart--line-2 { color: #3ecf8e; }
    .chart--line-3 { color: #ff7b72; }
    .chart--line-4 { color: #c297ff; }
    .chart--line-5 { color: #e8d44d; }
    .chart--line-6 { color: #4ad6d6; }
    .chart--line-7 { color: #ff8fd0; }
    &:focus .chart--title { color: $accent; text-style: bold; }
    &:light {
        .chart--line-0 { color: #0969b8; }
        .chart--line-1 { color: #b35900; }
        .chart--line-2 { color: #0f7b4a; }
        .chart--line-3 { color: #c62828; }
        .chart--line-4 { color: #7b3fc4; }
        .chart--line-5 { color: #7a6a00; }
        .chart--line-6 { color: #00717a; }
        .chart--line-7 { color: #b0267e; }
    }
    &:ansi {
        .chart--line-0 { color: ansi_bright_blue; }
        .chart--line-1 { color: ansi_yellow; }
        .chart--line-2 { color: ansi_green; }
        .chart--line-3 { color: ansi_red; }
        .chart--line-4 { color: ansi_magenta; }
        .chart--line-5 { color: ansi_bright_green; }
        .chart--line-6 { color: ansi_cyan; }
        .chart--line-7 { color: ansi_bright_magenta; }
    }
}
"""


def css(name: str) -> str:
    """Return the style sheet of a widget class of that name."""
    return name + " " + _CSS.strip()
