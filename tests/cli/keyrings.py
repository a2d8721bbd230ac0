"""A keyring that a test's subprocess finds by the name of one that we use; simulated.

It keeps secrets in a file that the test reads, and looks at all command lines meanwhile.
"""

from __future__ import annotations

from pathlib import Path

SOURCE = """
import json, os
from pathlib import Path
from keyring.backend import KeyringBackend

KEPT = Path(os.environ["MODELDECK_TEST_KEYRING"])

class PasswordStoreBackend(KeyringBackend):
    priority = 1

    def _all(self):
        return json.loads(KEPT.read_text()) if KEPT.exists() else {}

    def _write(self, kept):
        lines = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                lines.append(path.read_bytes().decode(errors="replace"))
            except OSError:
                pass
        KEPT.with_name("commands").write_text("\\n".join(lines))
        KEPT.write_text(json.dumps(kept))

    def get_password(self, service, username):
        return self._all().get(f"{service} {username}")

    def set_password(self, service, username, password):
        self._write({**self._all(), f"{service} {username}": password})

    def delete_password(self, service, username):
        self._write({k: v for k, v in self._all().items() if k != f"{service} {username}"})
"""


def simulated_keyring(folder: Path, name: str = "PasswordStoreBackend") -> dict[str, str]:
    """The environment in which `keyring` chooses it; `name` is that of the class."""
    folder.mkdir(exist_ok=True)
    source = SOURCE.replace("PasswordStoreBackend", name)
    (folder / "keyring_pass.py").write_text(source, encoding="utf-8")
    return {
        "PYTHONPATH": str(folder),
        "PYTHON_KEYRING_BACKEND": f"keyring_pass.{name}",
        "MODELDECK_TEST_KEYRING": str(folder / "kept.json"),
    }
