"""What must be typed, and not just agreed to, before a plan is applied."""

from modeldeck.backends.api.plan import Plan

from .gated import moves_of

MANY = 100
"""For more things at once their count is typed."""
_COUNTED = ("rm", "restore", "purge", "tag", "lock", "unlock")


def subjects_of(plan: Plan) -> list[str]:
    """The addresses of what the plan changes, each once."""
    return list(dict.fromkeys(c.subject for c in plan.changes if c.before != c.after))


def to_type(plan: Plan) -> str:
    """The words to type: names of aliases that go with a model, or a great count; or nothing."""
    if plan.operation == "model.rm":
        gone = [f"{move.model}@{move.alias}" for move in moves_of(plan.changes)]
        if gone:
            return " ".join(gone)
    count = len(subjects_of(plan))
    if count > MANY and plan.operation.rpartition(".")[2] in _COUNTED:
        return str(count)
    return ""


def loses(plan: Plan) -> bool:
    """Whether it deletes or purges things: then what that breaks is told first."""
    noun, _, verb = plan.operation.partition(".")
    return noun in ("run", "version", "model") and verb in ("rm", "purge")
