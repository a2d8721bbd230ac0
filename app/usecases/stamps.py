"""Whether something of another store is still as it was when it was copied."""

import hashlib
from typing import Any

import msgspec


def stamp_of(records: Any) -> str:
    """A short text that differs when the records do."""
    content = msgspec.json.encode(records, order="sorted")
    return hashlib.sha256(content).hexdigest()[:32]
