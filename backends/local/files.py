"""The registry's folder: where things lie in it, who may touch it, what disk it is on."""

import os
import stat
import sys
from pathlib import Path

from ..api.errors import DamagedError, NotFoundError, RefusedError

FOLDER = ".modeldeck"
DATABASE = "registry.db"
NETWORK = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "lustre", "gpfs", "beegfs", "9p",
    "fuse.sshfs", "glusterfs", "fuse.glusterfs", "davfs", "afpfs", "webdav", "ncpfs",
}  # fmt: skip


class Layout:
    """The paths of a registry, from the path of its `registry.db`; links are followed first.

    Two names of one file would have two locks.
    """

    def __init__(self, database: Path) -> None:
        database = database.resolve()
        self.database = database
        self.folder = database.parent
        self.telemetry = self.folder / "telemetry.db"
        self.artifacts = self.folder / "artifacts"
        self.runs = self.folder / "runs"


def locate(path: Path) -> Path:
    """The `registry.db` that `path` means: itself, in it, or in its `.modeldeck`."""
    if path.is_dir():
        for place in (path / DATABASE, path / FOLDER / DATABASE):
            if place.exists():
                return place
        raise NotFoundError(
            "no registry here", where=str(path), way_out="`modeldeck init` makes one"
        )
    return path


def check_owner(path: Path, allowed: frozenset[str] = frozenset()) -> None:
    """Refuse a folder that belongs to somebody else: a planted one could lie to us.

    `allowed` holds resolved folders that the configuration trusts with what is in them, or "*".
    """
    status = path.stat()
    trusted = {"*", str(path.resolve()), str(path.resolve().parent)}
    if status.st_uid in (os.getuid(), 0) or trusted & allowed:
        return
    import pwd

    try:
        owner = pwd.getpwuid(status.st_uid).pw_name
    except KeyError:
        owner = str(status.st_uid)
    raise RefusedError(
        f"belongs to {owner}, not to you",
        where=str(path),
        way_out=f'If you trust it, add safe_directories = ["{path.resolve()}"] to config.toml',
    )


def check_file(path: Path) -> None:
    """Raise the one clear error for a path that cannot be a registry; never opens it."""
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise NotFoundError(
            "no such file", where=str(path), way_out="`modeldeck init` makes a registry"
        ) from None
    except PermissionError:
        raise _unreadable(path) from None
    if not stat.S_ISREG(status.st_mode):
        raise DamagedError("is not a file", where=str(path), way_out="Name a registry.db")
    if not os.access(path, os.R_OK):
        raise _unreadable(path)
    if not status.st_size:
        raise DamagedError(
            "is empty",
            where=str(path),
            way_out="Name a registry.db, or restore one from a backup",
        )


def _unreadable(path: Path) -> RefusedError:
    return RefusedError(
        "may not be read by you", where=str(path), way_out="Ask its owner for access"
    )


def check_file_system(folder: Path) -> None:
    """Refuse file systems whose locks cannot be trusted."""
    kind = file_system(folder)
    if kind in NETWORK:
        raise RefusedError(
            f"lies on {kind}, where SQLite's locks cannot be trusted",
            where=str(folder),
            way_out="Keep the registry on a local disk",
        )


def file_system(folder: Path, mounts: str = "/proc/self/mountinfo") -> str | None:
    """The type of the file system that holds `folder`; None where it cannot be told."""
    if sys.platform != "linux":
        return None
    try:
        device = folder.stat().st_dev
        lines = Path(mounts).read_text(errors="replace").splitlines()
    except OSError:
        return None
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in reversed(lines):
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) > 2 and fields[2] == wanted and right:
            return right.split()[0]
    return None


def make_folder(folder: Path) -> None:
    """Make `folder` readable by its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_private(path: Path) -> None:
    """Make an empty file of mode 0600, before SQLite would make it wider, where there is none."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise RefusedError(
                "is not a plain file", where=str(path), way_out="Name the file itself"
            ) from None
