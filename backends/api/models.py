"""Registered models, their numbered versions, movable aliases."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct


class Model(Struct, frozen=True, kw_only=True):
    """A registered model. `aliases` maps names to version numbers."""

    name: str
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    note: str = ""
    tags: Mapping[str, str] = {}
    aliases: Mapping[str, int] = {}
    versions: int | None = None
    latest: int | None = None
    origin: str | None = None


class Version(Struct, frozen=True, kw_only=True):
    """An immutable numbered version.

    `digest` names its content ("sha256:..."), None when the content was never read here. `unsafe`
    lists why loading it could run foreign code; None means that nobody looked.
    """

    model: str
    version: int
    aliases: Sequence[str] = ()
    run_id: str | None = None
    digest: str | None = None
    size: int | None = None
    format: str = "unknown"
    unsafe: Sequence[str] | None = None
    signature: Mapping[str, Any] | None = None
    source: str | None = None
    status: str = "ready"
    stage: str | None = None
    lock: str | None = None
    user: str = ""
    note: str = ""
    card: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    tags: Mapping[str, str] = {}
    origin: str | None = None


class Alias(Struct, frozen=True, kw_only=True):
    """A movable name of one version of a model."""

    model: str
    alias: str
    version: int
    moved_at: datetime | None = None
