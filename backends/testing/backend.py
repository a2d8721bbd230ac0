"""What holds for a backend as a whole."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from ..api.errors import ModeldeckError, RefusedError
from ..api.lists import RunQuery
from ..api.plan import OPERATIONS
from ..api.protocols import Registry
from .suite import Suite

FIELDS = ("experiment.note", "model.note", "version.note")
"""Changes of fields that no plan of the program makes today."""
_LISTS: Mapping[str, Callable[[Registry], Awaitable[Any]]] = {
    "experiments": lambda registry: registry.experiments(),
    "runs": lambda registry: registry.runs(RunQuery()),
    "models": lambda registry: registry.models(),
    "versions": lambda registry: registry.versions(),
    "aliases": lambda registry: registry.aliases(),
    "events": lambda registry: registry.events(),
}


@pytest.mark.asyncio
class BackendContract(Suite):
    """It is whole, says what it cannot do, can be cancelled and closed."""

    async def test_it_is_a_registry(self, registry: Registry) -> None:
        assert isinstance(registry, Registry)
        assert registry.name
        assert registry.place

    async def test_what_is_not_supported_has_a_reason(self, registry: Registry) -> None:
        for operation in (*OPERATIONS, *FIELDS):
            answer = registry.availability(operation)
            assert answer.supported != bool(answer.reason), operation
            assert all(registry.caveats(operation)), operation

    @pytest.mark.parametrize("noun", _LISTS)
    async def test_a_list_is_given_or_refused(self, registry: Registry, noun: str) -> None:
        answer = registry.availability(f"{noun}.list")
        if answer.supported:
            await _LISTS[noun](registry)
            return
        assert answer.reason
        with pytest.raises(RefusedError) as caught:
            await _LISTS[noun](registry)
        assert answer.reason in str(caught.value)

    async def test_a_read_that_is_cancelled_leaves_it_usable(self, registry: Registry) -> None:
        for pauses in range(6):
            tasks = [asyncio.ensure_future(read(registry)) for read in _LISTS.values()]
            for _ in range(pauses):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    assert isinstance(outcome, asyncio.CancelledError | RefusedError), outcome
        for noun, read in _LISTS.items():
            if registry.availability(f"{noun}.list").supported:
                await read(registry)

    async def test_closing_it_again_harms_nothing(self, registry: Registry) -> None:
        await registry.models()
        await registry.close()
        await registry.close()
        for read in _LISTS.values():
            # An adapter may open itself anew for who asks later, or say that it was closed.
            with contextlib.suppress(ModeldeckError):
                await read(registry)
