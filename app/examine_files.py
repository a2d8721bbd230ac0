"""The files of a registry of ours, for `modeldeck doctor`: whole, private, with room to grow."""

import asyncio
import shutil
from collections.abc import Mapping, Sequence

from modeldeck.backends.api import checkup
from modeldeck.backends.api.checkup import Weight
from modeldeck.backends.local.checkup import check
from modeldeck.backends.local.files import Layout

from .usecases.findings import Finding, State, doubtful, good

_LITTLE_SPACE = 1 << 29
STATES: Mapping[Weight, State] = {Weight.BAD: "fail", Weight.DOUBTFUL: "warn", Weight.NOTE: "ok"}


async def file_findings(layout: Layout, about: str = "files") -> Sequence[Finding]:
    """What a close look at them finds."""
    free = shutil.disk_usage(layout.folder).free
    disk = good("disk", f"{free >> 30} GiB are free")
    if free < _LITTLE_SPACE:
        disk = doubtful("disk", f"{free >> 20} MiB are free", "Free some space")
    found = [
        finding_of(one, about, f"{one.where}: {one.what}")
        for one in await asyncio.to_thread(check, layout)
    ]
    if all(one.state == "ok" for one in found):
        found.append(good(about, "whole and private; artifacts, aliases and the audit trail hold"))
    return [disk, *found]


def finding_of(one: checkup.Finding, about: str, shows: str) -> Finding:
    """What a backend found, in the words of doctor."""
    return Finding(about=about, state=STATES[one.weight], shows=shows, way_out=one.way_out)
