"""What proves the trail, as JSON objects."""

from typing import Any

from modeldeck.backends.api.trail import Compared, Kept, Record, TrailCheck

from . import encode


def record(item: Record) -> dict[str, Any]:
    """An event with all that proves it."""
    return {
        **encode.event(item.event),
        "leaf": item.leaf,
        "leaf_hash": item.leaf_hash,
        "payload": "erased" if item.payload is None else "kept",
        "salt": item.salt,
        "key": item.key or None,
        "signature": item.signature or None,
        "covered_by": item.covered,
    }


def kept(item: Kept) -> dict[str, Any]:
    """A checkpoint."""
    return {"size": item.size, "time": encode.time(item.time), "checkpoint": item.text}


def check(item: TrailCheck) -> dict[str, Any]:
    """What a look at the whole trail found."""
    broken = item.broken
    return {
        "holds": item.holds,
        "origin": item.origin,
        "events": item.size,
        "root": item.root,
        "broken": None
        if broken is None
        else {"seq": broken.seq, "last": broken.last, "by": broken.by, "what": broken.what},
        "erased": item.erased,
        "signed": item.signed,
        "signatures_checked": item.checked,
        "signed_by": dict(item.by),
        "unsigned": list(item.unsigned),
        "unsigned_before_first_signature": dict(item.never),
        "clock_set_back": list(item.set_back),
        "checkpoints": [compared(one) for one in item.compared],
    }


def compared(item: Compared) -> dict[str, Any]:
    """A checkpoint held against the trail."""
    return {
        "place": item.place,
        "state": item.state,
        "says": item.words,
        "size": item.size,
        "time": encode.time(item.time),
        "key": item.key or None,
        "outside": item.outside,
    }
