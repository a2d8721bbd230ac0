"""A registry in which everything that can have a name has a hostile one, and words that are signed.

One noun a name: what is wrong with one of them is seen in one row.
"""

import asyncio
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from modeldeck.app.config.policy import Gate
from modeldeck.app.usecases.aliases import plan_set
from modeldeck.app.usecases.approving import plan_approve, plan_ask, plan_refuse
from modeldeck.app.usecases.plans import apply_plan, make_plan
from modeldeck.app.usecases.session import Session
from modeldeck.app.usecases.shelf import plan_shelf
from modeldeck.backends.api import address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.ingest import ModelRecord
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.plan import Change, PolicyRef
from modeldeck.backends.api.runs import (
    Dataset,
    Evaluation,
    Git,
    Lock,
    Metric,
    Package,
    Run,
    Status,
)
from modeldeck.backends.local.opening import open_registry
from tests.console.dump import NOW
from tests.console.samples import build, run
from tests.hostile.strings import ESCAPES, MARKUP, NAMES, PATHS
from tests.usecases.people import Place, policy_of
from tests.usecases.project import add_run, points

WORST = ESCAPES[0] + MARKUP[0] + "\u202e\x9b5;31m" + MARKUP[4]
"""As much as fits into one name."""
LINES = "\n".join((*ESCAPES, *MARKUP))
RUN = "ab" * 16
STORED = tuple(name for name in NAMES if "\ud800" not in name)
"""Half of a character is refused where it would be stored, and replaced where it is read."""


def ids(at: int) -> str:
    """An id that nobody else has."""
    return f"{at + 1:032x}"


def _runs() -> list[Any]:
    return [
        run(
            at + 1,
            name,
            experiment=str(at),
            id=ids(at),
            tags={f"t{name}": name, "password": "hunter2"},
            params={f"p{name}": name, "api_key": "hunter2"},
            metrics={f"m{name}": float(at)},
            reason=name or None,
            user=name,
            git=name,
            note=name,
            status=Status.FAILED if at % 2 else Status.FINISHED,
        )
        for at, name in enumerate(STORED)
    ]


def _models() -> list[ModelRecord]:
    return [
        ModelRecord(
            model=Model(
                name=name,
                aliases={f"{name[:200]}{at}": 1, "challenger": 1},
                tags={name: name, "password": "hunter2"},
                note=LINES,
                created_at=NOW,
            ),
            versions=[_version(name, 1)],
        )
        for at, name in enumerate(STORED)
    ]


def _version(name: str, number: int) -> Version:
    return Version(
        model=name,
        version=number,
        digest="sha256:" + "ab" * 32,
        size=999,
        format=name[:99],
        unsafe=[name],
        signature={"inputs": [{"name": name, "type": name}], "outputs": [{"type": name}]},
        user=name,
        note=name,
        card=f"# {name}\n\n{LINES}",
        source=name,
        status=name,
        stage=name,
        tags={name: name, "token": "hunter2"},
        run_id=ids(0),
        created_at=NOW,
    )


def _lock() -> Lock:
    return Lock(
        python=WORST,
        implementation=WORST,
        executable=WORST,
        packages=tuple(Package(f"{at}{name[:300]}", name, name) for at, name in enumerate(STORED)),
        system=WORST,
        machine=WORST,
        cpu=WORST,
        gpus=(WORST,),
        cuda=WORST,
        git=Git(commit=WORST, branch=WORST, remote=WORST, dirty=True, diff=LINES),
    )


async def _one_with_everything(registry: Any) -> None:
    paths = ("output.log", "card.md", "t.csv", "x.json", *PATHS)
    kept = [
        registry.keep(io.BytesIO(f"{LINES}\n{at}".encode()), path) for at, path in enumerate(paths)
    ]
    named = [Dataset(name=n, digest=n, source=n, context=n, labels={n[:99]: n}) for n in STORED]
    measured = [Evaluation(metric=n, value=1.0, dataset=n, slice=n) for n in STORED]
    await add_run(
        registry,
        Run(
            id=RUN,
            name=WORST,
            experiment=WORST,
            status=Status.FAILED,
            started_at=NOW - timedelta(hours=1),
            ended_at=NOW,
            reason=WORST,
            user=WORST,
            git=WORST,
            note=LINES,
        ),
        points={name: points([1.0, 2.0]) for name in STORED},
        params=dict(zip(STORED, STORED, strict=True)),
        tags=dict(zip(STORED, STORED, strict=True)),
        datasets=named,
        evaluations=measured,
        artifacts=kept,
        lock=_lock(),
    )


async def _registered(session: Session) -> None:
    """A version with files and reasons, as a plan makes one; then its alias moves."""
    registry: Any = session.registry
    files = [registry.keep(io.BytesIO(path.encode()), path) for path in PATHS]
    content = {
        "digest": files[0].digest,
        "size": files[0].size,
        "format": WORST,
        "unsafe": [WORST],
        "user": WORST,
        "card": LINES,
        "tags": {WORST: WORST},
        "run_id": RUN,
        "files": [msgspec.to_builtins(file) for file in files],
    }
    change = Change(address.version(WORST, 1), "content", None, content)
    plan = make_plan(session, "version.register", {}, [change], command=["modeldeck", WORST])
    await apply_plan(session, replace(plan, reason=WORST, ticket=WORST))
    plan = await plan_set(session, WORST, "[x]$y", 1, reason=WORST, ticket=WORST)
    await apply_plan(session, plan)


async def _decisions(place: Place) -> None:
    ana, rev1, rev2 = (place.of(who, context="lab") for who in ("ana", "rev1", "rev2"))
    for name in (WORST, *STORED[:12]):
        plan = await plan_ask(ana, f"{name}/1", "champion", reason=name, ticket=name)
        await apply_plan(ana, plan)
        place.now += timedelta(seconds=1)
    for who, say, name in ((rev1, plan_approve, STORED[0]), (rev2, plan_refuse, STORED[1])):
        await apply_plan(who, await say(who, f"{name}/1", reason=WORST))
        place.now += timedelta(seconds=1)
    gone = [ids(at) for at in range(1, 9)]
    plan = await plan_shelf(ana, "run", gone, delete=True, reason=WORST)
    await apply_plan(ana, plan)


def place_of(path: Path) -> Place:
    """The registry with a policy of which each word is hostile."""
    place = Place(open_registry(path))
    place.now = NOW
    gate = Gate(
        targets=("*@champion",),
        rules=(
            {"kind": "metric", "metric": WORST, "at_least": 0.9},
            {"kind": "card", "fields": [WORST]},
            {"kind": "approvals", "count": 2, "days": 14},
            {"kind": WORST},
        ),
    )
    source = PolicyRef(
        place=WORST, ref=WORST, commit=WORST, digest="sha256:" + "ab" * 32, notes=(WORST,)
    )
    place.policy = replace(policy_of(), gates={WORST: gate}, source=source)
    return place


def make(folder: Path) -> Path:
    """All of it in `folder`; gives the registry's path."""
    names = {str(at): f"{name} {at}" for at, name in enumerate(STORED)}
    path = build(folder, _runs(), _models(), names)

    async def work() -> None:
        place = place_of(path)
        try:
            await _one_with_everything(place.registry)
            await _registered(place.of("root", context="lab"))
            place.now = NOW - timedelta(minutes=30)
            await _decisions(place)
        finally:
            await place.registry.close()

    asyncio.run(work())
    return path


def lookalikes(folder: Path, names: Any) -> Path:
    """A registry with an experiment, a run and a model of each name."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = [run(at + 1, name, experiment=str(at), id=ids(at)) for at, name in enumerate(names)]
    models = [ModelRecord(model=Model(name=name, created_at=NOW)) for name in dict.fromkeys(names)]
    return build(folder, runs, models, {str(at): name for at, name in enumerate(names)})


def everywhere(folder: Path, names: Any) -> Path:
    """A registry in which each name is that of a run, a model, an alias, and of what they have.

    Run `RUN` has something of each name; every model is there again, deleted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    runs, models = [], []
    for at, name in enumerate(names):
        more = {"experiment": str(at), "tags": {"t": name}, "reason": name, "user": name}
        runs.append(run(at + 1, name, id=ids(at), **more))
        model = Model(name=name, created_at=NOW, aliases={name: 1}, note=name)
        gone = Model(name=f"{name} gone", created_at=NOW, deleted_at=NOW)
        models += [ModelRecord(model=model, versions=[_version(name, 1)]), ModelRecord(model=gone)]
    all_ = dict(zip(names, names, strict=True))
    whole = run(0, "whole", id=RUN, experiment="0", params=all_, tags=all_)
    whole = replace(
        whole,
        datasets=[Dataset(name=n, digest=n, source=n, context=n, labels={n: n}) for n in names],
        evaluations=[Evaluation(metric=n, value=1.0, dataset=n, slice=n) for n in names],
        artifacts=[Artifact(path=n, size=1) for n in names],
        latest={n: Metric(1.0, 1, NOW) for n in names},
    )
    return build(folder, [whole, *runs], models, {str(at): n for at, n in enumerate(names)})


__all__ = ["RUN", "STORED", "WORST", "everywhere", "ids", "lookalikes", "make", "place_of"]
