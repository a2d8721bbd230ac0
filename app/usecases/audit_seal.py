"""Checkpoints written on demand."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from modeldeck.backends.api.trail import Kept

from ..config.settings import Anchor
from .audit import auditing_of
from .audit_anchors import Anchored, Anchors
from .audit_keys import vkey_of
from .session import Session


class Sealed(Struct, frozen=True, kw_only=True):
    """A checkpoint, the key that it can be verified with, and what became of it at each anchor."""

    kept: Kept
    vkey: str
    placed: Sequence[Anchored]


async def seal(session: Session, anchors: Sequence[Anchor]) -> Sealed:
    """Write a checkpoint of the trail as it is, and put it to the anchors."""
    kept = await auditing_of(session).checkpoint()
    placed = await asyncio.to_thread(Anchors(anchors).put, kept)
    vkey = await asyncio.to_thread(vkey_of, kept.text)
    return Sealed(kept=kept, vkey=vkey, placed=placed)
