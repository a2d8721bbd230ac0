"""The filter language: its terms as data, the words each noun understands, sort orders.

    metrics.auc > 0.9 and started > -14h and tag.team = risk
    status in (failed, killed) or not (name ~ "^xgb" and params.depth <= 8)
    has metrics.auc            a bare word means: name ~ word

What a comparison says of a missing value: `!=`, `!~` and `not in` hold, every other one does not.
NaN equals `nan` and compares with nothing else. Text compares exactly; `~` is a regular expression
found anywhere in a text, without regard to case. A number written without quotes compares
parameters and tags as numbers. The parser is in `parse`, an evaluator over values in `evaluate`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

Kind = Literal["text", "number", "time", "duration", "choice"]
Operator = Literal["=", "!=", "<", "<=", ">", ">=", "~", "!~"]
Value = str | float | datetime
MAPS = {
    "metrics": "metrics",
    "metric": "metrics",
    "params": "params",
    "param": "params",
    "tags": "tags",
    "tag": "tags",
}


class Field(Struct, frozen=True):
    """What a term speaks of: an attribute (`of` empty) or a key of metrics, params or tags."""

    name: str
    of: str = ""

    def __str__(self) -> str:
        return f"{self.of}.{self.name}" if self.of else self.name


class Compare(Struct, frozen=True, tag="compare"):
    """`field operator value`. Durations are floats of seconds."""

    field: Field
    operator: Operator
    value: Value


class In(Struct, frozen=True, tag="in"):
    """`field in (a, b)`."""

    field: Field
    values: Sequence[Value]


class Has(Struct, frozen=True, tag="has"):
    """The field is there, be it NaN."""

    field: Field


class Not(Struct, frozen=True, tag="not"):
    """What `term` does not say."""

    term: "Expression"


class And(Struct, frozen=True, tag="and"):
    """All of `terms`."""

    terms: "Sequence[Expression]"


class Or(Struct, frozen=True, tag="or"):
    """Any of `terms`."""

    terms: "Sequence[Expression]"


Expression = Compare | In | Has | Not | And | Or


class Sort(Struct, frozen=True):
    """Order by a field: numbers, then NaN, then missing, in both directions."""

    field: Field
    descending: bool = False

    def __str__(self) -> str:
        return f"-{self.field}" if self.descending else str(self.field)


class Attribute(Struct, frozen=True):
    """A word of a noun: its kind, other spellings, the choices of a choice."""

    kind: Kind
    also: Sequence[str] = ()
    choices: Sequence[str] = ()


class Vocabulary(Struct, frozen=True):
    """The words one noun's filters may use. `maps`: those of metrics, params, tags it has.

    `bare` is the attribute in which a word by itself is looked for.
    """

    noun: str
    attributes: Mapping[str, Attribute]
    maps: Sequence[str] = ()
    bare: str = "name"

    def attribute(self, word: str) -> str | None:
        """The attribute's own name for any of its spellings."""
        if word in self.attributes:
            return word
        return next((n for n, a in self.attributes.items() if word in a.also), None)


RUNS = Vocabulary(
    "runs",
    {
        "name": Attribute("text", ("run_name",)),
        "id": Attribute("text", ("run_id",)),
        "experiment": Attribute("text", ("exp",)),
        "status": Attribute(
            "choice", ("st",), ("scheduled", "running", "finished", "failed", "killed")
        ),
        "started": Attribute("time", ("start", "started_at")),
        "ended": Attribute("time", ("end", "ended_at")),
        "duration": Attribute("duration", ("dur",)),
        "user": Attribute("text"),
        "parent": Attribute("text", ("parent_id",)),
        "reason": Attribute("text"),
        "exit": Attribute("number", ("exit_code",)),
        "git": Attribute("text"),
        "note": Attribute("text"),
        "dataset": Attribute("text", ("data",)),
    },
    ("metrics", "params", "tags"),
)
EXPERIMENTS = Vocabulary(
    "experiments",
    {
        "name": Attribute("text"),
        "id": Attribute("text"),
        "created": Attribute("time", ("created_at",)),
        "updated": Attribute("time", ("updated_at",)),
        "runs": Attribute("number"),
        "note": Attribute("text"),
    },
    ("tags",),
)
MODELS = Vocabulary(
    "models",
    {
        "name": Attribute("text"),
        "created": Attribute("time", ("created_at",)),
        "updated": Attribute("time", ("updated_at",)),
        "versions": Attribute("number"),
        "alias": Attribute("text", ("aliases",)),
        "note": Attribute("text"),
    },
    ("tags",),
)
VERSIONS = Vocabulary(
    "versions",
    {
        "model": Attribute("text", ("name",)),
        "version": Attribute("number"),
        "alias": Attribute("text", ("aliases",)),
        "run": Attribute("text", ("run_id",)),
        "digest": Attribute("text"),
        "format": Attribute("text"),
        "status": Attribute("text"),
        "stage": Attribute("text"),
        "created": Attribute("time", ("created_at",)),
        "user": Attribute("text"),
        "note": Attribute("text"),
    },
    ("tags",),
    "model",
)
EVENTS = Vocabulary(
    "events",
    {
        "seq": Attribute("number"),
        "time": Attribute("time"),
        "actor": Attribute("text", ("user",)),
        "host": Attribute("text"),
        "action": Attribute("text"),
        "phase": Attribute("text"),
        "subject": Attribute("text"),
        "reason": Attribute("text"),
        "ticket": Attribute("text"),
    },
    bare="subject",
)
