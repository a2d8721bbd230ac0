"""Describes a model file or folder, whatever it is."""

import os
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path, PurePath
from typing import Any

from ..api.artifacts import Artifact
from ..api.errors import DamagedError, NotFoundError
from ..api.ingest import Problem
from ..api.text import exact
from . import kinds, mlmodel
from .content import NAMED_LIMIT, Content, DamagedBytesError, Finding, shortened
from .folder import files, hashed, manifest_digest, opened

_DEPTH = 30
_TEXTS = frozenset([".csv", ".json", ".md", ".toml", ".txt", ".yaml", ".yml"])
"""Files beside a model that no loader runs."""


def inspect(path: Path) -> Content:
    """What lies at `path`, told by its bytes alone: nothing is imported, unpickled or run.

    `path` itself may be a link; links below it are not followed.
    """
    place = Path(os.path.realpath(path))
    if not place.exists():
        raise NotFoundError("there is no such file", where=exact(str(path)))
    try:
        return _folder(place) if place.is_dir() else _file(place)
    except OSError as error:
        what = error.strerror or str(error)
        raise DamagedError(f"it could not be read: {what}", where=exact(str(path))) from error


def opened_files(path: Path) -> Iterator[tuple[str, BufferedReader]]:
    """The files that `inspect` names, by its names, open for reading; the caller closes each."""
    place = Path(os.path.realpath(path))
    found = files(place, []) if place.is_dir() else [(place.name, place)]
    for name, one in found:
        file = opened(one)
        if file is not None:
            yield exact(name), file


def _file(place: Path) -> Content:
    looked = _looked(place, place.name)
    if looked is None:
        raise DamagedError(
            "it is no regular file", where=str(place), way_out="A model is a file or a folder"
        )
    artifact, finding, wrong = looked
    assert artifact.digest is not None
    assert artifact.size is not None
    return Content(
        format=finding.format,
        unsafe=_clean(finding.unsafe),
        signature=_clean(finding.signature),
        digest=artifact.digest,
        size=artifact.size,
        files=(artifact,),
        details=_clean(finding.details),
        problems=(Problem(artifact.path, wrong),) if wrong else (),
    )


def _folder(root: Path) -> Content:
    problems: list[Problem] = []
    artifacts: list[Artifact] = []
    findings: dict[str, Finding] = {}
    for path, place in files(root, problems):
        try:
            looked = _looked(place, path)
        except OSError as error:
            problems.append(Problem(path, f"left out: {error.strerror}"))
            continue
        if looked is None:
            problems.append(Problem(path, "left out: no regular file"))
            continue
        artifact, finding, wrong = looked
        artifacts.append(artifact)
        if wrong:
            problems.append(Problem(path, wrong))
        if finding.format != "unknown":
            findings[path] = finding
    whole = _summary(root, findings, {artifact.path for artifact in artifacts}, problems)
    return Content(
        format=whole.format,
        unsafe=_clean(whole.unsafe),
        signature=_clean(whole.signature),
        digest=manifest_digest(artifacts),
        size=sum(artifact.size or 0 for artifact in artifacts),
        files=tuple(sorted(artifacts, key=lambda one: one.path)),
        details=_clean(whole.details),
        problems=tuple(problems),
    )


def _looked(place: Path, name: str) -> tuple[Artifact, Finding, str | None] | None:
    """A file's digest and what it says; None when it is no regular file."""
    file = opened(place)
    if file is None:
        return None
    with file:
        digest, size = hashed(file)
        finding, wrong = kinds.described(file, name, size)
    return Artifact(path=exact(name), size=size, digest="sha256:" + digest), finding, wrong


def _summary(
    root: Path, findings: dict[str, Finding], paths: set[str], problems: list[Problem]
) -> Finding:
    """What a folder is by what its files are."""
    reasons = [f"{path}: {why}" for path, found in findings.items() for why in found.unsafe or ()]
    formats = {found.format for found in findings.values()}
    inner = dict(list(findings.items())[:NAMED_LIMIT])
    details: dict[str, Any] = {"formats": {path: found.format for path, found in inner.items()}}
    signature: Mapping[str, Any] | None = None
    name = "unknown"
    if mlmodel.NAME in paths:
        try:
            signature, told, own = mlmodel.described(_page(root / mlmodel.NAME))
            name, details, reasons = "mlflow", told | details, own + reasons
        except DamagedBytesError as error:
            problems.append(Problem(mlmodel.NAME, f"it {error}"))
    elif len(formats) == 1:
        name = formats.pop()
        if len(findings) == 1:
            (found,) = findings.values()
            signature, details = found.signature, dict(found.details)
    known = bool(findings) and all(
        path in findings and findings[path].unsafe is not None
        for path in paths
        if path != mlmodel.NAME and PurePath(path).suffix not in _TEXTS
    )
    unsafe = shortened(reasons, "reasons") if reasons or known else None
    return Finding(format=name, unsafe=unsafe, signature=signature, details=details)


def _page(path: Path) -> bytes:
    file = opened(path)
    if file is None:
        raise DamagedBytesError("is no regular file")
    with file:
        data = file.read(mlmodel.SIZE_LIMIT + 1)
    if len(data) > mlmodel.SIZE_LIMIT:
        raise DamagedBytesError(f"has more than {mlmodel.SIZE_LIMIT} bytes")
    return data


def _clean(value: Any, depth: int = 0) -> Any:
    """What a file says, so that it can be stored as JSON: exact texts, numbers of 64 bits."""
    match value:
        case str():
            return exact(value)
        case bool() | float() | None:
            return value
        case int():
            return value if -(1 << 63) <= value < 1 << 63 else str(value)[:100]
        case dict() if depth < _DEPTH:
            return {exact(str(key)): _clean(inner, depth + 1) for key, inner in value.items()}
        case tuple() if depth < _DEPTH:
            return tuple(_clean(inner, depth + 1) for inner in value)
        case list() if depth < _DEPTH:
            return [_clean(inner, depth + 1) for inner in value]
    return exact(str(type(value).__name__))
