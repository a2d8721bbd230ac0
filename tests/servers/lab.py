"""A server as the context `lab` of whoever runs the program."""

import json
import os
from pathlib import Path


def make_lab(url: str, *, first: str = "", **settings: str | int) -> None:
    """Write `config.toml`: `first`, then the context, its registry with these settings."""
    path = Path(os.environ["XDG_CONFIG_HOME"], "modeldeck", "config.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    words: dict[str, str | int] = {"type": "mlflow", "url": url, **settings}
    lines = [f"{name} = {json.dumps(value)}" for name, value in words.items()]
    head = f'context = "lab"\n{first}\n[contexts.lab.registry]\n'
    path.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
