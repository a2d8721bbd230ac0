"""Words that a shell offers: cheap, silent on any error, and harmless on a command line."""

import asyncio
import os
import re
from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem
from msgspec.structs import replace

from modeldeck.app.config.contexts import ENV
from modeldeck.app.config.settings import read_settings
from modeldeck.app.nouns import DOORS
from modeldeck.app.workspace import find, open_session
from modeldeck.backends.api.lists import RunQuery
from modeldeck.backends.api.parse import parse_field
from modeldeck.backends.api.protocols import Registry
from modeldeck.backends.api.query import RUNS, Compare, Field, Or

from .wish import wish_of

MOST = 50
# Whatever is offered ends up on a command line unquoted.
_PLAIN = re.compile(r"-?[A-Za-z0-9_][A-Za-z0-9_.:+@%,/=-]*")


def candidates_of(context: click.Context, kind: str, begun: str) -> list[CompletionItem]:
    """What of that kind begins with `begun`; nothing when anything goes wrong."""
    try:
        words = asyncio.run(_words(context, kind, begun))
    except Exception:  # noqa: BLE001 - a shell waits, and nobody reads
        return []
    plain = (word for word in words if word.startswith(begun) and _PLAIN.fullmatch(word))
    return [CompletionItem(word) for word in list(dict.fromkeys(plain))[:MOST]]


async def _words(context: click.Context, kind: str, begun: str) -> Iterable[str]:
    if kind == "context":
        return _contexts()
    wish = replace(wish_of(context), readonly=True)
    if find(wish, Path.cwd()).kind != "registry":
        return []
    session = await open_session(wish)
    try:
        return await _found(session.registry, context, kind, begun)
    finally:
        await session.registry.close()


def _contexts() -> list[str]:
    named = [ENV] if os.environ.get("MLFLOW_TRACKING_URI") else []
    return [*read_settings().contexts, *named]


async def _found(
    registry: Registry, context: click.Context, kind: str, begun: str
) -> Iterable[str]:
    if kind == "run":
        return await _runs(registry, begun)
    if kind == "experiment":
        return [one.name for one in (await registry.experiments()).first]
    if kind == "model":
        return [one.name for one in (await registry.models()).first]
    if kind == "alias":
        model = context.params.get("model")
        return [one.alias for one in await registry.aliases(model)]
    if kind == "version":
        return await _versions(registry)
    if kind == "address":
        runs = [f"runs/{one}" for one in await _runs(registry, begun.removeprefix("runs/"))]
        models = [f"models/{one}" for one in await _versions(registry)]
        return ["experiments", *runs, "runs", "models", *models, "events", *DOORS]
    metrics = (await registry.run_keys(RunQuery())).metrics
    return metrics if kind == "metric" else _sorts(metrics, begun)


async def _runs(registry: Registry, begun: str) -> list[str]:
    begins = f"^{re.escape(begun)}"
    where = Or([Compare(Field("id"), "~", begins), Compare(Field("name"), "~", begins)])
    window = await registry.runs(RunQuery(where=where if begun else None), MOST)
    ids = [run.id for run in window.first if run.id.startswith(begun)]
    names = [run.name for run in window.first if run.name.startswith(begun)]
    return [*names, *ids] if begun else names


async def _versions(registry: Registry) -> list[str]:
    aliases = [f"{one.model}@{one.alias}" for one in await registry.aliases()]
    return [*aliases, *(f"{v.model}/{v.version}" for v in (await registry.versions()).first)]


def _sorts(metrics: Iterable[str], begun: str) -> list[str]:
    done, comma, _ = begun.rpartition(",")
    start = f"{done}{comma}"
    words = [*RUNS.attributes, *(f"metrics.{name}" for name in metrics if _parses(name))]
    return [f"{start}{sign}{word}" for word in words for sign in ("", "-")]


def _parses(name: str) -> bool:
    try:
        return parse_field(f"metrics.{name}", RUNS) == Field(name, "metrics")
    except Exception:  # noqa: BLE001
        return False
