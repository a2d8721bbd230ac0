"""The kinds of rules that are known, by the word that a policy file has for them."""

import importlib
from collections.abc import Mapping

from modeldeck.app.config.contexts import Context
from modeldeck.app.config.policy import Policy
from modeldeck.app.config.policy_file import read_policy
from modeldeck.app.config.settings import ProjectFile, Settings

from .rule import Rule

KINDS: dict[str, type[Rule] | str] = {
    "metric": "metric:Metric",
    "samples": "samples:Samples",
    "slices": "slices:Slices",
    "paired": "paired:Paired",
    "approvals": "approvals:Approvals",
    "freeze": "freeze:Freeze",
    "card": "card:Card",
    "artifact": "artifact:ArtifactRule",
    "signature": "signature:Signature",
    "ticket": "ticket:Ticket",
}
"""Ours by the place of their class, which is imported when it is asked for."""


def register(name: str, rule: type[Rule]) -> None:
    """Make another kind known. ValueError for a name that is taken."""
    if name in KINDS and KINDS[name] is not rule:
        raise ValueError(f"the kind {name!r} is taken")
    KINDS[name] = rule


def kind_of(name: str) -> type[Rule] | None:
    """The shape of a kind's rules; None when nobody knows it."""
    found = KINDS.get(name)
    if isinstance(found, str):
        module, _, attribute = found.partition(":")
        made: type[Rule] = getattr(importlib.import_module(f".{module}", __package__), attribute)
        KINDS[name] = found = made
    return found


def known_kinds() -> Mapping[str, type[Rule]]:
    """All kinds with their shapes."""
    return {name: kind for name in KINDS if (kind := kind_of(name)) is not None}


def read_policy_of(
    project: ProjectFile, settings: Settings, context: Context | None = None
) -> Policy:
    """The policy in force for a context, or for a registry that was opened without one."""
    named = context or Context()
    return read_policy(
        project,
        settings,
        known_kinds,
        protected=named.protected,
        repo=named.policy_repo or settings.policy_repo,
        ref=named.policy_ref or settings.policy_ref,
    )
