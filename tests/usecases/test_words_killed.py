"""kill -9 before any statement of what is said: the signed words and their event, or neither."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path

import pytest

from modeldeck.app.usecases.approving import plan_ask
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.statements import REQUEST
from modeldeck.backends.local import open_registry
from modeldeck.backends.local.trail import verify
from modeldeck.backends.statements.shared import GitStatements
from tests.local.records import piped
from tests.local.trails import HOST
from tests.statements.signing import git, repository
from tests.usecases.people import KEYS, Place

SPEAKER = """
import sys
from tests.usecases.test_words_killed import speak
speak(sys.argv[1])
"""


def session_at(folder: Path, kind: str) -> Session:
    """Of an author whose events are signed, with checkpoints; `shared` with a repository."""
    registry = open_registry(folder)
    registry.signer, registry.host_key = KEYS["ana"], lambda: HOST
    place = Place(registry)
    if kind == "shared":
        place.statements = GitStatements(
            registry,
            place.statements.people,
            registry.clock,
            address=str(folder / "shared.git"),
            branch="modeldeck",
            clone=folder / "clone.git",
        )
    return place.of("ana")


async def say(folder: Path, kind: str, last: int) -> None:
    """Ask for approval; the process ends before that statement of its writer."""
    session = session_at(folder, kind)
    plan = await plan_ask(session, "fraud/2", "champion", reason="because")
    database, seen = session.registry.registry, 0
    begin = database._open_writer

    def count(_: str) -> None:
        nonlocal seen
        seen += 1
        if seen == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def opened():
        connection = begin()
        connection.set_trace_callback(count)
        return connection

    database._open_writer = opened
    if database._writer is not None:
        database._writer.set_trace_callback(count)
    await apply_plan(session, plan)


def speak(kind: str) -> None:
    """A process for each line of a folder and a number, told how it ended."""
    for line in sys.stdin:
        folder, last = line.rsplit(" ", 1)
        child = os.fork()
        if not child:
            try:
                asyncio.run(say(Path(folder), kind, int(last)))
            except BaseException:  # noqa: BLE001 - whatever it was, it was no kill
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


@pytest.mark.real
@pytest.mark.parametrize("kind", ["alone", "shared"])
async def test_words_and_their_event_are_there_or_neither(made, tmp_path, kind):
    speaker = piped(SPEAKER, kind)
    counts, ended = set(), None
    for last in range(1, 300):
        folder = Path(shutil.copytree(made, tmp_path / f"copy{last}"))
        repository(folder)
        speaker.stdin.write(f"{folder} {last}\n")
        speaker.stdin.flush()
        ended = int(speaker.stdout.readline())
        assert ended in (0, -signal.SIGKILL), last
        session = session_at(folder, kind)
        said = await session.statements.statements([REQUEST])
        events = [
            event
            for event in (await session.registry.events(None, (), 5)).first
            if event.action == "approval.ask"
        ]
        assert [event.evidence["statement"] for event in events] == [one.id for one in said], last
        assert all(one.valid for one in said)
        assert session.registry.registry.read_now(verify) is None
        counts.add(len(said))
        if kind == "shared" and said:
            # What a kill kept from being sent is sent by the next sync.
            sync = await session.statements.sync()
            assert (sync.waiting, sync.trouble) == (0, "")
            names = git("ls-tree", "-r", "--name-only", "modeldeck", cwd=folder / "shared.git")
            assert said[0].id.removeprefix("sha256:") in names
        await session.statements.close()
        await session.registry.close()
        if ended == 0:
            break
    speaker.stdin.close()
    speaker.stdout.close()
    assert speaker.wait() == 0
    assert ended == 0, "at last it was not killed"
    assert counts == {0, 1}
    assert last > 8, "there are so many statements at least"
