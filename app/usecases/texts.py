"""Texts that people write: the card of a version, notes."""

from modeldeck.backends.api.address import run as run_address
from modeldeck.backends.api.address import version as address
from modeldeck.backends.api.plan import Change, Plan
from modeldeck.backends.api.text import exact

from .locks import refuse_locked
from .plans import inverse_of, make_plan
from .runs import find_run
from .session import Session

CARD = """\
# {model} {version}

## Intended use

## Data

## Metrics

## Limitations

## Owners
"""


def card_template(model: str, version: int) -> str:
    """What an empty card is begun from."""
    return CARD.format(model=model, version=version)


async def plan_card(
    session: Session, model: str, version: int, text: str, *, seen: str | None = None
) -> Plan:
    """Give a version another card. `seen` is the card that the writer began from."""
    found = await session.registry.version(model, version)
    refuse_locked(found)
    other = seen is not None and seen != found.card
    effects = ["the card was changed meanwhile: what was written there goes"] if other else []
    changes = [Change(address(model, version), "card", found.card, exact(text))]
    return make_plan(
        session,
        "version.card",
        {"model": model, "version": version},
        changes,
        command=(),
        effects=effects,
        untouched=["the version's content is immutable"],
        inverse=inverse_of(changes, "version.card"),
    )


async def plan_note(session: Session, ref: str, text: str) -> Plan:
    """Give a run another note."""
    run = await find_run(session, ref)
    changes = [Change(run_address(run.id), "note", run.note, exact(text))]
    return make_plan(
        session,
        "run.note",
        {"run": run.id},
        changes,
        command=(),
        inverse=inverse_of(changes, "run.note"),
    )
