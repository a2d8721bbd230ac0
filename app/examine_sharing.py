"""What `modeldeck doctor` looks at of keys to sign with and records that are shared."""

from collections.abc import Iterator, Sequence

from modeldeck.backends.api.errors import ModeldeckError

from .config.settings import read_settings
from .usecases.findings import Finding, bad, doubtful, good
from .usecases.keys import list_keys
from .usecases.session import Session

_NEW = "`modeldeck key new` makes one; config.toml can name one: [signing] key"


async def sharing_findings(session: Session) -> Sequence[Finding]:
    """Raises nothing: what fails is a finding. The shared place is asked, if there is one."""
    found: list[Finding] = []
    try:
        found.extend(_keys(session))
    except ModeldeckError as error:
        found.append(bad("signing", str(error)))
    if session.statements is None:
        return found
    try:
        status = await session.statements.status()
        if status.shared:
            found.extend(await _place(session))
    except ModeldeckError as error:
        found.append(bad("sharing", str(error)))
    return found


def _keys(session: Session) -> Iterator[Finding]:
    keys = list_keys(read_settings().signing)
    for key in keys:
        if key.trouble:
            way_out = "Mend signing.key, or `modeldeck key rm` and `key new`"
            yield bad("signing", f"{key.name}: {key.where}: {key.trouble}", way_out)
    mine = next((key for key in keys if key.use == "statements" and not key.trouble), None)
    people = session.policy.people
    if mine is None:
        if people and not any(key.use == "statements" for key in keys):
            yield doubtful("signing", "no key to sign with", _NEW)
        return
    from .config.signing import owners_of

    shows = f"{mine.fingerprint} ({mine.where})"
    owner = owners_of(session.policy).get(mine.fingerprint)
    if owner is not None and owner.person and owner.revoked is None:
        yield good("signing", f"{shows}, of {owner.person} by the policy")
    elif not people:
        yield good("signing", shows)
    else:
        why = "revoked by the policy" if owner and owner.revoked else "nobody's by the policy"
        yield doubtful(
            "signing", f"{shows}, {why}", "Its line goes under [people.NAME]: `modeldeck key show`"
        )


async def _place(session: Session) -> Sequence[Finding]:
    assert session.statements is not None
    sync = await session.statements.sync()
    age = ", never reached"
    if sync.at is not None:
        seconds = int((session.clock() - sync.at).total_seconds())
        age = f", last reached {seconds} s ago"
    shows = f"{sync.place}{age}"
    if sync.waiting:
        shows += f", {sync.waiting} waiting to be sent"
    if not sync.trouble:
        return [good("sharing", shows)]
    state = doubtful if sync.away and not sync.rewritten else bad
    way_out = "`modeldeck records status` says more, `records accept` takes them as they are"
    if sync.away:
        way_out = "What waits is kept and sent when it can be reached: `modeldeck records sync`"
    return [state("sharing", f"{shows}: {sync.trouble}", way_out)]
