"""Aliases: listing, pointing one at a version by compare-and-set, removing one."""

import re
from typing import Any

from modeldeck.backends.api.address import alias as address
from modeldeck.backends.api.address import version as version_address
from modeldeck.backends.api.errors import ConflictError, NotFoundError, RefusedError, UsageError
from modeldeck.backends.api.evaluate import Getter
from modeldeck.backends.api.lists import ListWindow, Window
from modeldeck.backends.api.models import Alias
from modeldeck.backends.api.order import arranged
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.query import Attribute, Field, Vocabulary

from .gated import PROMOTE, ROLLBACK, SET, with_gates
from .plans import expected, inverse_of, make_plan
from .session import Session
from .versions import number_of
from .words import filter_of, sort_of

ALIASES = Vocabulary(
    "aliases",
    {
        "model": Attribute("text"),
        "alias": Attribute("text", ("name",)),
        "version": Attribute("number"),
        "moved": Attribute("time", ("moved_at",)),
    },
)
LONGEST = 255
ANY = -1
"""As `expect`: whatever the plan finds."""
_LIKE_A_VERSION = re.compile(r"v?\d+", re.IGNORECASE)


async def list_aliases(
    session: Session, model: str | None = None, *, where: str = "", sort: str = ""
) -> Window[Alias]:
    """The aliases of one model or of all, by model and name unless sorted otherwise."""
    found = await session.registry.aliases(model)
    if model is not None and not found:
        await session.registry.model(model)
    rows = arranged(found, _fields, filter_of(session, where, ALIASES), sort_of(sort, ALIASES))
    return ListWindow(rows, [f"{row.model}@{row.alias}" for row in rows])


def _fields(item: Alias) -> Getter:
    values: dict[str, Any] = {
        "model": item.model,
        "alias": item.alias,
        "version": float(item.version),
        "moved": item.moved_at,
    }

    def get(field: Field) -> Any:
        return values.get(field.name)

    return get


def check_name(alias: str) -> None:
    """Raise UsageError for what cannot be an alias.

    `latest` and names such as `v3` would be read as versions, here and by MLflow.
    """
    wrong = ""
    if not alias:
        wrong = "an alias needs a name"
    elif len(alias) > LONGEST:
        wrong = f"an alias has at most {LONGEST} characters, this one {len(alias)}"
    elif not alias.isprintable() or alias != alias.strip():
        wrong = f"{alias!r} cannot be an alias: it has characters that are not seen"
    elif bad := [char for char in "/@" if char in alias]:
        wrong = f"{alias!r} cannot be an alias: {bad[0]} separates it from its model"
    elif alias.lower() == "latest" or _LIKE_A_VERSION.fullmatch(alias):
        wrong = f"{alias!r} cannot be an alias: it reads as a version"
    if wrong:
        raise UsageError(wrong, way_out="Take a word, such as champion")


async def plan_set(
    session: Session,
    model: str,
    alias: str,
    number: int,
    *,
    expect: int | None = ANY,
    reason: str = "",
    ticket: str = "",
    kind: str = SET,
    glass: str = "",
) -> Plan:
    """Point an alias at a version. `expect`: where it must point now; None is nowhere.

    `kind` is what that is: set, promote or rollback; `glass` the ticket that a rollback breaks it
    with.
    """
    check_name(alias)
    found = await session.registry.model(model)
    version = await session.registry.version(model, number)
    for what, gone in ((f"model {model!r}", found), (f"version {model}/{number}", version)):
        if gone.deleted_at is not None:
            raise RefusedError(
                "is deleted", where=what, way_out="Restore it first, or name another version"
            )
    before = _seen(found.aliases.get(alias), expect, model, alias)
    subject = address(model, alias)
    changes = [
        Change(subject, "version", before, number),
        expected(version_address(model, number), "deleted", None),
    ]
    effects = [f"{model}@{alias} was {_words(before)}; who reads it gets {number} from now on"]
    others = [name for name in version.aliases if name != alias]
    if others:
        effects.append(f"version {number} is also {', '.join(others)}")
    if version.unsafe:
        effects.append(f"version {number} could run foreign code when loaded: {version.unsafe[0]}")
    untouched = [f"{model}@{name} stays at {at}" for name, at in found.aliases.items()]
    told: dict[str, Any] = {"model": model, "alias": alias, "version": number, "expect": before}
    told |= {"digest": version.digest} if version.digest else {}
    told |= {"as": kind} if kind != SET else {}
    told |= {"glass": glass} if glass else {}
    plan = make_plan(
        session,
        "alias.set",
        told,
        changes,
        command=_command(kind, model, alias, number, before, glass),
        effects=effects if before != number else [],
        untouched=[text for text in untouched if not text.startswith(f"{model}@{alias} ")],
        inverse=inverse_of(changes, "alias.rm" if before is None else "alias.set"),
        reason=reason,
        ticket=ticket,
    )
    return await with_gates(session, plan)


def _command(
    kind: str, model: str, alias: str, number: int, before: int | None, glass: str
) -> list[str]:
    words = ["alias", "set", model, alias]
    if kind in (PROMOTE, ROLLBACK):
        words = [kind, f"{model}@{alias}"]
    words = [
        "modeldeck",
        *words,
        str(number),
        "--expect",
        "none" if before is None else str(before),
    ]
    return [*words, "--break-glass", glass] if glass else words


async def plan_remove(
    session: Session,
    model: str,
    alias: str,
    *,
    expect: int | None = ANY,
    reason: str = "",
    ticket: str = "",
) -> Plan:
    """Remove an alias; NotFoundError when it is not set."""
    found = await session.registry.model(model)
    if alias not in found.aliases and expect == ANY:
        known = ", ".join(found.aliases)
        raise NotFoundError(
            f"model {model!r} has no alias {alias!r}", way_out=f"It has {known}" if known else ""
        )
    before = _seen(found.aliases.get(alias), expect, model, alias)
    changes = [Change(address(model, alias), "version", before, None)]
    plan = make_plan(
        session,
        "alias.rm",
        {"model": model, "alias": alias, "expect": before},
        changes,
        command=["modeldeck", "alias", "rm", model, alias, "--expect", str(before or "none")],
        effects=[f"{model}@{alias} was {_words(before)}; who reads it finds nothing from now on"],
        untouched=[f"version {before} stays"] if before is not None else [],
        inverse=inverse_of(changes, "alias.set"),
        reason=reason,
        ticket=ticket,
    )
    return await with_gates(session, plan)


def _seen(now: int | None, expect: int | None, model: str, alias: str) -> int | None:
    if expect not in (ANY, now):
        raise ConflictError(
            f"it is {_words(now)} now, {_words(expect)} was expected",
            where=f"{model}@{alias}",
            way_out="Look at what changed, then plan again",
        )
    return now


def _words(number: int | None) -> str:
    return "not set" if number is None else f"version {number}"


def version_number(text: str) -> int:
    """The number of `13` or `v13`."""
    found = number_of(text)
    if not found:
        raise UsageError(f"{text!r} is no version", way_out="A version is a number, such as 13")
    return found


def expectation(text: str | None) -> int | None:
    """The `expect` that a person wrote: a version, `none` for not set, nothing for any."""
    if text is None:
        return ANY
    return None if text.lower() == "none" else version_number(text)
