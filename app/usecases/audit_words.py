"""What a look at the trail found, in words for people; whoever prints them makes them safe."""

from modeldeck.backends.api.trail import Broken, TrailCheck


def broken_words(broken: Broken) -> str:
    """Which event, what of it, and what shows it."""
    which = f"event {broken.seq:,}"
    if broken.last is not None and broken.last != broken.seq:
        which = f"one or more of the events {broken.seq:,} to {broken.last:,}"
    return f"{which} {broken.what} (seen by its {broken.by})"


def summary(found: TrailCheck) -> str:
    """All of it in one line."""
    if found.broken is not None:
        return f"BROKEN: {broken_words(found.broken)}"
    bad = [one for one in found.compared if one.bad]
    if bad:
        return f"BROKEN: {bad[0].place}: {bad[0].words}"
    if found.unsigned:
        seqs = ", ".join(f"{seq:,}" for seq in found.unsigned[:5])
        return f"UNSIGNED: event {seqs} of people who sign"
    same = [one for one in found.compared if one.state == "same"]
    outside = found.newest_outside
    words = f"{found.size:,} events are as written, {len(same):,} checkpoints agree"
    if outside is None:
        return f"{words}, none outside of the file"
    later = found.size - outside.size
    return f"{words}; the newest outside, {outside.place}, counts all but {later:,}"
