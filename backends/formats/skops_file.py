"""skops files: which of their types nobody has vouched for. Nothing is loaded or imported.

The rules are those of skops itself, kind by kind of node, with its lists of types as they were
reviewed (`trusted.toml`): a type that skops would ask about is named here too.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from .archive import Archive
from .content import DamagedBytesError, Finding, shortened

SCHEMA: Final = "schema.json"
SCHEMA_LIMIT: Final = 64 << 20
_PROTOCOLS: Final = range(3)
_PRIMITIVES: Final = frozenset(f"builtins.{name}" for name in ("int", "float", "str", "bool"))
_CONTAINERS: Final = frozenset(f"builtins.{name}" for name in ("list", "set", "map", "tuple"))


def described(archive: Archive) -> Finding:
    """What a skops file holds. A file that cannot be judged is unsafe, and says why."""
    try:
        schema, twice = _schema(archive)
    except DamagedBytesError as error:
        return Finding(format="skops", unsafe=(f"it {error}",))
    unsafe: dict[str, None] = {f"it {odd}": None for odd in archive.odd}
    if twice:
        unsafe["its schema has two values of one name"] = None
    if type(schema.get("protocol")) is not int or schema["protocol"] not in _PROTOCOLS:
        unsafe[f"its protocol {schema.get('protocol')!r} is not known here"] = None
    types: dict[str, None] = {}
    for node in _nodes(schema):
        types.update(dict.fromkeys(_untrusted(node)))
    unsafe.update({f"nobody has vouched for the type {name}": None for name in sorted(types)})
    details: dict[str, Any] = {"untrusted_types": sorted(types)[:1000]}
    if isinstance(version := schema.get("_skops_version"), str):
        details["skops_version"] = version
    if isinstance(schema.get("__module__"), str) and isinstance(schema.get("__class__"), str):
        details["type"] = f"{schema['__module__']}.{schema['__class__']}"
    return Finding(format="skops", unsafe=shortened(list(unsafe), "types"), details=details)


def _schema(archive: Archive) -> tuple[dict[str, Any], bool]:
    data = archive.whole(SCHEMA, SCHEMA_LIMIT)
    twice = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        found = dict(items)
        twice = twice or len(found) != len(items)
        return found

    try:
        schema = json.loads(data.decode(), object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise DamagedBytesError(f"has a schema that is no JSON: {error}"[:300]) from None
    if not isinstance(schema, dict):
        raise DamagedBytesError("has a schema that is no object")
    return schema, twice


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object in the schema that may be taken for a node, wherever it stands."""
    waiting = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "__loader__" in item or "__class__" in item or "__module__" in item:
                yield item
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _untrusted(node: Mapping[str, Any]) -> Iterator[str]:
    loader, module, kind = (node.get(f"__{key}__") for key in ("loader", "module", "class"))
    if loader == "JsonNode" or (loader == "CachedNode" and module is None and kind is None):
        return
    name = f"{module}.{kind}"
    if not isinstance(loader, str) or name not in _trusted().get(loader, frozenset()):
        yield name
    content = node.get("content")
    match loader:
        case "FunctionNode" if isinstance(content, dict):
            # Files of protocol 0 say here which function it is.
            old = f"{content.get('module_path')}.{content.get('function')}"
            if old not in _trusted()["FunctionNode"]:
                yield old
        case "MethodNode":
            function = content.get("func") if isinstance(content, dict) else None
            yield f"{name}.{function}"
        case "TreeNode":
            yield "sklearn.tree._tree.Tree"
        case "RandomGeneratorNode":
            yield from _bit_generator(content)


def _bit_generator(content: Any) -> Iterator[str]:
    """The class that a random generator's state names in a plain text, and that loading calls."""
    try:
        name = json.loads(content["bit_generator"]["content"]["bit_generator"]["content"])
    except (KeyError, TypeError, ValueError, RecursionError):
        name = None
    whole = f"numpy.random.{name}"
    if whole not in _trusted()["bit generators"]:
        yield whole


@lru_cache(1)
def _trusted() -> Mapping[str, frozenset[str]]:
    """The types that skops does not ask about, by kind of node."""
    lists = tomllib.loads((Path(__file__).parent / "trusted.toml").read_text(encoding="utf-8"))
    named = {
        group: frozenset(f"{module}.{name}" for module, names in modules.items() for name in names)
        for group, modules in lists.items()
    }
    arrays = named["dtypes"] | {"numpy.ndarray"}
    return {
        "DictNode": frozenset(["builtins.dict", "collections.OrderedDict"]),
        "DefaultDictNode": frozenset(["collections.defaultdict"]),
        "ListNode": frozenset(["builtins.list"]),
        "SetNode": frozenset(["builtins.set"]),
        "TupleNode": frozenset(["builtins.tuple"]),
        "BytesNode": frozenset(["builtins.bytes"]),
        "BytearrayNode": frozenset(["builtins.bytearray"]),
        "SliceNode": frozenset(["builtins.slice"]),
        "FunctionNode": named["functions"],
        "TypeNode": _PRIMITIVES | _CONTAINERS | named["dtypes"],
        "ObjectNode": named["estimators"],
        "LossNode": named["losses"],
        "NdArrayNode": arrays,
        "MaskedArrayNode": frozenset(["numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray"]),
        "RandomStateNode": frozenset(["numpy.random.mtrand.RandomState"]),
        "RandomGeneratorNode": frozenset(["numpy.random._generator.Generator"]),
        "SparseMatrixNode": frozenset(
            ["scipy.sparse._matrix.spmatrix", "scipy.sparse._base.sparray"]
        ),
        "bit generators": named["bit_generators"],
    }
