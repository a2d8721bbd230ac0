"""Keras archives: whether their configuration brings code."""

import json
from typing import Any, Final

from .archive import Archive
from .content import DamagedBytesError, Finding, shortened

CONFIG: Final = "config.json"
_LIMIT: Final = 64 << 20
_OURS: Final = ("keras", "builtins", "tf_keras")


def described(archive: Archive) -> Finding:
    """What a .keras file holds."""
    unsafe = dict.fromkeys(f"it {odd}" for odd in archive.odd)
    try:
        config = json.loads(archive.whole(CONFIG, _LIMIT).decode())
        metadata = json.loads(archive.whole("metadata.json", _LIMIT).decode())
    except (ValueError, RecursionError) as error:
        # What cannot be judged is not called safe.
        what = str(error) if isinstance(error, DamagedBytesError) else "has a broken config"
        return Finding(format="keras", unsafe=(f"it {what}",))
    layers = 0
    waiting: list[Any] = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, dict):
            waiting.extend(item.values())
            kind, module = item.get("class_name"), item.get("module")
            layers += isinstance(kind, str) and "build_config" in item
            if kind in {"Lambda", "__lambda__"}:
                name = item.get("name") or (item.get("config") or {})
                name = name.get("name") if isinstance(name, dict) else name
                unsafe[f"its layer {name!r} is a Lambda: loading it runs code"] = None
            if isinstance(module, str) and module.split(".")[0] not in _OURS:
                unsafe[f"it imports {module}.{kind}"] = None
            elif isinstance(module, str) and kind == "function":
                unsafe[f"it calls {module}.{item.get('config')}"] = None
    details: dict[str, Any] = {"layers": layers}
    if isinstance(metadata, dict) and isinstance(metadata.get("keras_version"), str):
        details["keras_version"] = metadata["keras_version"]
    if isinstance(config, dict) and isinstance(config.get("class_name"), str):
        details["type"] = config["class_name"]
    return Finding(format="keras", unsafe=shortened(list(unsafe), "reasons"), details=details)
