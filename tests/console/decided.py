"""A registry with a policy, people and signed words, to be looked at.

`python -m tests.console.decided FOLDER WHO` opens the console on it as one of them.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from modeldeck.app.config.policy import Gate, Policy
from modeldeck.app.usecases.approving import plan_approve, plan_ask, plan_refuse
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.app.usecases.session import Session
from modeldeck.backends.local.opening import open_registry
from tests.console.dump import NOW
from tests.console.releases import HOSTILE, make
from tests.usecases.people import Place, policy_of

GATE = Gate(
    targets=("*@champion",),
    rules=(
        {"kind": "metric", "metric": "auc", "at_least": 0.9, "better_by": 0.002},
        {"kind": "card", "fields": ["Intended use", "Limitations"]},
        {"kind": "artifact"},
        {"kind": "approvals", "count": 2, "days": 14},
        {"kind": "vulnerabilities", "most": 0},
    ),
)


def policy(**changed: Any) -> Policy:
    """Everybody, and a gate of five rules before each champion."""
    from msgspec.structs import replace

    found = policy_of(**changed)
    directions = {"auc": "higher", "logloss": "lower"}
    return replace(found, gates={"production": GATE}, directions=directions)


def place_of(path: Path) -> Place:
    """The registry of that path at half past twelve."""
    place = Place(open_registry(path))
    place.now, place.policy = NOW, policy()
    return place


async def _do(place: Place, who: str, make_plan: Any, *args: Any, reason: str, **more: Any) -> None:
    session = place.of(who)
    await apply_plan(session, await make_plan(session, *args, reason=reason, **more))
    place.now += timedelta(minutes=1)


async def decide(place: Place) -> None:
    """fraud 3 is asked for and approved once, 1 is refused, the odd one is asked for."""
    place.now = NOW - timedelta(hours=5)
    because = "retrain week 48, auc +.0043"
    await _do(place, "ana", plan_ask, "fraud/3", "champion", reason=because, ticket="CHG0431")
    await _do(place, "rev1", plan_approve, "fraud/3", reason="read the report")
    await _do(place, "ana", plan_ask, "fraud/1", "candidate", reason="to compare")
    refused = "older than what is there"
    await _do(place, "rev2", plan_refuse, "fraud/1", reason=refused)
    await _do(place, "ana", plan_ask, f"{HOSTILE}/1", "champion", reason=HOSTILE)
    due = NOW - timedelta(hours=1)
    glass = "broke the glass: champion answers nothing"
    await _do(place, "ana", plan_ask, "fraud/2", "champion", reason=glass, ticket="INC-7", due=due)
    place.now = NOW


def made(folder: Path) -> Path:
    """Make all of it in `folder`; gives the registry's path."""
    path = make(folder)

    async def work() -> None:
        place = place_of(path)
        try:
            await decide(place)
        finally:
            await place.registry.close()

    asyncio.run(work())
    return path


def session_of(path: Path, who: str) -> Session:
    """The session of somebody there."""
    return place_of(path).of(who, context="lab")


if __name__ == "__main__":
    from modeldeck.app.config.settings import Settings
    from modeldeck.app.console.console import Console

    folder = Path(sys.argv[1])
    if not (folder / ".modeldeck").exists():
        folder.mkdir(parents=True, exist_ok=True)
        made(folder)
    Console(session_of(folder / ".modeldeck", sys.argv[2]), Settings(), *sys.argv[3:]).run()
