"""What a plan says of something before it is removed for good: its field `record`.

The event of a purge carries it, so that the trail still says what was there.
"""

from collections.abc import Iterable, Mapping
from typing import Any


def run_record(name: str, experiment: str, status: str, deleted: str | None) -> Mapping[str, Any]:
    """That of a run; `deleted` is a time as text, None when it is not."""
    return {"name": name, "experiment": experiment, "status": status, "deleted": deleted}


def version_record(
    digest: str | None, form: str, run_id: str | None, deleted: str | None
) -> Mapping[str, Any]:
    """That of a version."""
    return {"digest": digest, "format": form, "run": run_id, "deleted": deleted}


def model_record(versions: Iterable[int], deleted: str | None) -> Mapping[str, Any]:
    """That of a model with all its versions, deleted or not."""
    return {"versions": sorted(versions), "deleted": deleted}
