"""A client that plans, and applies when it is told to, spoken to by lines.

python -m tests.usecases.racing FOLDER [URL MODEL]

plan N   plans to point MODEL@champion at N       -> planned
go       applies it                               -> won SEQ, or lost KIND WORDS
look     looks at the alias as a screen does      -> sees N, and whether that is news
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from modeldeck.app.usecases.aliases import plan_set
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.app.usecases.session import Session, local_now
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.events import Actor
from modeldeck.backends.journal import Journaled
from modeldeck.backends.local import create_registry, open_registry
from tests.mlflow.reaching import reach


def open_session(folder: Path, url: str) -> Session:
    """On a registry here, or on a server with records of its own."""
    if not url:
        registry = open_registry(folder)
    else:
        server = reach(SimpleNamespace(url=url, user=None, password=""))
        records = create_registry(folder)
        registry = Journaled(server, records, tool="test", clock=local_now, context="race")
    actor = Actor(user=folder.name, host="race")
    return Session(context="race", registry=registry, actor=actor)


async def main(folder: Path, url: str = "", model: str = "fraud") -> None:
    """Answer each line until there are no more."""
    session = open_session(folder, url)
    plan = None
    while words := (await asyncio.to_thread(sys.stdin.readline)).split():
        if words[0] == "plan":
            plan = await plan_set(session, model, "champion", int(words[1]))
            print("planned", flush=True)
        elif words[0] == "go":
            assert plan is not None
            try:
                events = await apply_plan(session, plan)
                print("won", events[-1].seq, flush=True)
            except ModeldeckError as error:
                print("lost", type(error).__name__, error, flush=True)
        else:
            found = await session.registry.model(model)
            await session.registry.settled()
            last = (await session.registry.events(None, (), 1)).first[0]
            print("sees", found.aliases["champion"], last.phase, last.after["version"], flush=True)
    await session.registry.close()


def client(*arguments: object) -> subprocess.Popen[str]:
    """One in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.usecases.racing", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def tell(clients: list[subprocess.Popen[str]], *lines: str) -> list[list[str]]:
    """Tell each its line, all of them before any answer is read; gives the answers in words."""
    for one, text in zip(clients, lines, strict=True):
        one.stdin.write(f"{text}\n")
        one.stdin.flush()
    return [one.stdout.readline().split() for one in clients]


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
