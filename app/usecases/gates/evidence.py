"""The root over what is known of a candidate itself: what an approval of it is bound to."""

import hashlib
from typing import Any

from modeldeck.app.usecases.encode import plain
from modeldeck.backends.api.errors import DamagedError, RefusedError

from .facts import Side


async def root_of(side: Side) -> str:
    """`sha256:` over its content's digest, card, signature, and everything measured of it.

    Canonical JSON (RFC 8785) in which every float is the shortest text that gives it back. Who
    approves, the clock and the version that it would replace are not in it.
    """
    import rfc8785

    version, run = side.version, await side.run()
    try:
        measured, damaged = await side.evaluations(), ""
    except (DamagedError, RefusedError) as error:
        # Rules that need them are unknown then, each with the reason.
        measured, damaged = (), str(error)
    tree = {
        "content": version.digest or "",
        "card": "sha256:" + hashlib.sha256(version.card.encode()).hexdigest(),
        "signature": _texts(plain(version.signature)),
        "evaluations": [
            {
                "metric": one.metric,
                "value": repr(one.value),
                "dataset": one.dataset,
                "dataset_digest": one.dataset_digest,
                "slice": one.slice,
                "n": one.n,
                "artifact": one.artifact,
                "artifact_digest": await side.digest_of(one.artifact) if one.artifact else "",
                "own": one.model is not None,
            }
            for one in measured
        ],
        "damaged": damaged,
        "metrics": {key: repr(value) for key, value in run.metrics.items()} if run else {},
    }
    return "sha256:" + hashlib.sha256(rfc8785.dumps(tree)).hexdigest()


def _texts(value: Any) -> Any:
    """Numbers as text: JSON of others may hold ones that no canonical form has."""
    if isinstance(value, dict):
        return {key: _texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_texts(inner) for inner in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    return value
