"""Registered models of a server: all of them, their versions and aliases."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from ..api.ages import asked_at
from ..api.errors import NotFoundError
from ..api.models import Model, Version
from ..api.query import Compare, Expression, Field, In
from . import grammar, mapping, wire
from .client import Client
from .kept import Kept

MODELS_PAGE, VERSIONS_PAGE = 1000, 10_000
AGE = 2.0
"""Seconds for which the list of models is taken for what is there: one look at a screen."""


class Registered:
    """The models of one server, without the prompts that MLflow keeps among them."""

    def __init__(
        self, client: Client, log: mapping.Trouble, clock: Callable[[], datetime], *, keep: bool
    ) -> None:
        self._client = client
        self._clock = clock
        self._log = log
        self._age = AGE if keep else 0.0
        self._kept: Kept[Sequence[Model]] = Kept(1)

    def forget(self) -> None:
        """Ask the server the next time."""
        self._kept.clear()

    async def models(self) -> Sequence[Model]:
        """All models, by name."""
        found = self._kept.get("")
        if found is None:
            asked = asked_at(self._clock())
            items: dict[str, wire.Model] = {}
            pages = self._client.pages(
                "registered-models/search", wire.ModelsPage, max_results=MODELS_PAGE
            )
            async for page in pages:
                items |= {item.name: item for item in page.registered_models}
            nouns = [
                mapping.model_of(i, self._log) for i in items.values() if not mapping.is_prompt(i)
            ]
            found = sorted(nouns, key=lambda model: model.name)
            self._kept.put("", found, self._age, asked)
        return found

    async def model(self, name: str) -> Model:
        """The model of that name."""
        try:
            answer = await self._client.get("registered-models/get", wire.ModelAnswer, name=name)
        except NotFoundError as error:
            raise NotFoundError(
                f"no model {name!r}", way_out="`modeldeck models ls` lists them"
            ) from error
        if mapping.is_prompt(answer.registered_model):
            raise NotFoundError(f"{name!r} is a prompt, and no model")
        return mapping.model_of(answer.registered_model, self._log)

    async def versions(self, model: str | None, where: Expression | None) -> Sequence[Version]:
        """The versions of one model or of all, by model and falling number.

        A search tells no aliases: they are those of the models. Of all models it is enough to ask
        for the versions of some runs, where the filter says so.
        """
        pushed = ""
        if model is not None:
            quoted = grammar.text(model)
            pushed = f"name = {quoted}" if quoted else ""
            aliases = {model: (await self.model(model)).aliases}
        else:
            pushed = _of_runs(where)
        found: dict[tuple[str, str], wire.Version] = {}
        pages = self._client.pages(
            "model-versions/search",
            wire.VersionsPage,
            max_results=VERSIONS_PAGE,
            filter=pushed or None,
        )
        async for page in pages:
            found |= {(one.name, str(one.version)): one for one in page.model_versions}
        if model is None:
            aliases = {one.name: one.aliases for one in await self.models()} if found else {}
        nouns = [
            mapping.version_of(item, self._log, aliases[item.name])
            for item in found.values()
            if item.name in aliases
        ]
        return sorted(nouns, key=lambda one: (one.model, -one.version))

    async def version(self, model: str, number: int) -> Version:
        """One version."""
        try:
            return mapping.version_of(await self.item(model, number), self._log)
        except NotFoundError as error:
            await self.model(model)
            raise NotFoundError(
                f"model {model!r} has no version {number}",
                way_out=f"`modeldeck versions ls {model}` lists them",
            ) from error

    async def item(self, model: str, number: int) -> wire.Version:
        """One version as the server tells it."""
        if number >= 1 << 31:
            # PostgreSQL has no such number, and says so in SQL.
            raise NotFoundError(f"model {model!r} has no version {number}")
        answer = await self._client.get(
            "model-versions/get", wire.VersionAnswer, name=model, version=str(number)
        )
        return answer.model_version

    async def aliases(self, model: str) -> Mapping[str, int]:
        """Where the aliases of a model point, asked now."""
        return (await self.model(model)).aliases


def _of_runs(where: Expression | None) -> str:
    """`run = X` and `run in (X, Y)` as MLflow says them; else nothing."""
    values: Sequence[object] = ()
    if isinstance(where, Compare) and where.operator == "=":
        values = [where.value]
    elif isinstance(where, In):
        values = where.values
    if not values or not isinstance(where, Compare | In) or where.field != Field("run"):
        return ""
    texts = [value for value in values if isinstance(value, str)]
    listed = grammar.texts(texts) if len(texts) == len(values) else None
    return "" if listed is None else f"run_id IN {listed}"
