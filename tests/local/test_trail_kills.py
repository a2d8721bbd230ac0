"""kill -9 before any statement of a change: all of it and of its event is there, or nothing."""

from __future__ import annotations

import shutil

import pytest

from modeldeck.backends.api.plan import Change

from .records import ME, ORIGIN, model_record, piped, plan
from .trails import ADA, PEOPLE, backend_at, happen, verify_signature

CHANGER = """
import asyncio, os, signal, sys
from pathlib import Path
from modeldeck.backends.api.plan import Change
from tests.local.records import ME, plan
from tests.local.trails import ADA, backend_at

async def change(folder, last):
    backend = backend_at(Path(folder), signer=ADA)
    begin, seen = backend.registry._open_writer, 0

    def count(_):
        nonlocal seen
        seen += 1
        if seen == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def opened():
        connection = begin()
        connection.set_trace_callback(count)
        return connection

    backend.registry._open_writer = opened
    await backend.apply(
        plan(Change("models/fraud@champion", "version", 1, 2), operation="alias.set"), ME, "here"
    )
    print("done", flush=True)

for line in sys.stdin:
    folder, last = line.rsplit(" ", 1)
    child = os.fork()
    if not child:
        asyncio.run(change(folder, int(last)))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print("ended", os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.mark.real
async def test_a_kill_before_any_statement_leaves_a_whole_trail(tmp_path):
    made = tmp_path / "made"
    backend = backend_at(made, signer=ADA)
    await backend.take(ORIGIN, "test", models=[model_record()])
    await happen(backend, 5)
    await backend.apply(
        plan(Change("models/fraud@champion", "version", None, 1), operation="alias.set"), ME, "here"
    )
    before = await backend.trail_size()
    await backend.close()
    changer = piped(CHANGER)
    killed, done = 0, False
    for last in range(1, 200):
        folder = shutil.copytree(made, tmp_path / f"copy{last}")
        changer.stdin.write(f"{folder} {last}\n")
        changer.stdin.flush()
        words = changer.stdout.readline().split()
        done = words == ["done"]
        if done:
            words = changer.stdout.readline().split()
        killed += words == ["ended", "-9"]
        again = backend_at(folder)
        found = await again.check_trail(people=PEOPLE, verify=verify_signature)
        assert found.holds, (last, found)
        [alias] = await again.aliases("fraud")
        sizes = [one.size for one in await again.checkpoints()]
        if done:
            assert (found.size, alias.version, sizes[-1]) == (before + 1, 2, before + 1)
        if found.size == before:
            assert (alias.version, sizes) == (1, [before])
        else:
            assert (found.size, alias.version, sizes) == (before + 1, 2, [before, before + 1])
        assert found.signed == found.size
        again.host_key = None
        await happen(again, 1)
        assert (await again.check_trail()).holds
        await again.close()
        if words == ["ended", "0"]:
            break
    changer.stdin.close()
    changer.stdout.close()
    assert changer.wait() == 0
    assert done, "at last it was not killed"
    assert killed > 10, "there are so many statements at least"
