"""Plans kept in files: made here, applied later or elsewhere, by whoever may.

A file holds the plan as canonical JSON, its digest, and which registry it is for. That keeps a plan
from being changed by accident and from being applied to something else. It is no signature: what
lets a change through is asked again when it is applied.
"""

import contextlib
import os
import re
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from modeldeck.backends.api.errors import DamagedError, NotFoundError, RefusedError, UsageError
from modeldeck.backends.api.plan import Plan
from modeldeck.backends.api.query import Field, Sort
from modeldeck.backends.api.times import rfc3339

from .session import Session

FORMAT = 1
LIVES = timedelta(days=1)
"""How long a saved plan can be applied, unless told otherwise."""
MOST = timedelta(days=30)
LARGEST = 64 << 20
STDOUT = "-"
_SPAN = re.compile(r"([0-9]{1,4})([mhd])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class Saved(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan in a file. `registry` is what it is for, see `registry_id`."""

    modeldeck_plan: int
    registry: str
    digest: str
    plan: Plan


def span_of(text: str) -> timedelta:
    """`30m`, `12h`, `7d`; UsageError for anything else, and for more than 30 days."""
    found = _SPAN.fullmatch(text.strip())
    span = int(found[1]) * _UNITS[found[2]] if found else timedelta()
    if not timedelta() < span <= MOST:
        raise UsageError(
            f"{text!r} is no time that a plan can live",
            way_out=f"Give it as 30m, 12h or 7d, at most {MOST.days}d",
        )
    return span


async def registry_id(session: Session) -> str:
    """What tells registries apart: a server's address, else the first link of the trail.

    A registry keeps its trail when it is moved, copied or restored; before its first event it is
    told by its place.
    """
    registry = session.registry
    if session.remote:
        return registry.place
    window = await registry.events(None, (Sort(Field("seq")),), 1)
    return f"trail:{window.first[0].link}" if window.first else f"place:{registry.place}"


async def save_plan(
    session: Session,
    plan: Plan,
    target: str,
    lives: timedelta = LIVES,
    *,
    replace: bool = False,
) -> Plan:
    """Write `plan` to a file that only its owner can read, `-` is stdout; gives it as it is saved.

    RefusedError where something is there already, unless it is to be replaced.
    """
    plan = living(plan, lives)
    saved = Saved(
        modeldeck_plan=FORMAT, registry=await registry_id(session), digest=plan.digest, plan=plan
    )
    data = msgspec.json.encode(saved, order="sorted") + b"\n"
    if target == STDOUT:
        sys.stdout.write(data.decode())
        return plan
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
    if replace:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(target)  # noqa: PTH108
    try:
        handle = os.open(target, flags, 0o600)
    except FileExistsError:
        raise RefusedError("is there already", where=target, way_out="Name another file") from None
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return plan


def living(plan: Plan, lives: timedelta = LIVES) -> Plan:
    """The plan as it is saved: it lives longer than one that is looked at."""
    return msgspec.structs.replace(plan, lapses_at=plan.created_at + lives)


def read_plan(place: str) -> Saved:
    """The plan in a file, `-` is stdin. DamagedError where it is none, or was edited."""
    saved = _decoded(_bytes_of(place), place)
    if saved.modeldeck_plan != FORMAT:
        raise DamagedError(
            f"is a plan of format {saved.modeldeck_plan}, this modeldeck reads {FORMAT}",
            where=place,
            way_out="Make it again",
        )
    plan = saved.plan
    if plan.digest != saved.digest:
        raise DamagedError(
            f"was edited since it was saved: its digest is {plan.digest[:19]}, it says"
            f" {saved.digest[:19]}",
            where=place,
            way_out="Make the plan again; an edited one is not applied",
        )
    if plan.agreed or plan.lapses_at - plan.created_at > MOST:
        raise DamagedError("is no plan that modeldeck saved", where=place, way_out="Make it again")
    return saved


def _bytes_of(place: str) -> bytes:
    if place == STDOUT:
        return sys.stdin.buffer.read(LARGEST)
    path = Path(place)
    try:
        if path.stat().st_size > LARGEST:
            raise DamagedError("is too large for a plan", where=place)
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError(
            "there is no such file", where=place, way_out="Check the path"
        ) from None


def _decoded(data: bytes, place: str) -> Saved:
    try:
        return msgspec.json.decode(data, type=Saved)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedError(
            f"is no saved plan: {error}", where=place, way_out="`--save FILE` writes one"
        ) from None


async def check_place(session: Session, saved: Saved) -> Plan:
    """The plan for this session. RefusedError where it was made for another registry."""
    here = await registry_id(session)
    if here != saved.registry:
        raise RefusedError(
            f"the plan is for {saved.registry}, this is {here}",
            where=saved.plan.context,
            way_out="Open the plan's own registry with --context or --registry",
        )
    # The same registry may go by another name here.
    return msgspec.structs.replace(saved.plan, context=session.context)


def saved_words(plan: Plan, target: str) -> str:
    """What to say of a plan that was saved."""
    place = "stdout" if target == STDOUT else target
    return f"saved plan {plan.id} to {place}; it can be applied until {rfc3339(plan.lapses_at)}"
