"""Named points of applying a plan at which a process ends as a power cut ends it.

    python -m tests.usecases.failpoints KIND FOLDER...

does one apply in a process of its own for each folder, which is named after its point, and prints
how that process ended. A point lies before or after a function that is wrapped here: the program
itself knows nothing of them.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from modeldeck.app.usecases.aliases import plan_set
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.app.usecases.session import Session
from modeldeck.backends.local import open_registry
from tests.journal.scripted import Clock, Filed, journaled
from tests.usecases.gated import with_rules
from tests.usecases.people import Place
from tests.usecases.project import ACTOR

_USECASES = {
    "plan checked": ("modeldeck.app.usecases.plans", "check_plan"),
    "role checked": ("modeldeck.app.usecases.plans", "check_role"),
    "gates asked": ("modeldeck.app.usecases.gated", "stand_again"),
    "followed up": ("modeldeck.app.usecases.afterwards", "follow_up"),
}
LOCAL = {
    **_USECASES,
    "rules asked": ("modeldeck.app.usecases.gates.check", "check_gate"),
    "shared": ("modeldeck.app.usecases.sharing", "publish"),
    "applied": ("modeldeck.backends.local.backend:LocalBackend", "apply"),
    "transaction": ("modeldeck.backends.local.database:Database", "write_now"),
    "changes": ("modeldeck.backends.local.changes", "apply"),
    "compared": ("modeldeck.backends.local.changes", "read_field"),
    "written": ("modeldeck.backends.local.changes", "write_field"),
    "aliases checked": ("modeldeck.backends.local.changes", "_check_aliases"),
    "event": ("modeldeck.backends.local.changes", "write"),
    "event indexed": ("modeldeck.backends.local.trail", "_index"),
    "event in its tree": ("modeldeck.backends.local.tree", "append"),
}
"""Steps of applying a plan to a registry here, and the functions that do them."""
REMOTE = {
    **_USECASES,
    "applied": ("modeldeck.backends.journal:Journaled", "apply"),
    "compared": ("modeldeck.backends.writer:Writer", "compare"),
    "made": ("modeldeck.backends.writer:Writer", "make"),
    "intended": ("modeldeck.backends.writer:Writer", "_intend"),
    "sent": ("tests.journal.scripted:Filed", "write_field"),
    "read back": ("modeldeck.backends.writer:Writer", "_read"),
    "verified": ("modeldeck.backends.writer:Writer", "_verify"),
    "outcome": ("modeldeck.backends.writer:Writer", "_end"),
}
"""The same for a server."""
FLOOR = {"kind": "metric", "metric": "auc", "at_least": 0.5}


def points(steps: dict[str, tuple[str, str]]) -> list[str]:
    """Their names: before and after each step."""
    return [f"{when} {name}" for name in steps for when in ("before", "after")]


def arm(steps: dict[str, tuple[str, str]], point: str) -> None:
    """Make this process end there."""
    when, _, name = point.partition(" ")
    place, attribute = steps[name]
    module, _, owner = place.partition(":")
    holder: Any = importlib.import_module(module)
    holder = getattr(holder, owner) if owner else holder
    setattr(holder, attribute, _ending(getattr(holder, attribute), when))


def _ending(work: Any, when: str) -> Any:
    def end(now: str) -> None:
        if now == when:
            os.kill(os.getpid(), signal.SIGKILL)

    if inspect.iscoroutinefunction(work):

        @functools.wraps(work)
        async def wrapped(*args: Any, **options: Any) -> Any:
            end("before")
            result = await work(*args, **options)
            end("after")
            return result
    else:

        @functools.wraps(work)
        def wrapped(*args: Any, **options: Any) -> Any:
            end("before")
            result = work(*args, **options)
            end("after")
            return result

    return wrapped


def local_session(folder: Path) -> Session:
    """Of somebody who may promote, under a gate, with statements to share."""
    place = Place(open_registry(folder))
    return with_rules(place.of("ana"), FLOOR)


def remote_session(folder: Path) -> Session:
    """On a server that outlives its process."""
    clock = Clock()
    registry = journaled(Filed(folder / "server.json"), folder, clock)
    return Session(context="here", registry=registry, actor=ACTOR, clock=clock)


async def move(session: Session, number: int) -> None:
    """Point fraud@champion at another version."""
    plan = await plan_set(session, "fraud", "champion", number, reason="r")
    await apply_plan(session, plan)
    await session.registry.close()


def main(kind: str, folders: list[str]) -> None:
    """One process a folder, made from this one, in which all is imported already."""
    steps, open_session, number = (
        (LOCAL, local_session, 3) if kind == "local" else (REMOTE, remote_session, 2)
    )
    for module, _ in steps.values():
        importlib.import_module(module.partition(":")[0])
    for folder in map(Path, folders):
        child = os.fork()
        if child == 0:

            async def work(folder: Path = folder) -> None:
                session = open_session(folder)
                plan = await plan_set(session, "fraud", "champion", number, reason="r")
                # Planning is no part of it.
                arm(steps, folder.name)
                await apply_plan(session, plan)
                await session.registry.close()

            try:
                asyncio.run(work())
            except Exception:  # noqa: BLE001 - whatever it was, it was no kill
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(folder.name, os.waitstatus_to_exitcode(status), sep="\t", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
