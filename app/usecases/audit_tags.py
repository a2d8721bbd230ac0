"""A checkpoint as a tag of an experiment on the server, which the operator of this file is not."""

from collections.abc import Sequence

from modeldeck.backends.api.address import experiment as address
from modeldeck.backends.api.errors import ModeldeckError, RefusedError
from modeldeck.backends.api.plan import Plan
from modeldeck.backends.api.trail import Kept, Mark

from .plans import inverse_of, make_plan, tag_changes
from .session import Session

TAG = "modeldeck.checkpoint"
_MOST = 1000


async def plan_tag(
    session: Session, experiment: str, kept: Kept, *, reason: str = "", ticket: str = ""
) -> Plan:
    """Set the tag of an experiment to a checkpoint."""
    if not session.remote:
        raise RefusedError(
            "a tag in the same file is not outside of it",
            where=session.registry.place,
            way_out="--tag is for a server; [audit] anchors in config.toml name other places",
        )
    found = await session.registry.experiment(experiment)
    changes = tag_changes(address(found.id), found.tags, {TAG: kept.text})
    return make_plan(
        session,
        "experiment.tag",
        {"experiment": found.id, "tag": TAG},
        changes,
        command=["modeldeck", "audit", "checkpoint", "--tag", found.name],
        effects=[f"whoever reads experiment {found.name} can compare the trail with it"],
        untouched=["runs, models and aliases"],
        inverse=inverse_of(changes, "experiment.tag"),
        reason=reason,
        ticket=ticket,
    )


async def tagged(session: Session) -> Sequence[Mark]:
    """The checkpoints that are tags of experiments on the server."""
    if not session.remote:
        return []
    place = f"{session.registry.place}, tags of experiments"
    try:
        window = await session.registry.experiments()
        found = await window.page(0, _MOST)
    except ModeldeckError as error:
        return [Mark(place=place, note="", outside=True, trouble=str(error))]
    return [
        Mark(place=f"experiment {one.name}", note=one.tags[TAG], outside=True)
        for one in found
        if TAG in one.tags
    ]
