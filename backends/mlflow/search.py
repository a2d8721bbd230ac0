"""What of a query MLflow's server can do: the rest is done here, on what it sends.

Only terms are sent whose answer holds everything that ours does, and the whole filter is applied
to what comes. One thing is taken as MLflow has it: a run is found by the name that its tag
`mlflow.runName` says, which is its name unless somebody took the tag away.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from ..api.errors import RefusedError
from ..api.evaluate import matches
from ..api.query import And, Compare, Expression, Field, Has, In, Not, Or, Sort, Value
from ..api.runs import Status
from ..api.times import to_micros
from ..mlflow_words import COMMIT, NOTE, PARENT, USER
from . import grammar

MOST_TERMS = 20
"""Each is a join on the server, and SQLite joins 64 tables at most."""
_LONG_AGO = "-62135596800000"
_AS_TAGS = {"parent": PARENT, "git": COMMIT, "note": NOTE}
_TIMES = {"started": "attributes.start_time", "ended": "attributes.end_time"}
_TEXTS = {"name": "attributes.run_name", "id": "attributes.run_id"}
_ORDERS = {**_TIMES, **_TEXTS, "status": "attributes.status"}
_ORDERED = ("=", "<", "<=", ">", ">=")
NEWEST = "attributes.start_time DESC"
ELSEWHERE = "`modeldeck import` or a snapshot of it gives a local copy, which sorts by everything"


class Push(NamedTuple):
    """A filter taken apart: MLflow's text, our terms that it says, and those done here.

    `experiments` says of an experiment's name whether its runs can be among them.
    """

    filter: str
    server: Sequence[Expression]
    here: Sequence[Expression]
    experiments: Callable[[str], bool]


class _Term(NamedTuple):
    text: str
    exact: bool = True


def push(where: Expression | None) -> Push:
    """Take a filter apart."""
    sent: list[str] = []
    server: list[Expression] = []
    here: list[Expression] = []
    by_name: list[Expression] = []
    for term in () if where is None else _all(where):
        names = _fields(term)
        if names == {Field("experiment")}:
            by_name.append(term)
            server.append(term)
            continue
        found = _statuses(term) if names == {Field("status")} else _term(term)
        if found is None or len(sent) >= MOST_TERMS:
            here.append(term)
            continue
        if found.text and found.text not in sent:
            sent.append(found.text)
        (server if found.exact else here).append(term)

    def fits(name: str) -> bool:
        return all(matches(term, lambda _: name) for term in by_name)

    return Push(" AND ".join(sent), server, here, fits)


def order(sorts: Sequence[Sort]) -> tuple[Sequence[str], Sequence[str]]:
    """MLflow's order, and what of it is otherwise than in a local registry, in words.

    Raises RefusedError for what it cannot order by.
    """
    found: dict[str, str] = {}
    notes = []
    for sort in sorts:
        field = sort.field
        column = _column(field)
        if column is None:
            raise RefusedError(
                f"MLflow cannot sort runs by {field}", where="sort", way_out=ELSEWHERE
            )
        found.setdefault(column, "DESC" if sort.descending else "ASC")
        if field.of in ("params", "tags"):
            notes.append(f"sorted by {field} as text: MLflow knows no other order of {field.of}")
        elif field.name in ("name", "user", "note"):
            notes.append(f"sorted by {field} as the server's database orders texts")
    return [f"{column} {way}" for column, way in found.items()] or [NEWEST], notes


def _column(field: Field) -> str | None:
    if field.of:
        return grammar.key(field.of, field.name)
    tag = {**_AS_TAGS, "user": USER}.get(field.name)
    return _ORDERS.get(field.name) if tag is None else f"tags.`{tag}`"


def _all(expression: Expression) -> Sequence[Expression]:
    if isinstance(expression, And):
        return [inner for term in expression.terms for inner in _all(term)]
    return [_as_in(expression)]


def _as_in(term: Expression) -> Expression:
    """`a = 1 or a = 2` as `a in (1, 2)`."""
    if not isinstance(term, Or) or not term.terms:
        return term
    values: list[Value] = []
    for one in term.terms:
        if isinstance(one, In) and one.field == _field(term.terms[0]):
            values.extend(one.values)
        elif (
            isinstance(one, Compare) and one.operator == "=" and one.field == _field(term.terms[0])
        ):
            values.append(one.value)
        else:
            return term
    field = _field(term.terms[0])
    return term if field is None else In(field, values)


def _field(term: Expression) -> Field | None:
    return term.field if isinstance(term, Compare | In | Has) else None


def _fields(expression: Expression) -> set[Field]:
    match expression:
        case And(terms) | Or(terms):
            return {field for term in terms for field in _fields(term)}
        case Not(term):
            return _fields(term)
        case Compare(field) | In(field) | Has(field):
            return {field}


def _statuses(term: Expression) -> _Term:
    """Whatever is said of the status alone, as the statuses that it leaves out."""
    out = [one.name for one in Status if not _is_among(one.value, term)]
    left = [one.name for one in Status if one.name not in out]
    if len(left) == 1:
        return _Term(f"attributes.status = '{left[0]}'")
    return _Term(" AND ".join(f"attributes.status != '{name}'" for name in out))


def _is_among(value: str, term: Expression) -> bool:
    return matches(term, lambda _: value)


def _term(term: Expression) -> _Term | None:
    if isinstance(term, Has):
        return _present(term.field)
    if isinstance(term, In):
        if len(term.values) == 1:
            return _term(Compare(term.field, "=", term.values[0]))
        ids = [value for value in term.values if isinstance(value, str)]
        if term.field == Field("id") and len(ids) == len(term.values):
            listed = grammar.texts(ids)
            return None if listed is None else _Term(f"attributes.run_id IN {listed}")
        return _coarse(_present(term.field))
    if not isinstance(term, Compare) or term.operator in ("!=", "!~"):
        return None
    field, operator, value = term.field, term.operator, term.value
    if field.of == "metrics":
        column, number = grammar.key("metrics", field.name), _number(value)
        if column is None or number is None or operator not in _ORDERED:
            return None
        return _Term(f"{column} {operator} {number}")
    if not field.of and field.name in _TIMES:
        return _time(_TIMES[field.name], operator, value)
    column = _text_column(field)
    if column is not None and isinstance(value, str):
        found = _text(column, operator, value)
        if found is not None:
            return found
    return _coarse(_present(field))


def _text_column(field: Field) -> str | None:
    if field.of in ("params", "tags"):
        return grammar.key(field.of, field.name)
    if field.of:
        return None
    tag = _AS_TAGS.get(field.name)
    return _TEXTS.get(field.name) if tag is None else f"tags.`{tag}`"


def _text(column: str, operator: str, value: str) -> _Term | None:
    if operator == "=":
        quoted = grammar.text(value)
        return None if quoted is None else _Term(f"{column} = {quoted}")
    if operator == "~":
        like, exact = grammar.found_in(value)
        return None if like is None else _Term(f"{column} ILIKE {like}", exact)
    return None


def _present(field: Field) -> _Term | None:
    """What holds for all runs that have the field."""
    if field.name in _TIMES and not field.of:
        return _Term(f"{_TIMES[field.name]} >= {_LONG_AGO}")
    column = _text_column(field)
    if column is None or column.startswith("attributes."):
        return None
    return _Term(f"{column} LIKE '%'")


def _coarse(term: _Term | None) -> _Term | None:
    return None if term is None else _Term(term.text, exact=False)


def _number(value: object) -> str | None:
    return grammar.number(value) if isinstance(value, float | int) else None


def _time(column: str, operator: str, value: object) -> _Term | None:
    """A comparison in whole milliseconds that holds wherever the finer one does."""
    if not isinstance(value, datetime) or operator not in _ORDERED:
        return None
    micros = to_micros(value)
    low, high = micros // 1000, -(-micros // 1000)
    exact = low == high
    if operator == "=":
        return _Term(f"{column} >= {low} AND {column} <= {high}", exact)
    if operator in (">", ">="):
        return _Term(f"{column} {operator if exact else '>='} {low}")
    return _Term(f"{column} {operator if exact else '<='} {high}")
