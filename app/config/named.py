"""Every context that can be named, as objects without secrets."""

import os
from collections.abc import Sequence
from typing import Any

from modeldeck.backends.api.errors import ModeldeckError

from .contexts import ENV, Context
from .paths import config_file, system_config_file
from .settings import enforced, read_settings


def named_contexts() -> tuple[Sequence[dict[str, Any]], str]:
    """Those of config.toml, of the machine's own file, and that of MLflow's variables.

    Also why the last one cannot be named, where these are wrong.
    """
    settings = read_settings()
    fixed = enforced().contexts
    rows, trouble = [], ""
    for name, context in settings.contexts.items():
        source = system_config_file() if name in fixed else config_file()
        rows.append(_row(name, context, str(source), chosen=name == settings.context))
    if os.environ.get("MLFLOW_TRACKING_URI"):
        from .mlflow_env import names_server, read_environment

        if names_server():
            try:
                env = read_environment().context
            except ModeldeckError as error:
                trouble = str(error)
            else:
                chosen = settings.context == ENV
                rows.append(_row(ENV, env, "MLFLOW_TRACKING_URI", chosen=chosen))
    return rows, trouble


def _row(name: str, context: Context, source: str, *, chosen: bool) -> dict[str, Any]:
    slot = context.registry
    return {
        "name": name,
        "chosen": chosen,
        "type": slot.type if slot else "",
        "url": slot.url or None if slot else None,
        "path": slot.path or None if slot else None,
        "workspace": slot.workspace or None if slot else None,
        "user": slot.user or None if slot else None,
        "protected": context.protected,
        "readonly": context.readonly,
        "slots": [one for one, _ in context.slots()],
        "source": source,
    }
