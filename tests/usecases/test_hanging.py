"""What hangs on a run or a version."""

from __future__ import annotations

from datetime import timedelta

import pytest

from modeldeck.app.usecases.hanging import hanging_on
from modeldeck.app.usecases.runs import list_runs
from modeldeck.backends.api.errors import ModeldeckError, NotFoundError
from modeldeck.backends.api.statements import Statement
from modeldeck.backends.api.times import rfc3339
from tests.usecases.people import DIGEST, KEYS, Place
from tests.usecases.project import NOW


async def told(session, ref):
    return [(one.kind, one.name, one.what, one.address) for one in await hanging_on(session, ref)]


async def test_versions_and_children_hang_on_a_run(session):
    seen = set()
    for run in (await list_runs(session)).first:
        found = await hanging_on(session, f"runs/{run.id}")
        kinds = [one.kind for one in found]
        seen.update(kinds)
        assert kinds == sorted(kinds, reverse=True)  # versions before runs
        assert kinds.count("run") == run.children
        for one in found:
            if one.kind == "version":
                made = await session.registry.version(*parts(one.address))
                assert made.run_id == run.id
            else:
                assert (await session.registry.run(one.id)).parent_id == run.id
    assert seen == {"version", "run"}


def parts(place):
    _, model, number = place.split("/")
    return model, int(number)


async def test_aliases_content_and_words_hang_on_a_version(session):
    place = Place(session.registry)
    versions = (await session.registry.versions("fraud")).first
    for version in versions:
        ref = f"models/fraud/{version.version}"
        aliases = [row for row in await told(place.of("ana"), ref) if row[0] == "alias"]
        assert [row[1] for row in aliases] == [f"fraud@{name}" for name in version.aliases]
        for _, name, what, address in aliases:
            assert address == f"models/{name}"
            assert what.endswith("behind a gate") == (name == "fraud@champion")
    version = next(one for one in versions if one.digest)
    body = {
        "target": "fraud@champion",
        "policy": {"commit": "", "digest": DIGEST},
        "evidence": "",
        "expires": rfc3339(NOW + timedelta(days=1)),
        "why": "retrained",
    }
    ref = f"models/fraud/{version.version}"
    signed = await place.say(
        KEYS["ana"],
        Statement(kind="request", subject=ref, digest=version.digest, time=place.now, body=body),
    )
    word = (await hanging_on(place.of("ana"), ref))[-1]
    assert (word.kind, word.name, word.id) == ("request", "for fraud@champion", signed.id)
    assert "ana" in word.what


async def test_an_alias_is_the_version_that_it_points_at(session):
    model = await session.registry.model("fraud")
    name, number = next(iter(model.aliases.items()))
    assert await told(session, f"models/fraud@{name}") == await told(
        session, f"models/fraud/{number}"
    )


@pytest.mark.parametrize("ref", ["runs/nobody", "models/fraud/99", "models/nothing/1"])
async def test_what_is_not_there_is_said(session, ref):
    with pytest.raises(NotFoundError):
        await hanging_on(session, ref)


async def test_a_list_has_nothing_that_hangs_on_it(session):
    with pytest.raises(ModeldeckError):
        await hanging_on(session, "models/fraud")
