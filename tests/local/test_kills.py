"""kill -9 at any moment: what was acknowledged is there, what was not is whole or not at all."""

from __future__ import annotations

import random

import pytest

from modeldeck.backends.local import open_registry
from modeldeck.backends.local.checkup import Weight, check
from modeldeck.backends.local.trail import verify

from .records import ORIGIN, fresh, model_record, piped

WRITER = """
import asyncio, sys
from array import array
from pathlib import Path
from modeldeck.backends.api.ingest import Batch
from modeldeck.backends.api.plan import Change
from modeldeck.backends.api.runs import Points, Status
from modeldeck.backends.local import create_registry
from modeldeck.backends.local import database
from tests.local.records import ME, NOW, plan, record

database.CHECKPOINT_BYTES = 1 << 16

async def main(folder, life):
    backend = create_registry(Path(folder), clock=lambda: NOW)
    print("open", flush=True)
    run = f"run{life}"
    await backend.begin_run(record(run, status=Status.RUNNING), ME, "here")
    found = await backend.aliases("fraud")
    at = found[0].version if found else None
    step = 0
    while True:
        values = array("d", [step + k / 10 for k in range(10)])
        steps = array("q", range(step, step + 10))
        points = Points(steps, array("q", range(10)), values)
        step += 10
        await backend.log(
            run,
            Batch(points={"loss": points}, params={f"p{step}": "x"},
                  positions={"metrics.jsonl": step}),
            last=step % 700 == 0,
        )
        print("points", run, step, flush=True)
        to = 1 if at != 1 else 2
        await backend.apply(plan(Change("models/fraud@champion", "version", at, to)), ME, "here")
        at = to
        print("alias", at, flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def lives(folder, count, seed):
    chance = random.Random(seed)
    backend = fresh(folder)
    await backend.take(ORIGIN, "test", models=[model_record()])
    await backend.close()
    logged: dict[str, int] = {}
    for life in range(count):
        writer = piped(WRITER, str(folder), str(life))
        alias = None
        # Killed after as many lines as chance says, wherever it is by then.
        for _ in range(chance.randrange(1, 60)):
            words = writer.stdout.readline().split()
            if words[0] == "points":
                logged[words[1]] = int(words[2])
            elif words[0] == "alias":
                alias = int(words[1])
        writer.kill()
        for line in writer.communicate()[0].splitlines(keepends=True):
            words = line.split() if line.endswith("\n") else [""]
            if words[0] == "points":
                logged[words[1]] = int(words[2])
            elif words[0] == "alias":
                alias = int(words[1])
        backend = open_registry(folder)
        for database in (backend.registry, backend.telemetry):
            assert database.read_now(integrity) == "ok"
        assert backend.registry.read_now(verify) is None
        for run, steps in logged.items():
            positions = await backend.positions(run)
            read = positions["metrics.jsonl"]
            assert read >= steps
            found = await backend.points(run, "loss")
            assert list(found.steps) == list(range(read)), "as far as the position says, once each"
            params = (await backend.run(run)).params
            assert {f"p{n}" for n in range(10, read + 1, 10)} <= set(params)
        events = await backend.events(first=1)
        last = events.first[0]
        if alias is not None:
            [now] = await backend.aliases("fraud")
            assert last.after == {"version": now.version}
            assert now.version in (alias, 3 - alias)
        await backend.close()
    bad = [one for one in check(backend.layout) if one.weight == Weight.BAD]
    assert bad == []


def integrity(connection):
    return connection.execute("PRAGMA integrity_check").fetchone()[0]


@pytest.mark.real
async def test_a_few_kills_lose_nothing(tmp_path):
    await lives(tmp_path, 4, seed=1)


@pytest.mark.real
@pytest.mark.slow
async def test_fifty_kills_lose_nothing(tmp_path):
    await lives(tmp_path, 50, seed=2)
