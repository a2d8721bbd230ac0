"""What a registry must be to record runs."""

from typing import Protocol, runtime_checkable

from modeldeck.backends.api.protocols import Collecting, Recording, Registry


@runtime_checkable
class Home(Registry, Recording, Collecting, Protocol):
    """A registry that lists, records, and takes in what others have recorded."""
