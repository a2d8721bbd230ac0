"""What was last seen of something that others may change, and for how long nobody has looked."""

from datetime import datetime
from typing import Any

from msgspec import Struct


class Look(Struct, frozen=True, kw_only=True):
    """What was seen of a field of `subject`: the same `value` at `since` and at `looked`.

    A subject that ends in `/` or `@` is the beginning of all that were looked at together; those
    of them that have no look of their own were not there. `value` None means that it was not
    there; where it is not `known`, an own change left open what is there now.
    """

    subject: str
    value: Any
    known: bool
    since: datetime
    looked: datetime
