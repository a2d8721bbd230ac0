"""A dossier taken apart into titled parts, from which every form for people is made."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from modeldeck.app.usecases.timeline_words import version_words

Document = Mapping[str, Any]
NONE = "-"


class Block(NamedTuple):
    """Text with lines of its own, under a caption."""

    caption: str
    text: str


class Part(NamedTuple):
    """A title of that level with what is under it; texts are exact, the form makes them safe."""

    title: str
    level: int = 2
    pairs: Sequence[tuple[str, str]] = ()
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    blocks: Sequence[Block] = ()
    said: Sequence[str] = ()


def parts_of(document: Document) -> Iterator[Part]:
    """All parts of a dossier in order."""
    yield _head(document)
    yield Part(
        "What each alias pointed at",
        heads=("alias", "then", "since", "until", "now", "state", "events", "in words"),
        rows=[_alias(one) for one in document["aliases"]],
        said=[] if document["aliases"] else ["no alias is known of it"],
    )
    for one in document["live"]:
        yield from _live(one)
    yield Part(
        "What changed since",
        heads=("event", "time", "alias", "what", "who", "ticket", "reason", "outcome"),
        rows=[_happened(one) for one in document["since"]],
        said=[] if document["since"] else ["nothing that the trail tells of"],
    )
    yield Part(
        "What nobody knows",
        said=[*document["gaps"], *document["notes"]] or ["no gap is known"],
    )
    yield Part("Events and their proofs", said=[PROOFS])
    for one in document["events"]:
        yield _proof(one)


PROOFS = (
    "leaf_hash is SHA-256(0x00 || leaf); link chains it to all events before it; the leaf commits"
    " to the payload by SHA-256(salt || payload); the proof leads to a signed checkpoint."
)


def _head(document: Document) -> Part:
    gone = document["deleted_by"]
    return Part(
        f"{document['model']} at {document['at']}",
        1,
        pairs=[
            ("model", document["model"]),
            ("instant", document["at"]),
            ("context", document["context"]),
            ("registry", document["place"]),
            *([("model deleted by", f"event {gone}")] if gone else []),
        ],
    )


def _text(value: Any) -> str:
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value) or "none"
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _texts(item: Document, *names: str) -> list[str]:
    return [_text(item[name]) for name in names]


def _pairs(item: Document) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), _text(value)) for name, value in item.items()]


def _alias(item: Document) -> list[str]:
    among = " or ".join(map(version_words, item["among"]))
    then = version_words(item["version"]) if item["known"] else f"{among}?"
    now = version_words(item["now"]) if item["now_known"] else "?"
    ends = ", ".join(str(item[name]) for name in ("by", "to") if item[name] is not None)
    first, last = _texts(item, "start", "end")
    return [item["alias"], then, first, last, now, item["state"], ends or NONE, item["words"]]


def _happened(item: Document) -> list[str]:
    return _texts(item, "seq", "time", "alias", "what", "who", "ticket", "reason", "outcome")


def _live(item: Document) -> Iterator[Part]:
    yield Part(
        f"{item['alias']} was version {item['version']}",
        pairs=_pairs({key: item[key] for key in ("since", "till", "deleted_by")}),
        said=[item["missing"]] if item["missing"] else [],
    )
    for key, title in (("put_there", "Who put it there"), ("taken_away", "Who took it away")):
        if item[key] is not None:
            yield Part(title, 3, pairs=_pairs(item[key]))
    yield Part(
        "Gates then",
        3,
        heads=("gate", "rule", "kind", "verdict", "shows", "numbers"),
        rows=[_texts(g, "gate", "rule", "kind", "verdict", "shows", "numbers")
              for g in item["gates"]],
        said=[] if item["gates"] else ["no verdicts were written down with the move"],
    )  # fmt: skip
    yield Part(
        "Signed words",
        3,
        said=[] if item["statements"] else ["none are known here"],
    )
    for one in item["statements"]:
        yield Part(f"{one['kind']} {one['id']}", 4, pairs=_pairs(one))
    if item["missing"]:
        return
    yield Part("The version", 3, pairs=_pairs(item["facts"]))
    if item["run"] is not None:
        yield Part("Its run", 3, pairs=_pairs(item["run"]))
    yield Part(
        "Its data",
        3,
        heads=("name", "digest", "context", "source"),
        rows=[_texts(one, "name", "digest", "context", "source") for one in item["datasets"]],
        said=[] if item["datasets"] else ["none are known here"],
    )
    if item["lock"] is not None:
        packages = Block("packages", "\n".join(item["lock"]["packages"]))
        plain = {key: item["lock"][key] for key in ("python", "system")}
        yield Part("Its lock", 3, pairs=_pairs(plain), blocks=[packages])
    card = item["card"]
    blocks = [Block("card", card["text"])] if card["text"].strip() else []
    yield Part("Its card", 3, said=[card["as_of"] if blocks else "there was none"], blocks=blocks)


_LONG = ("leaf", "payload", "signature", "proof")


def _proof(item: Document) -> Part:
    plain = {key: value for key, value in item.items() if key not in _LONG}
    blocks = [Block(key, item[key]) for key in _LONG if item.get(key)]
    return Part(f"Event {item['seq']}", 3, pairs=_pairs(plain), blocks=blocks)
