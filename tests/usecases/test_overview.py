"""The first look, and the output of a run as it grows."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from modeldeck.app.usecases import logs, overview
from modeldeck.app.usecases.describe import describe_run
from modeldeck.app.usecases.runs import find_run
from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.ingest import RunRecord
from modeldeck.backends.api.runs import Status
from modeldeck.backends.local import create_registry
from tests.usecases.project import (
    ACTOR,
    CHILD,
    CONTEXT,
    FAILED,
    FIRST,
    RUNNING,
    SECOND,
    refused,
    session_of,
)


async def test_it_counts_and_names(session):
    found = await overview.overview(session)
    assert (found.experiments, found.runs, found.running_count, found.failed_lately) == (2, 5, 1, 1)
    assert [run.id for run in found.running] == [RUNNING]
    assert [run.id for run in found.failed] == [FAILED]
    assert [run.id for run in found.recent] == [CHILD, RUNNING, FAILED, SECOND, FIRST]
    assert [(b.experiment, b.metric, b.value, b.run.name) for b in found.best] == [
        ("churn", "auc", 0.71, "logit"),
        ("fraud", "auc", 0.9355, "xgb-deep"),
        ("fraud", "loss", 0.2, "xgb-base"),
    ]
    assert [(m.name, m.aliases) for m in found.models] == [("fraud", {"champion": 2})]
    assert [event.action for event in found.changes][:2] == ["version.tag", "alias.set"]
    assert "run" not in {event.action for event in found.changes}
    assert found.next == []


async def test_nothing_asks_on_when_a_part_has_failed(session, monkeypatch):
    asking, ended = asyncio.Event(), []

    async def ask(*_, **__):
        asking.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def fail(*_, **__):
        await asking.wait()
        raise NotFoundError("no models")

    monkeypatch.setattr(overview, "list_events", ask)
    monkeypatch.setattr(overview, "list_models", fail)
    with pytest.raises(NotFoundError, match="no models"):
        await overview.overview(session)
    assert ended == [True]


async def test_without_declared_directions_nothing_is_best(session):
    found = await overview.overview(session_of(session.registry, directions={}))
    assert found.best == []
    assert "modeldeck.toml" in found.next[0][0]


@pytest.mark.parametrize(
    ("readonly", "command"), [("", "modeldeck run "), ("it is", "modeldeck P")]
)
async def test_an_empty_one_says_what_to_do(tmp_path, readonly, command):
    backend = create_registry(tmp_path)
    found = await overview.overview(session_of(backend, readonly=readonly))
    await backend.close()
    assert found.next[0][1].startswith(command)
    assert (found.runs, list(found.recent), found.model_count) == (0, [], 0)


async def test_counts_are_those_of_the_overview(session):
    found, whole = await overview.counts(session), await overview.overview(session)
    assert (found.runs, found.running, found.failed_lately, found.models) == (
        whole.runs,
        whole.running_count,
        whole.failed_lately,
        whole.model_count,
    )


async def test_everything_of_a_run(session):
    found = await describe_run(session, f"runs/{FIRST}")
    assert [one.key for one in found.series] == ["auc", "loss"]
    assert found.lock is not None
    assert [(v.model, v.version) for v in found.versions] == [("fraud", 1)]
    assert found.usage.cpu_seconds == 9000.5


async def test_a_run_is_found_by_address_beginning_or_name(session):
    for ref in (f"runs/{FIRST}", FIRST, FIRST[:3], "xgb-base"):
        assert (await find_run(session, ref)).id == FIRST
    await refused(NotFoundError, lambda: find_run(session, "runs/x/y"))


async def test_a_log_is_followed_until_the_run_has_ended(session):
    """It grows, is kept as an artifact, and the folder it grew in goes."""
    folder = session.folder / "runs" / RUNNING
    folder.mkdir(parents=True)
    log = folder / "output.log"
    log.write_bytes(b"one\n")
    steps = iter(["two\n", "", "three\n", "four\n"])

    async def wait(_seconds):
        text = next(steps)
        with log.open("a", encoding="utf-8") as file:
            file.write(text)
        if text.startswith("four"):
            await end(session, log)

    pieces = [piece async for piece in logs.read_log(session, RUNNING, follow=True, wait=wait)]
    assert pieces == [b"one\n", b"two\n", b"three\n", b"four\n"]


async def end(session, log):
    """What the recorder does with the output of a run that has ended."""
    with log.open("rb") as file:
        kept = session.registry.keep(file, "output.log")
    run = await session.registry.run(RUNNING)
    ended = replace(run, status=Status.FINISHED, ended_at=session.clock())
    await session.registry.end_run(RunRecord(run=ended, artifacts=[kept]), ACTOR, CONTEXT)
    log.unlink()
    log.parent.rmdir()


async def test_a_log_of_an_ended_run_is_not_waited_for(session):
    async def wait(_seconds):
        raise AssertionError

    pieces = [piece async for piece in logs.read_log(session, FIRST, follow=True, wait=wait)]
    assert b"".join(pieces) == b"epoch 0\nepoch 1\ndone\n"


async def test_a_long_log_comes_in_pieces(session, monkeypatch):
    monkeypatch.setattr(logs, "PIECE", 4)
    pieces = [piece async for piece in logs.read_log(session, FIRST)]
    assert b"".join(pieces) == b"epoch 0\nepoch 1\ndone\n"
    assert max(map(len, pieces)) == 4


@pytest.mark.parametrize("run_id", ["..", ".", "", "a/../../b", "/etc", "a\0b"])
def test_an_id_that_leaves_the_folder_names_no_log(tmp_path, run_id):
    (tmp_path / "output.log").write_text("secret", encoding="utf-8")
    assert logs._live(tmp_path / "runs", run_id, logs.NAME, 0, 9) is None
