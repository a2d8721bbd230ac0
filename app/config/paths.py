"""Where our own files lie on this machine."""

import os
from pathlib import Path

_NAME = "modeldeck"


def _base(variable: str, *below: str) -> Path:
    import sys

    given = os.environ.get(variable, "")
    if given and Path(given).is_absolute():
        return Path(given) / _NAME
    if sys.platform == "darwin":
        import platformdirs

        found = {
            "XDG_CONFIG_HOME": platformdirs.user_config_dir(_NAME),
            "XDG_STATE_HOME": platformdirs.user_state_dir(_NAME),
            "XDG_CACHE_HOME": platformdirs.user_cache_dir(_NAME),
        }
        return Path(found[variable])
    return Path.home().joinpath(*below) / _NAME


def config_file() -> Path:
    """`config.toml` of this user; `MODELDECK_CONFIG` names another."""
    given = os.environ.get("MODELDECK_CONFIG")
    return Path(given) if given else _base("XDG_CONFIG_HOME", ".config") / "config.toml"


def system_config_file() -> Path:
    """The file that the machine's owner enforces."""
    return Path("/etc/modeldeck/config.toml")


def state_folder() -> Path:
    """What the console remembers between sessions."""
    return _base("XDG_STATE_HOME", ".local", "state")


def cache_folder() -> Path:
    """What can be made again."""
    return _base("XDG_CACHE_HOME", ".cache")
