"""What there is to say of a run in its first two lines and in full. Plain text."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from modeldeck.app.config.redaction import masked_map
from modeldeck.app.usecases.describe import RunDetail
from modeldeck.backends.api.runs import Lock, Run, Usage
from modeldeck.widgets.bar import Part

from ..words import STATES, lasted, length, short, size

NO_USAGE = Usage()


def moment(time: datetime | None, now: datetime) -> str:
    """A time to the minute, the day left out where it is today's."""
    if time is None:
        return "-"
    local = time.astimezone(now.tzinfo)
    return f"{local:%H:%M}" if local.date() == now.date() else f"{local:%Y-%m-%d %H:%M}"


def seconds(value: float | None) -> str:
    """Seconds as a length."""
    from datetime import timedelta

    return length(None if value is None else timedelta(seconds=value))


def precise(value: float | None) -> str:
    """A figure with seven digits, fewer where they say nothing."""
    if value is None:
        return ""
    return "NaN" if value != value else f"{value:.7g}"


def first_line(run: Run) -> list[Part]:
    """Name, state and its reason, experiment."""
    word, style = STATES[run.status]
    parts = [Part(run.name or "(no name)", "strong"), Part("  "), Part(word, style)]
    if run.reason:
        parts.append(Part(f" {run.reason.partition(chr(10))[0]}", style))
    if run.deleted_at:
        parts.append(Part("  deleted", "warn"))
    parts.append(Part(f"  in {run.experiment}", ""))
    if run.note:
        parts.append(Part(f"  {run.note.partition(chr(10))[0]}", "dim"))
    return parts


def second_line(run: Run, usage: Usage, now: datetime) -> list[Part]:
    """When, how long, from which code, by whom, what it used, where it belongs."""
    facts = [
        run.id[:12],
        f"{moment(run.started_at, now)} for {length(lasted(run, now))}",
        f"git {short(run.git)}{' dirty' if run.dirty else ''}" if run.git else "no git",
        run.user,
        f"exit {run.exit_code}" if run.exit_code else "",
        f"cpu {seconds(usage.cpu_seconds)}" if usage.cpu_seconds is not None else "",
        f"memory {size(usage.peak_memory_bytes)}" if usage.peak_memory_bytes is not None else "",
        f"parent {run.parent_id[:12]}" if run.parent_id else "",
        f"{run.children} child{'ren' * (run.children != 1)}" if run.children else "",
    ]
    return [Part("  ".join(fact for fact in facts if fact), "dim")]


def described(detail: RunDetail, now: datetime) -> list[str]:
    """Everything that is known of a run, as lines to read."""
    return list(_described(detail, now))


def _described(detail: RunDetail, now: datetime) -> Iterator[str]:
    run, usage = detail.run, detail.usage
    yield from pairs(
        [
            ("id", run.id),
            ("name", run.name),
            ("experiment", run.experiment),
            ("status", run.status.value),
            ("reason", run.reason or ""),
            ("exit code", "" if run.exit_code is None else str(run.exit_code)),
            ("started", _full(run.started_at, now)),
            ("ended", _full(run.ended_at, now)),
            ("duration", length(lasted(run, now))),
            ("deleted", _full(run.deleted_at, now)),
            ("user", run.user),
            ("parent", run.parent_id or ""),
            ("children", str(run.children or "")),
            ("git", f"{run.git}{' with changes' if run.dirty else ''}" if run.git else ""),
            ("wall", seconds(usage.wall_seconds) if usage.wall_seconds is not None else ""),
            ("cpu", seconds(usage.cpu_seconds) if usage.cpu_seconds is not None else ""),
            ("memory", size(usage.peak_memory_bytes) if usage.peak_memory_bytes else ""),
            ("versions", ", ".join(f"{v.model} {v.version}" for v in detail.versions)),
            ("origin", run.origin or ""),
        ]
    )
    yield from section("NOTE", run.note.split("\n") if run.note else [])
    metrics = [(key, repr(value)) for key, value in sorted(run.metrics.items())]
    yield from section("METRICS", pairs(metrics))
    yield from section("PARAMS", pairs(sorted(masked_map(run.params).items())))
    yield from section("TAGS", pairs(sorted(masked_map(run.tags).items())))
    data = [(d.name, f"{d.context or '-'}  {d.digest}  {d.source}") for d in detail.datasets]
    yield from section("DATA", pairs(data))
    found = [
        (e.metric, f"{e.value!r} on {e.dataset}{f' / {e.slice}' if e.slice else ''}")
        for e in detail.evaluations
    ]
    yield from section("EVALUATIONS", pairs(found))
    files = [(a.path, f"{size(a.size)}  {a.digest or '-'}") for a in detail.artifacts]
    yield from section("ARTIFACTS", pairs(files))
    yield from section("LOCK", pairs(lock_facts(detail.lock) if detail.lock else []))


def _full(time: datetime | None, now: datetime) -> str:
    return f"{time.astimezone(now.tzinfo):%Y-%m-%d %H:%M:%S %z}" if time else ""


def pairs(items: Sequence[tuple[str, str]]) -> list[str]:
    """Names and values in two columns; a name without a value is left out."""
    known = [(name, value) for name, value in items if value]
    wide = min(max((len(name) for name, _ in known), default=0), 40)
    lines = []
    for name, value in known:
        first, *rest = value.split("\n")
        lines.append(f"{name:<{wide}}  {first}")
        lines += [f"{'':<{wide}}  {line}" for line in rest]
    return lines


def section(title: str, lines: Sequence[str]) -> Iterator[str]:
    """A blank line, a title, indented lines; nothing when there are none."""
    if lines:
        yield ""
        yield title
        yield from (f"  {line}" for line in lines)


def lock_facts(lock: Lock) -> list[tuple[str, str]]:
    """What a lock says besides its packages."""
    git = lock.git
    facts = [
        ("python", " ".join(word for word in (lock.implementation, lock.python) if word)),
        ("executable", lock.executable or ""),
        ("system", " ".join(word for word in (lock.system, lock.machine) if word)),
        ("cpu", f"{lock.cpu or '-'}{f', {lock.cpus} cores' if lock.cpus else ''}"),
        ("memory", size(lock.memory_bytes) if lock.memory_bytes else ""),
        ("gpus", ", ".join(lock.gpus)),
        ("cuda", lock.cuda or ""),
        ("packages", f"{len(lock.packages):,}" if lock.packages else ""),
        ("commit", git.commit if git else ""),
        ("branch", git.branch or "" if git else ""),
        ("remote", git.remote or "" if git else ""),
        ("changes", (git.diff or "some, not kept") if git and git.dirty else ""),
    ]
    return [(name, value) for name, value in facts if value and value != "-"]
