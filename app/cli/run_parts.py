"""A run in words: everything that is known of it."""

from collections.abc import Iterator
from datetime import datetime

from modeldeck.app.config.redaction import masked_map
from modeldeck.app.usecases import views
from modeldeck.app.usecases.describe import RunDetail
from modeldeck.backends.api.runs import Lock, Run, SeriesInfo
from modeldeck.widgets.text import show_lines

from . import output, words
from .tables import pair_lines, table_lines


def print_run(item: RunDetail, form: str, now: datetime) -> None:
    """A run with what it holds, in one of the formats."""
    if form == "csv":
        output.write_document(item.run, form)
        return
    if form != "table":
        output.write_document(views.run_detail(item), form)
        return
    run = item.run
    output.write_pairs(_facts(item, now))
    output.write_part("NOTE", show_lines(run.note) if run.note else [])
    output.write_part("METRICS", _metrics(item))
    output.write_part("PARAMS", pair_lines(list(masked_map(run.params).items())))
    output.write_part("TAGS", pair_lines(list(masked_map(run.tags).items())))
    output.write_part("DATASETS", _datasets(item))
    output.write_part("EVALUATIONS", _evaluations(item))
    output.write_part("ARTIFACTS", _artifacts(item))
    output.write_part("LOCK", pair_lines(lock_facts(item.lock)) if item.lock else [])


def _facts(item: RunDetail, now: datetime) -> list[tuple[str, str]]:
    run, usage = item.run, item.usage
    facts = [
        ("id", run.id),
        ("name", run.name),
        ("experiment", run.experiment),
        ("status", _status(run)),
        ("reason", run.reason or ""),
        ("started", words.long_time(run.started_at, now)),
        ("ended", words.long_time(run.ended_at, now) if run.ended_at else ""),
        ("duration", words.duration(words.lasted(run, now))),
        ("deleted", words.long_time(run.deleted_at, now) if run.deleted_at else ""),
        ("user", run.user),
        ("parent", run.parent_id or ""),
        ("children", str(run.children) if run.children else ""),
        ("git", f"{run.git}{' with changes' if run.dirty else ''}" if run.git else ""),
        ("used", _usage(usage.wall_seconds, usage.cpu_seconds, usage.peak_memory_bytes)),
        ("versions", ", ".join(f"{one.model} {one.version}" for one in item.versions)),
        ("came from", run.origin or ""),
    ]
    return [(name, value) for name, value in facts if value]


def _status(run: Run) -> str:
    code = "" if run.exit_code is None else f", exit code {run.exit_code}"
    return f"{run.status.value}{code}"


def _usage(wall: float | None, cpu: float | None, memory: int | None) -> str:
    parts = [
        f"{words.duration(wall)} wall" if wall is not None else "",
        f"{words.duration(cpu)} CPU" if cpu is not None else "",
        f"{words.size(memory)} memory at most" if memory is not None else "",
    ]
    return ", ".join(part for part in parts if part)


def _metrics(item: RunDetail) -> Iterator[str]:
    series = {one.key: one for one in item.series}
    rows = []
    for key in sorted({*item.run.metrics, *series}):
        info = series.get(key)
        rows.append(
            [
                key,
                words.exact(item.run.metrics.get(key)),
                words.exact(info.low) if info else words.NONE,
                words.exact(info.high) if info else words.NONE,
                str(info.count) if info and info.count is not None else words.NONE,
                _steps(info) if info else words.NONE,
            ]
        )
    if rows:
        yield from table_lines(["METRIC", "LAST", "MIN", "MAX", "POINTS", "STEPS"], rows)


def _steps(info: SeriesInfo) -> str:
    return f"{'' if info.first_step is None else info.first_step}..{info.last_step}"


def _datasets(item: RunDetail) -> Iterator[str]:
    rows = [[d.name, d.context or words.NONE, d.digest, d.source] for d in item.datasets]
    if rows:
        yield from table_lines(["NAME", "FOR", "DIGEST", "SOURCE"], rows)


def _evaluations(item: RunDetail) -> Iterator[str]:
    rows = [
        [
            one.metric,
            words.exact(one.value),
            one.dataset,
            one.slice or words.NONE,
            words.NONE if one.n is None else str(one.n),
        ]
        for one in item.evaluations
    ]
    if rows:
        yield from table_lines(["METRIC", "VALUE", "DATASET", "SLICE", "N"], rows)


def _artifacts(item: RunDetail) -> Iterator[str]:
    rows = [[a.path, words.size(a.size), words.short_digest(a.digest)] for a in item.artifacts]
    if rows:
        yield from table_lines(["PATH", "SIZE", "DIGEST"], rows)


def lock_facts(lock: Lock) -> list[tuple[str, str]]:
    """A lock in a few lines."""
    git = lock.git
    machine = [
        lock.cpu or lock.machine or "",
        f"{lock.cpus} CPUs" if lock.cpus else "",
        f"{words.size(lock.memory_bytes)} memory" if lock.memory_bytes else "",
    ]
    facts = [
        ("python", " ".join(part for part in (lock.implementation, lock.python) if part)),
        ("packages", str(len(lock.packages)) if lock.packages else ""),
        ("system", lock.system or ""),
        ("machine", ", ".join(part for part in machine if part)),
        ("gpus", ", ".join(lock.gpus)),
        ("cuda", lock.cuda or ""),
        ("branch", git.branch or "" if git else ""),
        ("commit", f"{git.commit}{' with changes' if git.dirty else ''}" if git else ""),
    ]
    return [(name, value) for name, value in facts if value]
