"""A version in words: everything that is known of it."""

from collections.abc import Iterator
from datetime import datetime

from modeldeck.app.config.redaction import masked_map
from modeldeck.app.usecases import views
from modeldeck.app.usecases.locks import lock_words
from modeldeck.app.usecases.versions import VersionDetail
from modeldeck.widgets.text import show, show_lines

from . import output, words
from .run_parts import lock_facts
from .tables import pair_lines, table_lines


def print_version(item: VersionDetail, form: str, now: datetime) -> None:
    """A version with what it holds, in one of the formats."""
    if form == "csv":
        output.write_document(item.version, form)
        return
    if form != "table":
        output.write_document(views.version_detail(item), form)
        return
    version = item.version
    output.write_pairs(_facts(item, now))
    output.write_part("UNSAFE TO LOAD", [show(reason) for reason in version.unsafe or ()])
    output.write_part("NOTE", show_lines(version.note) if version.note else [])
    output.write_part("TAGS", pair_lines(list(masked_map(version.tags).items())))
    output.write_part("SIGNATURE", _signature(item))
    output.write_part("FILES", _files(item))
    output.write_part("EVALUATIONS", _evaluations(item))
    output.write_part("LOCK", pair_lines(lock_facts(item.lock)) if item.lock else [])
    output.write_part("CARD", show_lines(version.card) if version.card else [])


def _facts(item: VersionDetail, now: datetime) -> list[tuple[str, str]]:
    version, run = item.version, item.run
    source = f"{run.id}  {run.name}  of {run.experiment}" if run else version.run_id or ""
    facts = [
        ("model", version.model),
        ("version", str(version.version)),
        ("aliases", ", ".join(version.aliases)),
        ("status", version.status),
        ("LOCKED", lock_words(version)),
        ("stage", version.stage or ""),
        ("run", source),
        ("git", run.git or "" if run else ""),
        ("format", version.format),
        ("digest", version.digest or "not known: its content was never read here"),
        ("size", words.size(version.size) if version.size is not None else ""),
        ("source", version.source or ""),
        ("user", version.user),
        ("created", words.long_time(version.created_at, now)),
        ("deleted", words.long_time(version.deleted_at, now) if version.deleted_at else ""),
        ("came from", version.origin or ""),
    ]
    return [(name, value) for name, value in facts if value]


def _signature(item: VersionDetail) -> Iterator[str]:
    for name, value in (item.version.signature or {}).items():
        yield show(f"{name}  {value}")


def _files(item: VersionDetail) -> Iterator[str]:
    rows = [[a.path, words.size(a.size), words.short_digest(a.digest)] for a in item.artifacts]
    if rows:
        yield from table_lines(["PATH", "SIZE", "DIGEST"], rows)


def _evaluations(item: VersionDetail) -> Iterator[str]:
    rows = [
        [e.metric, words.exact(e.value), e.dataset, e.slice or words.NONE] for e in item.evaluations
    ]
    if rows:
        yield from table_lines(["METRIC", "VALUE", "DATASET", "SLICE"], rows)
