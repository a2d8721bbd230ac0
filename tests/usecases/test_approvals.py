"""Which signed words on a version count. Real keys, real signatures, real rows of a registry."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from modeldeck.app.config.policy import Person
from modeldeck.app.usecases.approvals import approvals_of
from modeldeck.app.usecases.asked import Standing, Word
from modeldeck.app.usecases.attest import word_of
from modeldeck.backends.api.statements import Signed, Statement
from modeldeck.backends.api.times import rfc3339
from tests.usecases.people import DIGEST, KEYS, OTHER_DIGEST, Key, Place, at, policy_of
from tests.usecases.project import NOW

SUBJECT = "models/fraud/2"
TARGET = "fraud@champion"
ROOT = "sha256:" + "e0" * 32
HOUR = timedelta(hours=1)


@pytest.fixture
def place(session):
    return Place(session.registry)


async def version_of(place, number=2):
    return await place.registry.version("fraud", number)


async def words_on(place, kind="request", **body):
    found = await version_of(place)
    given = {
        "target": TARGET,
        "policy": {"commit": "a1b2" * 10, "digest": DIGEST},
        "evidence": ROOT,
        "expires": rfc3339(NOW + timedelta(days=14)),
        "why": "retrained",
        **body,
    }
    return Statement(kind=kind, subject=SUBJECT, digest=found.digest, time=place.now, body=given)


async def asked(place):
    """A request of ana, and an approval as rev1 would sign it an hour later."""
    request = await place.say(KEYS["ana"], await words_on(place))
    place.now += HOUR
    return request, await words_on(place, "approval", request=request.id)


async def judged(place, *, evidence=ROOT, target=TARGET, number=2):
    found = await approvals_of(place.of("ana"), await version_of(place, number), target, evidence)
    return [(one.decision, one.person, one.counts, one.why) for one in found]


async def why_not(place, key, statement):
    """Why an approval does not count that is put beside a request."""
    signed = await place.say(key, statement)
    found = await approvals_of(place.of("ana"), await version_of(place), TARGET, ROOT)
    one = next(one for one in found if one.id == signed.id)
    assert one.counts == (one.why == "")
    return one.why


async def test_a_request_and_an_approval_that_counts(place):
    request, approval = await asked(place)
    await place.say(KEYS["rev1"], approval)
    found = await approvals_of(place.of("ana"), await version_of(place), TARGET, ROOT)
    assert [(o.decision, o.person, o.counts, o.why, o.reason) for o in found] == [
        ("asked", "ana", True, "", "retrained"),
        ("approved", "rev1", True, "", "retrained"),
    ]
    assert [one.request for one in found] == [request.id, request.id]
    assert found[1].key == KEYS["rev1"].fingerprint
    assert found[1].expires == NOW + timedelta(days=14)


async def test_without_records_nobody_has_said_anything(place):
    session = place.of("ana", statements=None)
    assert await approvals_of(session, await version_of(place), TARGET, ROOT) == ()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"digest": OTHER_DIGEST}, "it was signed for other content"),
        ({"target": "fraud@candidate"}, "it was signed for fraud@candidate"),
        ({"evidence": "sha256:" + "00" * 32}, "the evidence changed since"),
        ({"policy": {"commit": "", "digest": OTHER_DIGEST}}, "the policy changed since"),
        ({"policy": {}}, "the policy changed since"),
        ({"expires": rfc3339(NOW)}, "it expired 2026-11-23 12:00Z"),
        ({"time": NOW - HOUR}, "it is dated before its request"),
        ({"request": "00" * 32}, "the request that it answers is not here"),
        ({"request": ""}, "the request that it answers is not here"),
    ],
)
async def test_an_approval_of_something_else_does_not_count(place, change, why):
    _, approval = await asked(place)
    assert await why_not(place, KEYS["rev1"], at(approval, **change)) == why


async def test_an_approval_dated_ahead_does_not_count(place):
    _, approval = await asked(place)
    ahead = at(approval, time=place.now + HOUR)
    assert "dated ahead" in await why_not(place, KEYS["rev1"], ahead)


async def test_the_clock_set_back_makes_it_dated_ahead(place):
    _, approval = await asked(place)
    await place.say(KEYS["rev1"], at(approval, time=place.now))
    place.now -= timedelta(minutes=30)
    assert (await judged(place))[1] == ("approved", "rev1", False, "it is dated ahead")


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ("ana", "ana has not the role approver"),
        ("root", "root has not the role approver"),
        ("op1", "op1 registered it"),
    ],
)
async def test_who_may_not_approve(place, person, why):
    _, approval = await asked(place)
    assert (await why_not(place, KEYS[person], approval)).startswith(why)


async def test_a_key_that_the_policy_does_not_name_counts_for_nothing(place):
    _, approval = await asked(place)
    assert "nobody's by the policy" in await why_not(place, Key("mine"), approval)


async def test_the_author_under_a_second_key_is_the_author(place):
    second = Key("op1 at home")
    op1 = Person(keys=(KEYS["op1"].public, second.public), roles=("approver",), logins=("op1",))
    place.policy = policy_of(op1=op1)
    _, approval = await asked(place)
    assert (await why_not(place, second, approval)).startswith("op1 registered it")


async def test_the_author_under_a_second_name_with_the_same_login_is_the_author(place):
    second = Key("op1 too")
    alias = Person(keys=(second.public,), roles=("approver",), logins=("op1@jump1",))
    place.policy = policy_of(shadow=alias)
    _, approval = await asked(place)
    assert (await why_not(place, second, approval)).startswith("shadow ")


async def test_who_asked_may_not_approve(place):
    request = await place.say(KEYS["rev1"], await words_on(place))
    approval = await words_on(place, "approval", request=request.id)
    assert await why_not(place, KEYS["rev1"], approval) == "rev1 asked for it"


async def test_an_approval_holds_no_longer_than_the_policy_lets_it(place):
    _, approval = await asked(place)
    far = at(approval, expires=rfc3339(NOW + timedelta(days=300)))
    assert await why_not(place, KEYS["rev1"], far) == ""
    place.now += timedelta(days=13, hours=23, minutes=59)
    assert (await judged(place))[1][2]
    place.now += timedelta(minutes=1)
    assert (await judged(place))[1][3] == "it expired 2026-12-07 13:00Z"


async def test_a_copied_signature_does_not_count(place):
    """The envelope of another version cannot be made to speak of this one."""
    _, approval = await asked(place)
    other = await place.say(KEYS["rev1"], at(approval, subject="models/fraud/1"))
    assert other.id not in {
        one.id for one in await approvals_of(place.of("ana"), await version_of(place), TARGET, ROOT)
    }
    assert [one[:3] for one in await judged(place)] == [("asked", "ana", True)]
    assert [one[3] for one in await judged(place, number=1)] == ["it was signed for other content"]


async def test_one_a_person(place):
    _, approval = await asked(place)
    for _ in range(3):
        await place.say(KEYS["rev1"], approval)
        place.now += HOUR
        approval = at(approval, time=place.now)
    found = await judged(place)
    assert [one[2] for one in found] == [True, False, False, True]
    assert found[1][3] == "another one of rev1 or of that key counts"


async def test_the_very_same_envelope_twice_is_one(place):
    _, approval = await asked(place)
    await place.say(KEYS["rev1"], approval)
    await place.say(KEYS["rev1"], approval)
    assert len(await judged(place)) == 2


async def test_withdrawn_by_its_own_person_alone(place):
    _, approval = await asked(place)
    signed = await place.say(KEYS["rev1"], approval)
    back = await words_on(place, "withdrawal", of=signed.id)
    await place.say(KEYS["rev2"], back)
    assert (await judged(place))[1][2]
    await place.say(KEYS["rev1"], back)
    assert next(one for one in await judged(place) if one[0] == "approved") == (
        "approved",
        "rev1",
        False,
        "it was withdrawn 2026-11-23 13:00Z",
    )


async def test_with_the_request_go_its_approvals(place):
    request, approval = await asked(place)
    await place.say(KEYS["rev1"], approval)
    await place.say(KEYS["ana"], await words_on(place, "withdrawal", of=request.id))
    found = await judged(place)
    assert found[0][3] == "it was withdrawn 2026-11-23 13:00Z"
    assert found[1][3].startswith("its request does not stand: it was withdrawn")


async def test_a_refusal_stops_all_until_it_is_withdrawn(place):
    request, approval = await asked(place)
    await place.say(KEYS["rev1"], approval)
    place.now += HOUR
    refusal = await place.say(KEYS["rev2"], at(approval, kind="refusal", time=place.now))
    found = await judged(place)
    assert found[1] == ("approved", "rev1", False, "rev2 refused it")
    assert found[2] == ("refused", "rev2", True, "")
    # Asking anew does not lift it.
    await place.say(KEYS["ana"], await words_on(place, "withdrawal", of=request.id))
    again = await place.say(KEYS["ana"], await words_on(place, why="please"))
    await place.say(KEYS["rev1"], at(approval, request=again.id, time=place.now))
    assert {one[3] for one in await judged(place) if one[0] == "approved"} == {
        "its request does not stand: it was withdrawn 2026-11-23 14:00Z",
        "rev2 refused it",
    }
    await place.say(KEYS["rev2"], await words_on(place, "withdrawal", of=refusal.id))
    assert [one[1] for one in await judged(place) if one[0] == "approved" and one[2]] == ["rev1"]


async def test_a_refusal_of_who_may_not_approve_stops_nothing(place):
    _, approval = await asked(place)
    await place.say(KEYS["rev1"], approval)
    await place.say(KEYS["root"], at(approval, kind="refusal"))
    await place.say(Key("mine"), at(approval, kind="refusal"))
    assert [one[:3] for one in await judged(place) if one[2]] == [
        ("asked", "ana", True),
        ("approved", "rev1", True),
    ]


async def test_whoever_edits_the_card_last_may_not_approve(place):
    from modeldeck.backends.api.plan import Change
    from tests.usecases.project import plan_of

    _, approval = await asked(place)
    await place.say(KEYS["rev1"], approval)
    assert (await judged(place))[1][2]
    plan = plan_of("version.card", Change(SUBJECT, "card", "", "# fraud"), now=place.now)
    await place.registry.apply(plan, place.of("rev1").actor, "bank")
    assert (await judged(place))[1][3] == "rev1 wrote its card last"


async def test_the_events_that_others_signed_tell_of_their_cards(place):
    _, approval = await asked(place)
    await place.say(KEYS["rev1"], approval)
    event = Statement(
        kind="event",
        subject=SUBJECT,
        time=place.now,
        body={"action": "version.card", "phase": "done"},
    )
    await place.say(Key("mine"), event)
    assert (await judged(place))[1][2]
    await place.say(KEYS["rev1"], event)
    assert (await judged(place))[1][3] == "rev1 wrote its card last"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"target": 7},
        {"target": "churn@champion"},
        {"target": "fraud@"},
        {"target": TARGET, "expires": "tomorrow"},
        {"target": TARGET, "expires": "2026-11-30T00:00:00"},
        {"target": TARGET, "expires": "9999-12-31T23:59:59Z"},
        {"target": TARGET, "policy": "main"},
        {"target": TARGET, "gates": [{"rule": 1}]},
    ],
)
async def test_words_of_another_shape_say_nothing(place, body):
    statement = Statement(kind="approval", subject=SUBJECT, time=place.now, body=body)
    signed = await place.say(KEYS["rev1"], statement)
    word = word_of(signed)
    assert (word.valid, word.trouble[:12]) == (False, "what it says")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=9,
)


@given(
    kind=st.sampled_from(["request", "approval", "refusal", "withdrawal", "event", "?"]),
    subject=st.text(max_size=20) | st.sampled_from([SUBJECT, "models/a", "runs/1", "x/models/a/1"]),
    body=st.dictionaries(
        st.sampled_from(["target", "policy", "expires", "due", "gates", "request", "of", "why"]),
        json_values | st.sampled_from([TARGET, "2026-11-30T00:00:00Z"]),
    ),
)
def test_reading_what_others_say_never_raises(kind, subject, body):
    said = Signed(
        id="00", statement=Statement(kind=kind, subject=subject, time=NOW, body=body), valid=True
    )
    word = word_of(said)
    assert word is None or word.valid == (word.trouble == "")
    assert word is None or not word.valid or word.target.startswith(f"{word.model}@")


def standing(**changed):
    given = {
        "subject": SUBJECT,
        "digest": DIGEST,
        "target": TARGET,
        "evidence": ROOT,
        "policy": DIGEST,
        "people": policy_of().people,
        "makers": (),
        "now": NOW + HOUR,
    }
    return Standing(**{**given, **changed})


WHO = st.sampled_from(["ana", "rev1", "rev2", "root", "op1", ""])


@st.composite
def a_word(draw, number):
    kind = draw(st.sampled_from(["request", "approval", "approval", "refusal", "withdrawal"]))
    person = draw(WHO)
    earlier = f"{draw(st.integers(0, max(number - 1, 0)))}"
    return Word(
        id=f"{number}",
        kind=kind,
        subject=SUBJECT,
        model="fraud",
        number=2,
        digest=draw(st.sampled_from([DIGEST, DIGEST, DIGEST, OTHER_DIGEST])),
        time=NOW + timedelta(minutes=draw(st.integers(-9, 9)) + 10 * number),
        person=person,
        key=f"key {person}",
        valid=bool(person) and draw(st.sampled_from([True, True, True, False])),
        trouble="",
        target=draw(st.sampled_from([TARGET, TARGET, "fraud@other"])),
        policy=DIGEST,
        evidence=ROOT,
        request=earlier if kind in ("approval", "refusal") else "",
        of=earlier if kind == "withdrawal" else "",
    )


def twice_withdrawn():
    """A request that was taken back two times, as it may arrive in any order."""
    request = Word(
        id="0", kind="request", subject=SUBJECT, model="fraud", number=2, digest=DIGEST, time=NOW,
        person="root", key="key root", valid=True, trouble="", target=TARGET, policy=DIGEST,
        evidence=ROOT,
    )  # fmt: skip
    back = [
        msgspec.structs.replace(
            request, id=str(at), kind="withdrawal", of="0", time=NOW + timedelta(minutes=10 * at)
        )
        for at in (1, 2)
    ]
    return (request, *back)


@given(words=st.integers(0, 7).flatmap(lambda n: st.tuples(*(a_word(at) for at in range(n)))))
@example(words=twice_withdrawn())
def test_laws_of_what_counts(words):
    from modeldeck.app.usecases.approvals import judge

    said = judge(words, standing())
    by_id = {word.id: word for word in words}
    counting = [one for one in said if one.counts and one.decision == "approved"]
    assert len({one.person for one in counting}) == len(counting)
    assert not counting or not any(o.counts for o in said if o.decision == "refused")
    for one in counting:
        request = by_id[one.request]
        assert by_id[one.id].valid
        assert request.valid
        assert request.kind == "request"
        assert one.person not in (request.person, "root", "ana", "")
        assert by_id[one.id].digest == DIGEST
    # The order in which words arrive says nothing.
    again = {one.id: (one.counts, one.why) for one in judge(words[::-1], standing())}
    assert again == {one.id: (one.counts, one.why) for one in said}
