"""A PostgreSQL of our own, from the binaries of Debian's package."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.servers.process import ServerFailedError, start

PACKAGED = Path("/usr/lib/postgresql")
USER = "modeldeck"
# All of it is thrown away at the end, so nothing has to reach the disk.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "dynamic_shared_memory_type": "mmap",
    "shared_buffers": "32MB",
    "max_connections": "40",
}


def binaries() -> Path:
    """The folder of the newest PostgreSQL here; the test is skipped where there is none."""
    found = [folder.parent for folder in PACKAGED.glob("*/bin/initdb")]
    if not found and (initdb := shutil.which("initdb")):
        found = [Path(initdb).resolve().parent]
    if not found:
        pytest.skip("no PostgreSQL: apt-get install postgresql")
    return max(
        found, key=lambda folder: [int(n) for n in folder.parent.name.split(".") if n.isdecimal()]
    )


def unprivileged() -> tuple[Sequence[str], int | None]:
    """What to write before a command, and the user's id: PostgreSQL does not run as root."""
    if os.geteuid():
        return (), None
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        ids = f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}"
        return ("setpriv", *ids, "--clear-groups", "--"), user.pw_uid
    pytest.skip("no user but root, as whom PostgreSQL does not run")


def start_postgres(folder: Path, lock: Path, password: str, databases: Sequence[str]) -> int:
    """Start one in `folder` with these databases, owned by `USER`: its port on loopback."""
    home = binaries()
    prefix, uid = unprivileged()
    data, secret = folder / "data", folder / "password"
    data.mkdir(0o700)
    secret.write_text(password, encoding="utf-8")
    if uid is not None:
        folder.chmod(0o711)
        os.chown(data, uid, -1)
        os.chown(secret, uid, -1)
    options = ["--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C"]
    options += ["--auth=scram-sha-256", f"--username={USER}"]
    options += [f"--pwfile={secret}", f"--pgdata={data}"]
    run([*prefix, home / "initdb", *options], folder)
    secret.unlink()
    settings = [word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")]

    def command(port: int) -> Sequence[str | Path]:
        return [*prefix, home / "postgres", "-D", data, "-p", str(port), *settings]

    def ready(port: int) -> bool:
        argv = [home / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
        return not subprocess.run(argv, check=False, cwd=folder).returncode

    port = start(command, lock=lock, folder=folder, ready=ready)
    for name in databases:
        argv = [home / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", USER, name]
        run(argv, folder, {"PGPASSWORD": password})
    return port


def run(argv: Sequence[str | Path], folder: Path, env: dict[str, str] | None = None) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C", **(env or {})}
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ServerFailedError(f"{argv[-1]}:\n{done.stderr[-4000:]}")
