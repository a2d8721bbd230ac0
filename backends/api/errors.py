"""Everything that can go wrong, as one tree.

    ModeldeckError
    |- UsageError            exit 2   the request itself is wrong
    |  |- FilterError                 a filter does not parse; knows the position
    |  |- NotFoundError               no such run, model, version ...
    |  `- DamagedError                a file is not what it should be
    |- UnreachableError      exit 3   trying again may help
    |  `- BusyError                   somebody else holds the registry
    `- RefusedError          exit 4   may not be done
       |- ConflictError               the state is not the one that the plan saw
       |- ReadOnlyError
       |- DeniedError                 the server does not know us, or we may not
       `- UnconfirmedError

An error says what happened, where, and the way out. Its text is exact; whoever prints it makes it
safe.
"""


class ModeldeckError(Exception):
    """An error that a user can act on: `what` happened, `where`, and the `way_out`."""

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", way_out: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.way_out = way_out

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}. {self.way_out}" if self.way_out else head


class UsageError(ModeldeckError):
    """The request or the configuration is wrong."""

    exit_code = 2


class FilterError(UsageError):
    """A filter or sort expression does not parse.

    `position` counts characters from 0 in `text`; `expected` says what would have fitted there.
    """

    def __init__(self, what: str, *, text: str, position: int, expected: str = "") -> None:
        asks = expected.endswith("?")
        way_out = f"{'Did you mean' if asks else 'Expected'} {expected}" if expected else ""
        super().__init__(what, where=f"filter, character {position + 1}", way_out=way_out)
        self.text = text
        self.position = position
        self.expected = expected


class NotFoundError(UsageError):
    """What was named does not exist."""


class DamagedError(UsageError):
    """A file is not a registry, is truncated, or does not hold what it should."""


class UnreachableError(ModeldeckError):
    """A backend did not answer; trying again may help.

    `sent` is False where it is certain that the request never reached it: nothing was done.
    """

    exit_code = 3
    sent = True


class BusyError(UnreachableError):
    """Another process holds the registry for longer than we wait."""


class RefusedError(ModeldeckError):
    """It may not be done: permission, policy, protection."""

    exit_code = 4


class ConflictError(RefusedError):
    """The state is not the one that the plan saw; both values are named."""


class ReadOnlyError(RefusedError):
    """The registry, the context or the session is read-only."""


class UnconfirmedError(RefusedError):
    """A change was neither confirmed at a terminal nor with `--yes`."""


class DeniedError(RefusedError):
    """The server does not know us, or we may not do this there."""
