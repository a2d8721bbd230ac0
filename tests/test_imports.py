"""Who may import whom, and what is not imported on the way to the first frame."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from modeldeck.backends.local import create_registry

ROOT = Path(__file__).parent.parent
SCIENCE = frozenset({"numpy", "scipy", "sklearn", "pandas", "skops"})
# Loaded when a file must be migrated, a remote context is opened, a chart is drawn.
RARE = frozenset({"sqlite_utils", "httpx", "keyring", "plotext"})
HEAVY = SCIENCE | RARE | {"textual"}

# What importing a module must not bring in. A row of a module that is not there yet waits for it;
# a name that ends in .* means all modules of the package together.
LIGHT = {
    "modeldeck.backends.api.*": HEAVY,
    "modeldeck.backends": HEAVY,
    "modeldeck.backends.http.*": HEAVY,
    "modeldeck.backends.local": HEAVY,
    "modeldeck.backends.sources": HEAVY,
    "modeldeck.app.__main__": HEAVY,
    "modeldeck.app.config.*": HEAVY,
    "modeldeck.app.cli": HEAVY,
    "modeldeck.app.usecases.*": HEAVY,
    "modeldeck.app.console": SCIENCE | RARE,
    "modeldeck.widgets.table": SCIENCE | RARE,
}


def modules(name: str) -> list[str]:
    """The modules that a row speaks of."""
    package = name.removesuffix(".*")
    if importlib.util.find_spec(package) is None:
        return []
    if not name.endswith(".*"):
        return [package]
    folder = ROOT.joinpath(*package.split(".")[1:])
    files = (file.relative_to(folder).with_suffix("") for file in folder.rglob("*.py"))
    below = (".".join((package, *file.parts)) for file in files)
    return sorted(module.removesuffix(".__init__") for module in below)


def brought_in(names: list[str]) -> set[str]:
    """The top-level names that a new interpreter holds when it has imported these."""
    code = f"import sys, {', '.join(names)}; print(*{{m.split('.')[0] for m in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_a_heavy_import_would_be_seen():
    assert brought_in(["json"]) & HEAVY == set()
    assert "sqlite_utils" in brought_in(["json", "sqlite_utils.db"])


@pytest.mark.parametrize("name", [name for name in LIGHT if modules(name)])
def test_importing_it_is_light(name):
    assert brought_in(modules(name)) & LIGHT[name] == set()


def test_a_local_registry_is_opened_without_what_servers_need(tmp_path):
    """Nor are installed packages searched for adapters."""
    create_registry(tmp_path)
    code = (
        "import sys; from modeldeck.app.cli.main import main\n"
        "assert main(['runs', 'ls', '-o', 'json']) == 0\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "modeldeck.app.workspace" in loaded
    needless = ("httpx", "keyring", "importlib.metadata", "modeldeck.app.remote", "configparser")
    ours = ("modeldeck.backends.http", "modeldeck.backends.mlflow", "modeldeck.app.config.secrets")
    assert not {name for name in loaded if name.startswith((*needless, *ours))}


def test_the_import_contracts_hold():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout
