"""Aliases: which names they may have, and plans that say what they do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.usecases import aliases, versions
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.backends.api.errors import (
    ConflictError,
    NotFoundError,
    ReadOnlyError,
    RefusedError,
    UsageError,
)
from tests.usecases.project import refused, session_of


@pytest.mark.parametrize(
    "name", ["champion", "prod-eu", "größe", "a.b", "v", "v1a", "the one", "x" * 255]
)
def test_a_word_can_be_an_alias(name):
    aliases.check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "latest",
        "LATEST",
        "v1",
        "V12",
        "12",
        "a/b",
        "a@b",
        " a",
        "a ",
        "a\nb",
        "\x1b",
        "x" * 256,
    ],
)
def test_what_reads_otherwise_cannot(name):
    with pytest.raises(UsageError):
        aliases.check_name(name)


@given(st.text(max_size=20))
def test_a_name_that_passes_is_told_from_every_version(name):
    try:
        aliases.check_name(name)
    except UsageError:
        return
    assert versions.number_of(name) == 0
    assert not set(name) & set("/@\n\r\x1b")


async def test_a_plan_says_what_the_alias_was_and_what_stays(session):
    plan = await aliases.plan_set(session, "fraud", "next", 3)
    await apply_plan(session, plan)
    plan = await aliases.plan_set(session, "fraud", "champion", 3, reason="r", ticket="t")
    assert plan.effects == (
        "fraud@champion was version 2; who reads it gets 3 from now on",
        "version 3 is also next",
        "version 3 could run foreign code when loaded: it is a pickle",
    )
    assert plan.untouched == ("fraud@next stays at 3",)
    assert plan.command[-2:] == ("--expect", "2")
    assert plan.inverse.operation == "alias.set"
    assert plan.inverse.arguments["changes"] == [
        {"subject": "models/fraud@champion", "field": "version", "before": 3, "after": 2}
    ]
    assert (plan.reason, plan.ticket) == ("r", "t")
    assert not plan.empty
    assert (await aliases.plan_set(session, "fraud", "champion", 2)).empty


async def test_its_inverse_takes_a_first_alias_away(session):
    plan = await aliases.plan_set(session, "fraud", "next", 1)
    assert plan.inverse.operation == "alias.rm"


async def test_removing_one(session):
    plan = await aliases.plan_remove(session, "fraud", "champion")
    assert plan.effects == ("fraud@champion was version 2; who reads it finds nothing from now on",)
    (event,) = await apply_plan(session, plan)
    assert (event.before, event.after) == ({"version": 2}, {"version": None})
    error = await refused(NotFoundError, lambda: aliases.plan_remove(session, "fraud", "champion"))
    assert "has no alias 'champion'" in str(error)
    error = await refused(
        ConflictError, lambda: aliases.plan_remove(session, "fraud", "champion", expect=2)
    )
    assert "it is not set now, version 2 was expected" in str(error)


async def test_a_plan_is_refused_in_another_context_and_when_read_only(session):
    plan = await aliases.plan_set(session, "fraud", "champion", 3)
    other = session_of(session.registry, context="prod")
    error = await refused(RefusedError, lambda: apply_plan(other, plan))
    assert "the plan is for context 'bank', this is 'prod'" in str(error)
    fixed = session_of(session.registry, readonly="it is frozen")
    error = await refused(ReadOnlyError, lambda: apply_plan(fixed, plan))
    assert "it is frozen" in str(error)


@pytest.mark.parametrize(
    ("words", "refs"),
    [
        (["fraud", "13"], ["fraud/13"]),
        (["fraud", "v13"], ["fraud/13"]),
        (["fraud/13"], ["fraud/13"]),
        (["fraud@champion"], ["fraud@champion"]),
        (["a", "1", "b/2", "c@x", "d", "4"], ["a/1", "b/2", "c@x", "d/4"]),
        (["team/fraud", "3"], ["team/fraud/3"]),
        (["team/fraud/3"], ["team/fraud/3"]),
    ],
)
def test_words_that_name_versions(words, refs):
    assert versions.version_refs(words) == refs


@pytest.mark.parametrize("words", [["fraud"], ["fraud", "x"], ["fraud/1", "2"], ["fraud", "0"]])
def test_words_that_name_none(words):
    with pytest.raises(UsageError):
        versions.version_refs(words)


@pytest.mark.parametrize("ref", ["fraud/2", "fraud/v2", "fraud@champion", "models/fraud/2"])
async def test_a_version_has_several_names(session, ref):
    assert (await versions.find_version(session, ref)).version == 2


@pytest.mark.parametrize("ref", ["fraud", "@champion", "fraud@", "/2", "fraud/x", "models/fraud"])
async def test_and_these_are_none(session, ref):
    await refused(UsageError, lambda: versions.find_version(session, ref))
