"""Snapshots read: nothing is taken on trust, and nothing is written outside of one folder."""

import hashlib
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from shutil import rmtree

import msgspec

from ..api.errors import DamagedError
from . import trail
from .backup import MANIFEST, Kept, Progress, belongs, check_database, silent
from .errors import clear_errors
from .files import make_folder, make_private
from .schema import REGISTRY, TELEMETRY
from .snapshot import DATABASES, FORMAT, Manifest, head_of, opened
from .store import PIECE

MOST_MEMBERS = 1_000_000
LARGEST_MANIFEST = 512 << 20
_WAY_OUT = "Take a new snapshot, or bring the file over again"


def read_manifest(path: Path) -> Manifest:
    """What a snapshot says of itself; DamagedError when it is none."""
    with _archive(path) as archive:
        return _manifest(path, archive)


def extract(path: Path, folder: Path, *, progress: Progress = silent) -> Manifest:
    """Bring the snapshot at `path` to `folder`, after every byte of it was compared.

    `folder` appears when all of it is there. DamagedError names the member that is not what the
    manifest says.
    """
    with _archive(path) as archive:
        manifest = _manifest(path, archive)
        members = _checked(path, archive, manifest)
        with clear_errors(folder):
            make_folder(folder.parent)
            part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
        try:
            make_folder(part / "artifacts")
            for place, file in enumerate(manifest.files):
                progress("verifying", place, len(manifest.files))
                _take(path, archive, members[file.path], file, part / file.path)
            _check(path, part, manifest)
            try:
                part.rename(folder)
            except OSError:
                # Somebody else has brought the same file here meanwhile.
                if not (folder / "registry.db").exists():
                    raise
        finally:
            rmtree(part, ignore_errors=True)
    return manifest


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise DamagedError(
            f"is a damaged or truncated snapshot ({error})", where=str(path), way_out=_WAY_OUT
        ) from error


def _wrong(path: Path, member: str, what: str) -> DamagedError:
    return DamagedError(f"its member {member!r} {what}", where=str(path), way_out=_WAY_OUT)


def _manifest(path: Path, archive: zipfile.ZipFile) -> Manifest:
    infos = archive.infolist()
    if not infos or infos[0].filename != MANIFEST or len(infos) > MOST_MEMBERS:
        raise DamagedError(
            "is a ZIP file, but no snapshot of modeldeck",
            where=str(path),
            way_out="Name a file that `modeldeck snapshot` wrote",
        )
    info = infos[0]
    _check_stored(path, info)
    if info.file_size > LARGEST_MANIFEST:
        raise _wrong(path, MANIFEST, f"has {info.file_size} bytes, which no manifest has")
    try:
        manifest = msgspec.json.decode(archive.read(info), type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise _wrong(path, MANIFEST, f"cannot be read ({error})") from error
    if manifest.format != FORMAT:
        raise DamagedError(
            f"has format {manifest.format}, this modeldeck knows {FORMAT}",
            where=str(path),
            way_out="Update modeldeck",
        )
    return manifest


def _checked(
    path: Path, archive: zipfile.ZipFile, manifest: Manifest
) -> Mapping[str, zipfile.ZipInfo]:
    """The members by name, after all that can be told without reading them."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        _check_stored(path, info)
        if info.filename in members:
            raise _wrong(path, info.filename, "is there twice")
        members[info.filename] = info
    del members[MANIFEST]
    named = {file.path: file for file in manifest.files}
    if len(named) < len(manifest.files) or "registry.db" not in named:
        raise _wrong(path, MANIFEST, "names files twice, or no registry")
    for name in {**named, **members}:
        if not belongs(PurePosixPath(name)) or str(PurePosixPath(name)) != name:
            raise _wrong(path, name, "has a name that no snapshot has")
        if name not in members:
            raise _wrong(path, name, "is missing")
        if name not in named:
            raise _wrong(path, name, "is not named by its manifest")
        if members[name].file_size != named[name].size:
            words = f"has {members[name].file_size} bytes, {named[name].size} in the manifest"
            raise _wrong(path, name, words)
        digest = named[name].digest
        if name not in DATABASES and digest != f"sha256:{''.join(name.split('/')[1:])}":
            raise _wrong(path, name, "has another name than its digest")
    if sum(file.size for file in manifest.files) > path.stat().st_size:
        raise _wrong(path, MANIFEST, "names more bytes than the file has")
    return members


def _check_stored(path: Path, info: zipfile.ZipInfo) -> None:
    stored = info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size
    if not stored or info.flag_bits & 1:
        raise _wrong(path, info.filename, "is compressed or encrypted, which no snapshot is")


def _take(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, kept: Kept, target: Path
) -> None:
    make_folder(target.parent)
    make_private(target)
    hasher = hashlib.sha256()
    try:
        with archive.open(info) as source, target.open("wb") as file:
            while piece := source.read(PIECE):
                hasher.update(piece)
                file.write(piece)
    except (zipfile.BadZipFile, EOFError) as error:
        raise _wrong(path, info.filename, f"is damaged ({error})") from error
    if f"sha256:{hasher.hexdigest()}" != kept.digest:
        raise _wrong(path, info.filename, "is not what its manifest says")


def _check(path: Path, folder: Path, manifest: Manifest) -> None:
    for schema, name in ((REGISTRY, "registry.db"), (TELEMETRY, "telemetry.db")):
        if (folder / name).exists():
            try:
                check_database(folder / name, schema.application_id)
            except DamagedError as error:
                raise _wrong(path, name, error.what) from error
    if head_of(folder) != manifest.head:
        raise _wrong(path, "registry.db", "has another trail than its manifest says")
    with closing(opened(folder / "registry.db")) as registry:
        broken = trail.verify(registry)
    if broken is not None:
        raise _wrong(path, "registry.db", f"has a trail that does not hold at event {broken}")
