"""Text -> terms of the filter language; what does not parse says where and what was expected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.errors import FilterError
from modeldeck.backends.api.parse import (
    parse_duration,
    parse_field,
    parse_filter,
    parse_sort,
    parse_time,
)
from modeldeck.backends.api.query import (
    EVENTS,
    EXPERIMENTS,
    MODELS,
    RUNS,
    VERSIONS,
    And,
    Compare,
    Field,
    Has,
    In,
    Not,
    Or,
    Sort,
)

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
AUC = Field("auc", "metrics")
HOURS = timezone(timedelta(hours=2))


def parsed(text, vocabulary=RUNS):
    return parse_filter(text, vocabulary, NOW)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", None),
        ("  \n", None),
        ("metrics.auc > 0.9", Compare(AUC, ">", 0.9)),
        ("metric.auc>=1e-3", Compare(AUC, ">=", 0.001)),
        ("METRICS.auc == nan", None),
        ("has metrics.auc", Has(AUC)),
        ('metrics."my key" < 1', Compare(Field("my key", "metrics"), "<", 1.0)),
        ("params.depth = 8", Compare(Field("depth", "params"), "=", 8.0)),
        ("params.depth = '8'", Compare(Field("depth", "params"), "=", "8")),
        ("tag.team = risk", Compare(Field("team", "tags"), "=", "risk")),
        ("tag.a.b = x", Compare(Field("a.b", "tags"), "=", "x")),
        ("st = FAILED", Compare(Field("status"), "=", "failed")),
        ("status in (failed, killed)", In(Field("status"), ("failed", "killed"))),
        ("status not in(failed)", Not(In(Field("status"), ("failed",)))),
        ("started > -14h", Compare(Field("started"), ">", NOW - timedelta(hours=14))),
        ("dur > 1h30m", Compare(Field("duration"), ">", 5400.0)),
        ("name !~ ^xgb", Compare(Field("name"), "!~", "^xgb")),
        ("xgb", Compare(Field("name"), "~", "xgb")),
        ('"a b."', Compare(Field("name"), "~", r"a\ b\.")),
        ("not not xgb", Compare(Field("name"), "~", "xgb")),
        ("a b", And((Compare(Field("name"), "~", "a"), Compare(Field("name"), "~", "b")))),
        (r"name = 'it\'s'", Compare(Field("name"), "=", "it's")),
        ("name = ''", Compare(Field("name"), "=", "")),
        ("user = and", Compare(Field("user"), "=", "and")),
    ],
)
def test_terms(text, terms):
    found = parsed(text)
    if text.endswith("nan"):
        assert isinstance(found, Compare)
        assert found.field == AUC
        assert isinstance(found.value, float)
        assert found.value != found.value
    else:
        assert found == terms


def test_and_binds_tighter_than_or_and_brackets_tighter_than_both():
    a, b, c = (Compare(Field("name"), "~", word) for word in "abc")
    assert parsed("a or b and c") == Or((a, And((b, c))))
    assert parsed("(a or b) c") == And((Or((a, b)), c))
    assert parsed("not (a and b)") == Not(And((a, b)))


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("metrics.auc >", 13, "a value"),
        ("metrics.auc > abc", 14, "a number"),
        ("metrics.auc", 11, "one of ="),
        ("metrics.auc > > 1", 14, "a value"),
        ("metrics.auc ~ 0.9", 14, "not ~"),
        ("metrics. > 1", 8, "metrics.KEY"),
        ("statsu = failed", 0, "status?"),
        ("status = done", 9, "one of scheduled"),
        ("started > soon", 10, "a time"),
        ("started > -nan", 10, "a time"),
        ("duration > -", 11, "a duration"),
        ("(a or b", 7, "a closing bracket"),
        ("a )", 2, "and, or, or the end"),
        ("a and", 5, "a term"),
        ("status in failed", 10, "a bracket"),
        ("status in (failed", 17, "a comma or a closing bracket"),
        ("name = 'open", 7, "a closing '"),
        ("name ~ [", 7, ""),
        ("[", 0, ""),
        ("a and *", 6, ""),
        ("'quoted' = 1", 0, 'metrics."my key"'),
        ("a , b", 2, "and, or, or the end"),
    ],
)
def test_what_does_not_parse_says_where_and_what_would(text, position, expected):
    with pytest.raises(FilterError) as error:
        parsed(text)
    assert (error.value.position, error.value.text) == (position, text)
    assert expected in error.value.expected
    assert f"character {position + 1}" in str(error.value)
    assert error.value.exit_code == 2


def test_too_deep_and_too_long_are_said_so():
    with pytest.raises(FilterError, match="brackets inside one another"):
        parsed("(" * 100 + "a" + ")" * 100)
    with pytest.raises(FilterError, match="more than 1000 terms"):
        parsed("a " * 1001)


@pytest.mark.parametrize("vocabulary", [RUNS, EXPERIMENTS, MODELS, VERSIONS, EVENTS])
def test_a_bare_word_is_looked_for_in_a_field_that_the_noun_has(vocabulary):
    found = parsed("word", vocabulary)
    assert isinstance(found, Compare)
    assert found.field.name in vocabulary.attributes


def test_a_noun_without_metrics_says_so():
    with pytest.raises(FilterError, match="models have no metrics"):
        parsed("metrics.auc > 1", MODELS)


def test_half_of_a_character_becomes_the_one_replacement():
    assert parsed("name = a\ud800") == Compare(Field("name"), "=", "a\ufffd")


def test_sorts():
    assert parse_sort("-metrics.auc, started,+name", RUNS) == (
        Sort(AUC, descending=True),
        Sort(Field("started")),
        Sort(Field("name")),
    )
    assert [str(sort) for sort in parse_sort("-metrics.auc,name", RUNS)] == ["-metrics.auc", "name"]
    assert parse_sort("", RUNS) == ()
    with pytest.raises(FilterError) as error:
        parse_sort("name started", RUNS)
    assert error.value.position == 5


def test_fields():
    assert parse_field("dur", RUNS) == Field("duration")
    with pytest.raises(FilterError):
        parse_field("name x", RUNS)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("1h30m", 5400.0),
        ("500ms", 0.5),
        ("2w", 1209600.0),
        ("1.5", 1.5),
        ("x", None),
    ],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("now", datetime(2026, 11, 23, 14, 30, tzinfo=HOURS)),
        ("today", datetime(2026, 11, 23, tzinfo=HOURS)),
        ("yesterday", datetime(2026, 11, 22, tzinfo=HOURS)),
        ("08:05", datetime(2026, 11, 23, 8, 5, tzinfo=HOURS)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=HOURS)),
        ("2026-11-20T08:00Z", datetime(2026, 11, 20, 8, tzinfo=UTC)),
        ("-90m", datetime(2026, 11, 23, 13, 0, tzinfo=HOURS)),
        ("+1d", datetime(2026, 11, 24, 14, 30, tzinfo=HOURS)),
        ("25:00", None),
        ("-inf", None),
        ("-99999999w", None),
    ],
)
def test_times_are_in_the_zone_of_now(text, time):
    assert parse_time(text, NOW.astimezone(HOURS)) == time


WORDS = [
    "metrics.auc",
    "metrics.",
    "params.a",
    'tags."x',
    'y"',
    "status",
    "started",
    "duration",
    "name",
    "and",
    "or",
    "not",
    "in",
    "has",
    "(",
    ")",
    ",",
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "~",
    "!~",
    "==",
    "0.9",
    "nan",
    "-14h",
    "2026-01-01",
    "''",
    '"',
    "`",
    "[",
    "*",
    "failed",
    "é",
]
LIKE_FILTERS = st.lists(st.sampled_from([*WORDS, "\ud800", "\0"]), max_size=12).map(" ".join)


@given(LIKE_FILTERS | st.text(max_size=30), st.sampled_from([RUNS, MODELS, EVENTS]))
def test_nothing_but_a_filter_error_comes_out(text, vocabulary):
    for parse in (
        lambda: parse_filter(text, vocabulary, NOW),
        lambda: parse_sort(text, vocabulary),
        lambda: parse_field(text, vocabulary),
    ):
        found = None
        try:
            parse()
        except FilterError as error:
            found = error
        assert found is None or 0 <= found.position <= len(text)
