"""`modeldeck snapshot`: a registry, or a part of it, in one file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.times import rfc3339

from . import output, streams, words
from .backup import Progress
from .common import with_session
from .options import complete_experiment, complete_model, formats_option, place_options

if TYPE_CHECKING:
    from modeldeck.app.snapshot import Taken

SAID = 20


@click.command()
@click.argument("target", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--experiment",
    "-e",
    "experiments",
    multiple=True,
    help="Only runs of this experiment.",
    shell_complete=complete_experiment,
)
@click.option(
    "--model",
    "-m",
    "models",
    multiple=True,
    help="Only this model, and the runs its versions came from.",
    shell_complete=complete_model,
)
@click.option("--runs", default="", metavar="FILTER", help="Only runs as 'metrics.auc > 0.9'.")
@click.option(
    "--with-artifacts/--without-artifacts",
    default=True,
    help="The bytes of files, or their names and digests only.",
)
@click.option(
    "--samples",
    type=click.IntRange(2),
    metavar="N",
    help="At most so many points of each series, spread over it.",
)
@click.option("--force", is_flag=True, help="Write over FILE.")
@formats_option("table", "json", "jsonl")
@place_options
@with_session
async def snapshot(
    session: Session,
    target: Path,
    experiments: Sequence[str],
    models: Sequence[str],
    runs: str,
    with_artifacts: bool,
    samples: int | None,
    force: bool,
    form: str,
) -> int:
    """Write runs, models, series and the trail into FILE, which `modeldeck ./FILE` opens.

    Without a choice it is all of the registry. Events of what is not chosen stay in the trail as
    digests, so that it can still be verified.
    """
    from modeldeck.app.snapshot import Choice, take

    choice = Choice(
        experiments=experiments,
        models=models,
        runs=runs,
        with_artifacts=with_artifacts,
        samples=samples,
    )
    taken = await take(session, target, choice, force=force, progress=Progress())
    return _print(taken, target, form)


def _print(taken: "Taken", target: Path, form: str) -> int:
    manifest, size = taken.manifest, target.stat().st_size
    for problem in taken.problems[:SAID]:
        streams.say(f"modeldeck: not taken: {problem.where}: {problem.what}")
    if len(taken.problems) > SAID:
        streams.say(f"modeldeck: {len(taken.problems) - SAID} more of the kind")
    if form == "table":
        counts = ", ".join(
            output.counted(number, noun.removesuffix("s"))
            for noun, number in manifest.counts.items()
        )
        streams.say(f"{counts}, {words.size(size)}: {output.safe(str(target))}")
        if manifest.missing:
            streams.say(f"{output.counted(len(manifest.missing), 'file')} by digest only")
    else:
        output.write_document(_facts(taken, target, size), form)
    return int(bool(taken.problems))


def _facts(taken: "Taken", target: Path, size: int) -> dict[str, Any]:
    manifest = taken.manifest
    head = manifest.head
    return {
        "target": str(target.absolute()),
        "size": size,
        "made_at": rfc3339(manifest.made_at),
        "context": manifest.context,
        "origin": manifest.origin,
        "samples": manifest.samples,
        "counts": dict(manifest.counts),
        "head": {"seq": head.seq, "link": head.link} if head else None,
        "files": len(manifest.files),
        "missing": list(manifest.missing),
        "problems": [{"where": p.where, "what": p.what} for p in taken.problems],
    }
