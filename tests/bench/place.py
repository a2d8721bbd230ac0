"""Where the bench keeps what is slow to make, and the world its child processes see."""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CACHE = ROOT / ".pytest_cache" / "d" / "bench"
SCRIPT = Path(sys.executable).with_name("modeldeck")


class Bench:
    """One run of the bench. `quick`: fewer rounds and less data, for a look.

    `home` is empty and ours alone, so that nobody's configuration is measured.
    """

    def __init__(self, home: Path, *, quick: bool = False, cache: Path = CACHE) -> None:
        self.home = home
        self.quick = quick
        self.cache = cache
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TMPDIR": tempfile.gettempdir(),
        }

    def rounds(self, full: int) -> int:
        """How many rounds, where a thorough run has `full`."""
        return min(full, max(3, full // 3)) if self.quick else full

    def say(self, text: str) -> None:
        """Narrate."""
        print(f"  {text}", file=sys.stderr, flush=True)

    def kept(self, name: str, key: bytes, make: Callable[[Path], None]) -> Path:
        """The folder that `make` fills; made once for each `key`, older ones are removed."""
        folder = self.cache / f"{name}-{hashlib.sha256(key).hexdigest()[:12]}"
        if not folder.exists():
            self.cache.mkdir(parents=True, exist_ok=True)
            for old in self.cache.glob(f"{name}-*"):
                shutil.rmtree(old)
            new = Path(tempfile.mkdtemp(prefix="new-", dir=self.cache))
            self.say(f"making {name} once, kept in {self.cache}")
            try:
                make(new)
                new.rename(folder)
            finally:
                shutil.rmtree(new, ignore_errors=True)
        return folder

    def registry(self, runs: int) -> Path:
        """The generated registry of so many runs. Nobody writes into it."""
        from . import registry

        return self.kept(f"registry-{runs}", registry.key(), lambda new: registry.make(new, runs))
