"""What the parts of the contract share."""

from collections.abc import Sequence

import pytest

from ..api.errors import RefusedError
from ..api.events import Event
from ..api.plan import Change
from ..api.protocols import Registry
from .maker import CONTEXT, KEYS, ME, NAMES, TEXTS, plan

NEVER = "f0" * 16
"""An id that nothing has."""


class Suite:
    """What a backend can hold. An adapter of a server that holds less sets these narrower.

    `TEXTS` as values of parameters and tags and as notes, `NAMES` of models, `KEYS` of tags;
    whether an infinite metric stays one (`INFINITIES`); what has tags that can be changed and not
    removed (`STUCK`).
    """

    TEXTS: Sequence[str] = TEXTS
    NAMES: Sequence[str] = NAMES
    KEYS: Sequence[str] = KEYS
    INFINITIES = True
    STUCK: Sequence[str] = ()


async def change(registry: Registry, operation: str, *changes: Change) -> Sequence[Event] | None:
    """Apply it where it is supported; else see it refused with the reason, and give None."""
    reason = refusal(registry, operation, changes)
    if reason is None:
        return await registry.apply(plan(registry, operation, *changes), ME, CONTEXT)
    assert reason, f"{operation} is not supported and nobody says why"
    try:
        made = plan(registry, operation, *changes)
    except RefusedError:
        # There is not even a request for it.
        return None
    with pytest.raises(RefusedError) as caught:
        await registry.apply(made, ME, CONTEXT)
    assert reason in str(caught.value)
    return None


def refusal(registry: Registry, operation: str, changes: Sequence[Change]) -> str | None:
    """Why it is not supported; None when it is."""
    for subject in dict.fromkeys(["", *(one.subject for one in changes)]):
        answer = registry.availability(operation, subject)
        if not answer.supported:
            return answer.reason
    return None
