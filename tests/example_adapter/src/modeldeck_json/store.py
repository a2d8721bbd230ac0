"""What stands in the file: modeldeck's own nouns, as JSON that knows NaN."""

import json
from pathlib import Path

import msgspec
from msgspec import Struct

from modeldeck.backends.api.errors import DamagedError, UnreachableError
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.runs import Dataset, Experiment, Run


class Store(Struct):
    """All of it. Points of series are (step, microseconds, value), by run and key."""

    experiments: list[Experiment] = []
    runs: list[Run] = []
    series: dict[str, dict[str, list[tuple[int, int, float]]]] = {}
    datasets: dict[str, list[Dataset]] = {}
    models: dict[str, Model] = {}
    versions: dict[str, list[Version]] = {}


def read(path: Path) -> Store:
    """What the file holds."""
    try:
        return msgspec.convert(json.loads(path.read_bytes()), Store)
    except OSError as error:
        raise UnreachableError(error.strerror or str(error), where=str(path)) from error
    except (ValueError, msgspec.ValidationError) as error:
        raise DamagedError(f"is no registry ({error})", where=str(path)) from error


def write(path: Path, store: Store) -> None:
    """Write it whole, or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(msgspec.to_builtins(store)), encoding="utf-8")
    part.replace(path)
