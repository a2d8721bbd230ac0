"""`approvals`: enough people who did not make it have signed that it may."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from modeldeck.app.config.policy import Role

from .facts import Facts
from .rule import FAIL, PASS, PROMOTE, ROLLBACK, UNKNOWN, WAIT, Finding, Problem, Rule


class Approvals(Rule, frozen=True, kw_only=True):
    """`count` approvals by people with one of `roles`, each good for `days` days.

    Those who made the version, or wrote its card last, do not count; nor does the same person or
    key twice. A refusal that stands fails it. Numbers: have, want, people, ids, passed_over.
    """

    purposes: ClassVar[Sequence[str]] = (PROMOTE, ROLLBACK)
    count: int = 1
    roles: tuple[Role, ...] = ("approver",)
    days: int = 14

    def problems(self) -> Iterator[Problem]:
        if self.count < 1:
            yield ("count",), "count is below 1: nobody needs to approve", ""
        if not 1 <= self.days <= 366:
            yield ("days",), "days is not between 1 and 366", ""
        if not self.roles:
            yield ("roles",), "roles names no role: nobody may approve", 'Write ["approver"]'

    async def judge(self, facts: Facts) -> Finding:
        from modeldeck.app.usecases.approvals import approvals_of
        from modeldeck.app.usecases.makers import made_by, makers_of

        session, version = facts.session, facts.candidate.version
        asks = "1 approval" if self.count == 1 else f"{self.count} approvals"
        if not session.policy.people:
            return Finding(UNKNOWN, asks, "the policy names no people, so nobody can approve")
        makers = await makers_of(session, version)
        if not any(maker.user or maker.key or maker.person for maker in makers):
            return Finding(UNKNOWN, asks, "who made it is not known, so nobody can be told apart")
        said = await approvals_of(session, version, facts.target, facts.evidence)
        people: dict[str, str] = {}
        keys: set[str] = set()
        over: dict[str, str] = {}
        for one in said:
            if one.decision == "refused" and one.counts:
                return Finding(FAIL, asks, f"{one.person} refused it", {"refused": one.person})
            if one.decision != "approved":
                continue
            why = one.why if not one.counts else self._against(session.policy.people, one.person)
            if not why and (did := made_by(one.person, one.key, makers, session.policy.people)):
                why = f"may not: {did}"
            if not why and (one.person in people or one.key in keys):
                why = "counts once"
            if why:
                over[one.id] = f"{one.person or 'somebody'} {why}"
                continue
            people[one.person] = one.id
            keys.add(one.key)
        have = len(people)
        words = [f"{have} of {self.count}"]
        words += [f"signed by {', '.join(people)}"] if people else []
        words += list(over.values())
        numbers = {
            "have": have,
            "want": self.count,
            "people": list(people),
            "ids": list(people.values()),
            "passed_over": over,
        }
        verdict = PASS if have >= self.count else WAIT
        return Finding(verdict, asks, "; ".join(words), numbers)

    def _against(self, people: Any, name: str) -> str:
        person = people.get(name)
        if person is None:
            return "is nobody of the policy"
        if not set(person.roles) & set(self.roles):
            return f"is no {' or '.join(self.roles)}"
        return ""
