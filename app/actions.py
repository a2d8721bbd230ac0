"""The one list of actions: id, key, words. Console keys, `?` and the palette come from it.

A screen does an action by having a method `do_ID`; a method `why_not_ID` gives the reason why it
cannot be done now, or an empty text. One letter is one verb everywhere.
"""

from typing import NamedTuple


class Action(NamedTuple):
    """`keys` are Textual's names; `shown` is how the first is written; `danger` changes things.

    `short` names it in the line of keys where `words` are too many.
    """

    id: str
    keys: str
    shown: str
    words: str
    danger: bool = False
    short: str = ""


ACTIONS = (
    Action("open", "enter", "Enter", "open"),
    Action("back", "escape,left", "Esc", "back"),
    Action("goto", "colon", ":", "go to a noun, as :runs /filter", short="go"),
    Action("filter", "slash", "/", "filter what is listed", short="filter"),
    Action("keys", "question_mark", "?", "every key, and why one does nothing", short="keys"),
    Action("palette", "ctrl+p", "^p", "find a verb by its words", short="verbs"),
    Action("jump", "ctrl+o", "^o", "jump to a name by its letters", short="jump"),
    Action("before", "alt+left,ctrl+b", "alt+Left", "the place before", short="before"),
    Action("after", "alt+right,ctrl+f", "alt+Right", "the place after", short="after"),
    Action("last", "minus", "-", "the last place, and back again", short="last"),
    Action("views", "v", "v", "saved views: take, keep, remove", short="views"),
    Action("save", "s", "s", "keep under a name", short="keep"),
    Action("mark_all", "ctrl+a", "^a", "mark all that match", short="mark all"),
    Action("describe", "d", "d", "describe"),
    Action("raw", "y", "y", "show as JSON", short="JSON"),
    Action("log", "l", "l", "its log", short="log"),
    Action("hangs", "x", "x", "what hangs on it", short="hangs"),
    Action("owner", "J", "J", "jump to its owner", short="owner"),
    Action("history", "h", "h", "its history", short="history"),
    Action("compare", "c", "c", "compare the marked", short="compare"),
    Action("baseline", "equals_sign", "=", "make it the baseline", short="baseline"),
    Action("columns", "C", "C", "choose columns", short="columns"),
    Action("group", "B", "B", "group by the chosen column", short="group"),
    Action("tree", "t", "t", "nested or flat; times of a log", short="tree"),
    Action("promote", "p", "p", "point an alias at it", danger=True, short="alias"),
    Action("rollback", "R", "R", "roll back", danger=True),
    Action("ask", "A", "A", "ask for approval", danger=True, short="ask"),
    Action("approve", "a", "a", "approve or acknowledge", danger=True, short="approve"),
    Action("refuse", "ctrl+x", "^x", "refuse what is asked", danger=True, short="refuse"),
    Action("withdraw", "W", "W", "withdraw one's own word", danger=True, short="withdraw"),
    Action("diff", "D", "D", "full difference", short="diff"),
    Action("edit", "e", "e", "edit in $EDITOR", danger=True, short="edit"),
    Action("tag", "T", "T", "set or remove a tag", danger=True, short="tag"),
    Action("delete", "delete", "Del", "delete; it can be restored", danger=True, short="delete"),
    Action("restore", "u", "u", "restore what was deleted", danger=True, short="restore"),
    Action("shelf", "ctrl+d", "^d", "deleted ones, or those in use", short="deleted"),
    Action("undo", "z", "z", "undo one's own last change", danger=True, short="undo"),
    Action("calls", "at", "@", "queries and requests, with timings", short="calls"),
    Action("address", "Y", "Y", "copy its address", short="address"),
    Action("link", "U", "U", "copy its link on the server", short="link"),
    Action("export", "ctrl+s", "^s", "export what is shown", short="export"),
    Action("refresh", "ctrl+r", "^r", "refresh now", short="refresh"),
    Action("verify", "V", "V", "verify the whole audit trail", short="verify"),
    Action("wrap", "w", "w", "wrap long lines", short="wrap"),
    Action("follow", "f", "f", "follow the end", short="follow"),
    Action("next", "n", "n", "next match"),
    Action("previous", "N", "N", "previous match"),
    Action("metric", "m", "m", "next metric"),
    Action("grid", "number_sign", "#", "many small charts, or a large one", short="grid"),
    Action("smooth", "S", "S", "smooth lines: 0, .6, .9, .99", short="smooth"),
    Action("system", "K", "K", "figures of the machine below the chart", short="machine"),
    Action("plot", "H", "H", "scatter, bars, histogram of these runs", short="plot"),
    Action("next_part", "right_square_bracket,tab", "]", "next part"),
    Action("previous_part", "left_square_bracket,shift+tab", "[", "previous part"),
    Action("suspend", "ctrl+z", "^z", "suspend to the shell"),
    Action("quit", "q,ctrl+c", "q", "quit"),
)
BY_ID = {action.id: action for action in ACTIONS}

TABLE_KEYS = (
    ("Up Down PgUp PgDn", "move"),
    ("Home End", "first, last row"),
    ("Space", "mark"),
    ("M ^Space", "mark from the last mark to here"),
    ("shift+Left/Right", "choose a column"),
    ("( )", "columns to the left, to the right"),
    ("o", "sort by the chosen column, again the other way"),
    ("O", "sort further by the chosen column, again the other way"),
    ("Right", "open or close a nested row"),
)
CHART_KEYS = (
    (", . < >", "move the cursor"),
    ("+ - 0", "zoom in, out, all"),
    ("{ }", "pan"),
    ("L", "logarithmic y"),
    ("X", "x by step, time, time since the start"),
)
