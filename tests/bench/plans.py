"""Planning and making a change of 1,000 versions, beside reading the same rows once."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .harness import Cost, cost, paired
from .place import Bench
from .remote import served
from .report import SECONDS, AtMost, Entry, Line, Missing
from .search import store, there

COUNT = 1000
LIMIT = 2.0
_BESIDE = "the same versions listed once"
_ON_SERVER = f"a server: plan to tag {COUNT:,} versions by name"


def measure(bench: Bench) -> Iterator[Entry]:
    """Named one by one, as a person's script would; the registry is new."""
    folder = Path(tempfile.mkdtemp(prefix="plans-", dir=bench.cache))
    try:
        yield from _local(folder, rounds=bench.rounds(9))
    finally:
        shutil.rmtree(folder)
    if there():
        yield Missing(_ON_SERVER, there())
        return
    with served(store(bench, "mlflow-100", "--runs", "100")) as url:
        yield from _server(bench, url)


def _local(folder: Path, *, rounds: int) -> Iterator[Entry]:
    from modeldeck.app.usecases.bulk import plan_bulk
    from modeldeck.app.usecases.models import list_versions
    from modeldeck.app.usecases.plans import apply_plan
    from modeldeck.app.usecases.session import Session
    from modeldeck.app.usecases.shelf import plan_shelf
    from modeldeck.backends.api.events import Actor
    from modeldeck.backends.api.plan import LIFETIME, Change, Plan
    from modeldeck.backends.local import create_registry

    backend = create_registry(folder)
    actor = Actor(user="bench", host="bench")
    session = Session(context="bench", registry=backend, actor=actor)
    refs = [f"many/{number}" for number in range(1, COUNT + 1)]
    with asyncio.Runner() as runner:
        now = datetime.now(UTC)
        made = [
            Change(f"models/{ref}", "content", None, {"digest": f"sha256:{ref}", "format": "onnx"})
            for ref in refs
        ]
        first = Plan(
            operation="version.register",
            arguments={},
            context="bench",
            changes=tuple(made),
            created_at=now,
            lapses_at=now + LIFETIME,
        )
        runner.run(backend.apply(first, actor, "bench"))

        def list_them() -> Cost:
            return cost(lambda: runner.run(list_versions(session, "many")))

        def by_name() -> Cost:
            return cost(lambda: runner.run(plan_shelf(session, "version", refs, delete=True)))

        def by_filter() -> Cost:
            work = plan_bulk
            return cost(lambda: runner.run(work(session, "version", "rm", where="*", of=["many"])))

        def there_and_back() -> Cost:
            # Each deletes and restores all: what is timed is two plans made and applied.
            async def both() -> None:
                for delete in (True, False):
                    plan = await plan_shelf(session, "version", refs, delete=delete)
                    await apply_plan(session, plan)

            found = cost(lambda: runner.run(both()))
            return Cost(found.wall / 2, found.cpu / 2)

        for what, work, limit in (
            (f"plan to delete {COUNT:,} versions by name", by_name, AtMost(LIMIT)),
            (f"plan to delete {COUNT:,} versions by filter", by_filter, AtMost(LIMIT)),
            (f"plan and make it, {COUNT:,} events in one transaction", there_and_back, None),
        ):
            pair = paired(work, list_them, rounds)
            mine, others = pair.wall()
            yield Line(what, SECONDS, mine, limit, others, _BESIDE)
        runner.run(backend.close())


def _server(bench: Bench, url: str) -> Iterator[Entry]:
    from modeldeck.app.usecases.models import list_versions
    from modeldeck.app.usecases.session import Session
    from modeldeck.app.usecases.shelf import plan_tags
    from modeldeck.backends.api.connect import Connection
    from modeldeck.backends.api.events import Actor
    from modeldeck.backends.journal import Journaled
    from modeldeck.backends.local import create_registry
    from modeldeck.backends.mlflow.backend import MlflowServer

    def clock() -> datetime:
        return datetime.now(UTC)

    server = MlflowServer(Connection(context="bench", url=url))
    records = create_registry(bench.home / "records")
    registry = Journaled(server, records, tool="", clock=clock, context="bench")
    session = Session(context="bench", registry=registry, actor=Actor(user="bench", host="bench"))
    refs = [f"many/{number}" for number in range(1, COUNT + 1)]
    with asyncio.Runner() as runner:
        runner.run(_make_versions(server))

        def list_them() -> Cost:
            server.forget()
            return cost(lambda: runner.run(list_versions(session, "many")))

        def by_name() -> Cost:
            server.forget()
            return cost(lambda: runner.run(plan_tags(session, "version", refs, {"seen": "1"})))

        pair = paired(by_name, list_them, bench.rounds(9))
        mine, others = pair.wall()
        yield Line(_ON_SERVER, SECONDS, mine, AtMost(LIMIT), others, _BESIDE)
        runner.run(registry.close())


async def _make_versions(server: Any) -> None:
    await server.client.send("POST", "registered-models/create", {"name": "many"}, dict)
    # One after the other: the server numbers them by what is there.
    for _ in range(COUNT):
        body = {"name": "many", "source": "s3://bucket/model"}
        await server.client.send("POST", "model-versions/create", body, dict)
