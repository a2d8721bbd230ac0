"""What is in the trash restored, whatever it is: the same things with the same ids."""

from collections.abc import Sequence

from modeldeck.backends.api.lists import all_of

from .bulk import Bulk, filter_text
from .session import Session
from .shelf import Noun, shelve_items
from .trash import find_trashed, list_trash

ORDER: Sequence[Noun] = ("model", "version", "run")
"""Versions of a deleted model are not seen before it."""


async def plan_restores(
    session: Session,
    *,
    where: str | None = None,
    refs: Sequence[str] | None = None,
    reason: str = "",
    ticket: str = "",
) -> Sequence[Bulk]:
    """Plans that restore what fits `where`, or what `refs` name: one each for what it is."""
    if refs is not None:
        items = await find_trashed(session, refs)
        command = ["modeldeck", "trash", "restore", *refs]
    else:
        items = await all_of(await list_trash(session, where=filter_text(where or "")))
        command = ["modeldeck", "trash", "restore", "--filter", where or ""]
    found = []
    for noun in ORDER:
        nouns = [i.found[0] if noun == "model" else i.found for i in items if i.what == noun]
        if nouns:
            picked = await shelve_items(
                session, noun, nouns, delete=False, whole=refs is not None and len(refs) == 1,
                command=command, reason=reason, ticket=ticket,
            )  # fmt: skip
            found.append(Bulk(plan=picked.plan, left=picked.left))
    return found
