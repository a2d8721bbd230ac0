"""Single fields on a server: read, written once, and how a request for them reads."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..api.address import Address, parse_address
from ..api.errors import DamagedError, NotFoundError, RefusedError, UsageError
from ..api.plan import Change
from ..api.times import rfc3339
from ..mlflow_words import NOTE
from . import mapping, wire
from .client import API, Client, refused
from .registered import Registered
from .runs import Runs

_UNTAG = "experiments/delete-experiment-tag"


class Call(NamedTuple):
    """A request that changes one field."""

    method: str
    path: str
    body: Mapping[str, Any]

    def said(self, base: str) -> str:
        """How it reads."""
        return f"{self.method} {base}{API}{self.path} {json.dumps(self.body, ensure_ascii=False)}"


class FieldAccess:
    """The fields of one server's runs, experiments, models, versions and aliases."""

    def __init__(
        self, client: Client, runs: Runs, registered: Registered, log: mapping.Trouble
    ) -> None:
        self._client = client
        self._runs = runs
        self._registered = registered
        self._log = log

    async def read(self, subject: str, field: str) -> Any:
        """What the server says now. A deleted run is known by having a time, whichever."""
        address = parse_address(subject)
        word, _, key = field.partition(":")
        if address.alias is not None and field == "version":
            return (await self._registered.aliases(address.name)).get(address.alias)
        if address.version is not None and field == "content":
            return await self._content(address)
        item = await self._noun(address)
        if word == "tag":
            return item.tags.get(key)
        if word == "note":
            return item.note
        if word == "deleted":
            return rfc3339(item.deleted_at) if item.deleted_at else None
        raise _no_field(subject, field)

    async def _content(self, address: Address) -> Any:
        """What a version is made of, as far as the server knows; None where there is none."""
        try:
            found = await self._registered.version(address.name, address.version or 0)
        except NotFoundError:
            return None
        return {"source": found.source}

    async def write(self, change: Change) -> None:
        """Send it, once."""
        call = call_of(change)
        try:
            await self._client.send(call.method, call.path, call.body, wire.Nothing)
        except DamagedError:
            raise  # an answer that cannot be read is no refusal
        except UsageError as error:
            if call.path == _UNTAG and "no such call" in error.what:
                raise RefusedError(
                    "this MLflow cannot remove a tag of an experiment",
                    where=change.subject,
                    way_out="Give it another value, or an empty one; MLflow 3 can",
                ) from error
            raise refused(error) from error
        finally:
            self._runs.forget()
            self._registered.forget()

    async def _noun(self, address: Address) -> Any:
        if address.noun == "runs" and address.name:
            item = await self._runs.item(address.name, fresh=True)
            return mapping.run_of(item, {}, self._log)
        if address.noun == "experiments" and address.name:
            answer = await self._client.get(
                "experiments/get", wire.ExperimentAnswer, experiment_id=address.name
            )
            return mapping.experiment_of(answer.experiment, self._log)
        if address.version is not None:
            return await self._registered.version(address.name, address.version)
        if address.noun == "models" and address.name and address.alias is None:
            return await self._registered.model(address.name)
        raise UsageError(f"{address} has no fields on an MLflow server")


def call_of(change: Change) -> Call:
    """The request that makes a change."""
    address, after = parse_address(change.subject), change.after
    word, _, key = change.field.partition(":")
    if address.alias is not None and change.field == "version":
        body = {"name": address.name, "alias": address.alias}
        if after is None:
            return Call("DELETE", "registered-models/alias", body)
        return Call("POST", "registered-models/alias", {**body, "version": str(after)})
    if address.noun == "runs" and word == "deleted":
        verb = "restore" if after is None else "delete"
        return Call("POST", f"runs/{verb}", {"run_id": address.name})
    if address.noun == "runs" and word == "note":
        word, key, after = "tag", NOTE, after or None
    if address.noun == "experiments" and word == "note":
        # MLflow 2 cannot remove it.
        word, key, after = "tag", NOTE, after or ""
    if address.noun == "runs" and word == "tag":
        return _tag("runs", "set-tag", "delete-tag", {"run_id": address.name}, key, after)
    if address.noun == "experiments" and word == "tag":
        owner = {"experiment_id": address.name}
        return _tag("experiments", "set-experiment-tag", "delete-experiment-tag", owner, key, after)
    if address.noun == "models" and address.name and address.alias is None:
        noun, owner = "registered-models", {"name": address.name}
        if address.version is not None:
            noun, owner = "model-versions", {**owner, "version": str(address.version)}
        if word == "note":
            return Call("PATCH", f"{noun}/update", {**owner, "description": after or ""})
        if word == "tag":
            call = _tag(noun, "set-tag", "delete-tag", owner, key, after)
            return call if after is not None else call._replace(method="DELETE")
    raise _no_field(change.subject, change.field)


def request(changes: Sequence[Change], base: str) -> str:
    """The requests that make some changes, a line each; what only expects sends nothing."""
    moved = [change for change in changes if change.before != change.after]
    if any(change.field == "content" for change in moved):
        return f"many requests to {base}, each read back"
    return "\n".join(call_of(change).said(base) for change in moved)


def _tag(
    noun: str, setting: str, deleting: str, owner: Mapping[str, str], key: str, value: Any
) -> Call:
    if value is None:
        return Call("POST", f"{noun}/{deleting}", {**owner, "key": key})
    return Call("POST", f"{noun}/{setting}", {**owner, "key": key, "value": value})


def _no_field(subject: str, field: str) -> RefusedError:
    return RefusedError(f"MLflow has no {field!r} that could be changed", where=subject)
