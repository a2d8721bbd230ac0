"""The nouns of approving: words that were signed, what they count for, what waits for whom."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from modeldeck.app.config.policy import Person
from modeldeck.backends.api.plan import Verdict

DAYS = 14
"""For how long an approval holds where the policy does not say."""
Decision = Literal["approved", "refused", "asked", "withdrawn"]
Kind = Literal["wrong", "due", "decide", "conflict", "void", "decided"]
_SHORT = 8
_OVER = {"it was withdrawn": "withdrawn", "it expired": "expired"}


class Word(Struct, frozen=True, kw_only=True):
    """What somebody said of a version. `trouble` says why it is not `valid`.

    `target` is MODEL@ALIAS; `request` the id of what is answered, `of` that of what is withdrawn.
    """

    id: str
    kind: str
    subject: str
    model: str
    number: int
    digest: str
    time: datetime
    person: str = ""
    key: str = ""
    valid: bool = False
    trouble: str = ""
    target: str = ""
    policy: str = ""
    commit: str = ""
    evidence: str = ""
    gates: Sequence[Verdict] = ()
    expires: datetime | None = None
    due: datetime | None = None
    request: str = ""
    of: str = ""
    why: str = ""
    ticket: str = ""

    @property
    def alias(self) -> str:
        """The alias of its target."""
        return self.target.rpartition("@")[2]

    @property
    def short(self) -> str:
        """The beginning of its id, for people."""
        return short_id(self.id)


def short_id(text: str) -> str:
    """The first digits of the id of a statement."""
    return text.removeprefix("sha256:")[:_SHORT]


class Approval(Struct, frozen=True, kw_only=True):
    """One signed word on whether a version may go to an alias.

    `counts`: a request stands open, an approval lets through, a refusal stops; `why` says why it
    does not. `request` is the one that is answered, `reason` what the person wrote.
    """

    id: str
    person: str
    key: str
    decision: Decision
    time: datetime
    expires: datetime | None
    counts: bool
    why: str = ""
    request: str = ""
    reason: str = ""


class Maker(Struct, frozen=True, kw_only=True):
    """Somebody who had a hand in it; `did` says how. Empty is what is not known of them."""

    did: str
    user: str = ""
    host: str = ""
    key: str = ""
    person: str = ""


class Standing(Struct, frozen=True, kw_only=True):
    """What an approval of a version for `target` must fit to count. `days` it holds at most."""

    subject: str
    digest: str
    target: str
    evidence: str
    policy: str
    people: Mapping[str, Person]
    makers: Sequence[Maker]
    now: datetime
    days: int = DAYS


class Request(Struct, frozen=True, kw_only=True):
    """A request with all that was said of the same version and target; `needed` approvals."""

    word: Word
    said: Sequence[Approval]
    standing: Standing
    needed: int

    @property
    def itself(self) -> Approval | None:
        """The request as it was judged; None where it is not of this version."""
        return next((one for one in self.said if one.id == self.word.id), None)

    @property
    def approved(self) -> Sequence[Approval]:
        """The approvals that count."""
        return [one for one in self.said if one.decision == "approved" and one.counts]

    @property
    def refused(self) -> Approval | None:
        """The refusal that stops it."""
        stops = (one for one in self.said if one.decision == "refused" and one.counts)
        return next(stops, None)

    @property
    def state(self) -> str:
        """refused, approved, wait; or withdrawn, expired, void: it does not stand itself."""
        if self.refused is not None:
            return "refused"
        if self.itself is None:
            return "void"
        if not self.itself.counts:
            why = self.itself.why
            return next((word for said, word in _OVER.items() if why.startswith(said)), "void")
        return "approved" if len(self.approved) >= self.needed else "wait"


class Waiting(Struct, frozen=True, kw_only=True):
    """One thing that waits, worst first by `kind`.

    wrong     records that were rewritten, an approval that is overdue after a broken glass
    due       an approval that is due by `until` after a broken glass
    decide    a request that this person may decide on, until it lapses
    conflict  several versions are asked for at the same time
    void      an approval of this person's that counts no more
    decided   a request of this person's that was approved or refused

    `id` is that of the request, empty where there is none; `person` who asked or decided.
    """

    kind: Kind
    id: str = ""
    model: str = ""
    version: int | None = None
    target: str = ""
    person: str = ""
    time: datetime | None = None
    until: datetime | None = None
    words: str = ""
    command: str = ""
