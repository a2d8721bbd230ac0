"""The policy read from `modeldeck.toml`: as it lies there, or as a commit of git holds it."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from modeldeck.backends.api.errors import RefusedError, UsageError
from modeldeck.backends.api.plan import PolicyRef

from .contexts import expanded
from .paths import system_config_file
from .policy import Direction, Gate, Person, Policy, Trash
from .public_keys import fingerprint
from .settings import LATER, POLICY, PROJECT_FILE, ProjectFile, Settings, enforced_keys
from .shapes import Mistake, mistakes, suggestion
from .toml_places import nearest, places

Kinds = Mapping[str, type[msgspec.Struct]]
"""The kinds of rules that are known, and the shape of each."""

_KNOWN = ("metrics", *POLICY, *LATER)
_LIKE = 0.75
_LONGEST_KEPT = 36_500


class PolicyError(UsageError):
    """A policy with mistakes: the first in full, the places of the others after it."""

    def __init__(self, found: Sequence[Mistake], text: str, place: str) -> None:
        at = places(text)
        rows = [(nearest(at, one.path), one) for one in found]
        self.mistakes = [(line, column, one.what, one.way_out) for (line, column), one in rows]
        self.mistakes.sort(key=lambda row: row[:2])
        line, column, what, way_out = self.mistakes[0]
        others = [f"{at_line}:{at_column} {said}" for at_line, at_column, said, _ in self.mistakes]
        more = f"Also wrong: {'; '.join(others[1:])}" if others[1:] else ""
        super().__init__(
            what,
            where=f"{place}:{line}:{column}",
            way_out=". ".join(part for part in (way_out, more) if part),
        )


def parse_policy(text: str, place: str, kinds: Callable[[], Kinds]) -> Policy:
    """The policy that a text holds; PolicyError names file, line and column of each mistake.

    `kinds` is asked only where there are gates. Dates in rules become text.
    """
    import tomllib

    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        what, _, at = str(error).partition(" (at line ")
        line, _, column = at.rstrip(")").partition(", column ")
        where = f"{place}:{line}:{column}" if line.isdigit() else place
        raise UsageError(f"is not TOML: {what}", where=where) from None
    wrong = [
        Mistake((key,), f"unknown key {key}", suggestion(key, list(_KNOWN)))
        for key in found
        if key not in _KNOWN
    ]
    wrong += mistakes(found.get("metrics", {}), Mapping[str, Direction], ("metrics",))
    wrong += people_mistakes(found.get("people", {}))
    wrong += _gate_mistakes(found.get("gates", {}), kinds)
    wrong += _trash_mistakes(found.get("trash", {}))
    if wrong:
        raise PolicyError(wrong, text, place)
    return Policy(
        people=msgspec.convert(found.get("people", {}), Mapping[str, Person]),
        gates=msgspec.convert(_plain(found.get("gates", {})), Mapping[str, Gate]),
        trash=msgspec.convert(found.get("trash", {}), Trash),
        directions=found.get("metrics", {}),
    )


def people_mistakes(people: Any) -> Iterator[Mistake]:
    """What is wrong with a table of people: shapes, lines of keys, what two of them share."""
    wrong = list(mistakes(people, Mapping[str, Person], ("people",)))
    yield from wrong
    if wrong:
        return
    keys: dict[str, str] = {}
    logins: dict[str, str] = {}
    for name, person in people.items():
        path = ("people", name)
        for number, text in enumerate(person.get("keys", ())):
            here = (*path, "keys", number)
            try:
                key = fingerprint(text)
            except ValueError as error:
                way_out = "`modeldeck key show` prints the line"
                yield Mistake(here, f"the key of {name} {error}", way_out)
                continue
            if keys.setdefault(key, name) != name:
                way_out = "A key speaks for one person alone"
                yield Mistake(here, f"{name} and {keys[key]} have the same key", way_out)
        for number, login in enumerate(person.get("logins", ())):
            if logins.setdefault(login, name) != name:
                said = f"{name} and {logins[login]} have the same login {login}"
                yield Mistake((*path, "logins", number), said, "A login is one person's")
        for key in person.get("revoked", ()):
            if not key.startswith("SHA256:"):
                way_out = "Write it as `ssh-keygen -l` prints it"
                yield Mistake((*path, "revoked", key), f"{key} is no fingerprint", way_out)


def _gate_mistakes(gates: Any, kinds: Callable[[], Kinds]) -> Iterator[Mistake]:
    wrong = list(mistakes(gates, Mapping[str, Gate], ("gates",)))
    yield from wrong
    if wrong or not gates:
        return
    known = kinds()
    for name, gate in gates.items():
        path = ("gates", name)
        for key in ("for", "rules"):
            if not gate.get(key):
                yield Mistake(path, f"the gate {name} has no {key}", _NEEDS[key])
        for number, pattern in enumerate(gate.get("for", ())):
            model, at, alias = pattern.rpartition("@")
            if not at or not model or not alias or pattern.count("[") != pattern.count("]"):
                said = f"{pattern!r} is no pattern of aliases"
                yield Mistake((*path, "for", number), said, _NEEDS["for"])
        for number, rule in enumerate(gate.get("rules", ())):
            yield from _rule_mistakes(_plain(rule), (*path, "rules", number), known)


_NEEDS = {
    "for": 'Write MODEL@ALIAS, such as "fraud@champion" or "*@champion"',
    "rules": "Add [[gates.NAME.rules]] with a kind, or take the gate out",
}


def _rule_mistakes(rule: Any, path: tuple[str | int, ...], known: Kinds) -> Iterator[Mistake]:
    kind = rule.get("kind")
    if not isinstance(kind, str) or not kind:
        yield Mistake(path, "a rule needs a kind", f"Known: {', '.join(known)}")
        return
    if kind not in known:
        if near := get_close_matches(kind, list(known), 1, _LIKE):
            said = f"unknown kind of rule {kind!r}"
            yield Mistake((*path, "kind"), said, f"Did you mean {near[0]}?")
        return
    wrong = list(mistakes(rule, known[kind], path))
    yield from wrong
    if not wrong:
        made: Any = msgspec.convert(rule, known[kind])
        for keys, what, way_out in made.problems():
            yield Mistake((*path, *keys), what, way_out)


def _trash_mistakes(trash: Any) -> Iterator[Mistake]:
    wrong = list(mistakes(trash, Trash, ("trash",)))
    yield from wrong
    days = 0 if wrong else trash.get("retention_days", 0)
    if not 0 <= days <= _LONGEST_KEPT:
        yield Mistake(("trash", "retention_days"), f"is not between 0 and {_LONGEST_KEPT} days")


def _plain(value: Any) -> Any:
    """Dates as text, so that a rule is plain JSON."""
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case datetime() | date() | time():
            return value.isoformat()
    return value


def read_policy(
    project: ProjectFile,
    settings: Settings,
    kinds: Callable[[], Kinds],
    *,
    protected: bool = False,
    repo: str = "",
    ref: str = "",
) -> Policy:
    """The policy in force beside `project`.

    It is the file as it lies there; from a commit where the configuration names a `repo` or a
    `ref`, or the context is protected. What cannot be read so is a Policy with `trouble`. The
    machine's own file may say who the people are. PolicyError for mistakes of a file that is here.
    """
    if repo or ref or (protected and project.path is not None):
        policy = _from_git(project, kinds, repo, ref)
    else:
        policy = _as_it_lies(project, kinds)
    return _with_enforced(policy, settings)


def _as_it_lies(project: ProjectFile, kinds: Callable[[], Kinds]) -> Policy:
    if project.path is None:
        return Policy()
    place = str(project.path)
    policy = parse_policy(project.text, place, kinds) if project.has_policy else Policy()
    return replace(
        policy,
        directions=project.project.metrics,
        source=PolicyRef(place=place, digest=_digest(project.text.encode())),
    )


def _from_git(project: ProjectFile, kinds: Callable[[], Kinds], repo: str, ref: str) -> Policy:
    from .policy_git import committed

    named, wanted = bool(repo or ref), ref or "HEAD"
    if not repo and project.path is None:
        said = f"policy_ref is {ref}, and there is no {PROJECT_FILE} here or above"
        return unreadable(f"{said}. Set policy_repo to the repository that holds it", None)
    place = expanded(repo) / PROJECT_FILE if repo else project.path
    assert place is not None
    source = PolicyRef(place=str(place), ref=wanted)
    try:
        found = committed(place.parent, wanted, Path(PROJECT_FILE) if repo else place)
        source = replace(source, commit=found.commit)
        if found.data is None:
            raise RefusedError(f"{found.commit[:7]} holds no {PROJECT_FILE}", where=str(found.top))
    except RefusedError as error:
        if named:
            return unreadable(f"the policy cannot be read: {error}", source)
        if not project.has_policy:
            # The file speaks of other things, and no commit of it is known that may differ.
            return _as_it_lies(project, kinds)
        said = f"{place} declares people or gates, and a protected context takes them from git"
        return unreadable(f"{said}: {error}. Commit it, or set policy_ref", source)
    source = replace(source, digest=_digest(found.data))
    try:
        policy = parse_policy(found.data.decode("utf-8-sig"), f"{wanted}:{PROJECT_FILE}", kinds)
    except (UsageError, UnicodeDecodeError) as error:
        return unreadable(f"the policy has mistakes: {error}", source)
    if _differs(project.path or place, found.data):
        holds = f"{wanted} {found.commit[:7]} holds"
        note = f"{PROJECT_FILE} here has edits that do not count: {holds}"
        source = replace(source, notes=(note,))
    return replace(policy, source=source)


def unreadable(trouble: str, source: PolicyRef | None) -> Policy:
    """The policy that nobody can read: one gate before every alias, which nothing passes."""
    gate = Gate(targets=("*@*",), rules=({"kind": "policy"},))
    return Policy(gates={"policy": gate}, source=source, trouble=trouble)


def _differs(here: Path, data: bytes) -> bool:
    """Whether a reader sees another file than the one that counts."""
    try:
        seen = here.read_bytes()
    except OSError:
        return False
    return seen.replace(b"\r\n", b"\n") != data.replace(b"\r\n", b"\n")


def _with_enforced(policy: Policy, settings: Settings) -> Policy:
    if "people" not in enforced_keys():
        return policy
    system = system_config_file()
    plain = msgspec.to_builtins(settings.people)
    for wrong in people_mistakes(plain):
        raise UsageError(wrong.what, where=str(system), way_out=wrong.way_out)
    source = policy.source or PolicyRef()
    notes = (*source.notes, f"people are those of {system}")
    return replace(policy, people=settings.people, source=replace(source, notes=notes))


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
