"""Events around an instant, found by subject in the index of the trail: no payload is scanned."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from ..api.events import Event
from ..api.looks import Look
from ..api.times import from_micros, to_micros
from .database import Connection, Database

# What ended. Whatever else there is of a subject between two of these is told with them.
_CERTAIN = "('done', 'observed', 'learned')"
_HERE = "('done', 'observed')"
_AROUND = f"""
WITH subjects AS MATERIALIZED (
    SELECT DISTINCT subject FROM audit_index WHERE subject >= :first AND subject < :after
    AND instr(subject, :holding)
), latest AS MATERIALIZED (
    SELECT subject, (
        SELECT i.seq FROM audit_index i WHERE i.subject = s.subject AND i.time <= :time
        AND i.phase IN {_CERTAIN} ORDER BY i.seq DESC LIMIT 1
    ) AS seq FROM subjects s
), bounds AS MATERIALIZED (
    SELECT l.subject, l.seq AS last, coalesce(
        (SELECT min(i.caused_by, i.seq) FROM audit_index i
         WHERE i.seq = l.seq AND i.caused_by IS NOT NULL AND i.phase = 'done'), l.seq, 0
    ) AS low, coalesce(
        (SELECT i.seq FROM audit_index i WHERE i.subject = l.subject
         AND i.seq > coalesce(l.seq, 0) AND i.phase IN {_HERE} ORDER BY i.seq LIMIT 1 OFFSET 1),
        9223372036854775807
    ) AS high FROM latest l
), back AS MATERIALIZED (
    -- The clock was set back since: a later event has an earlier time.
    SELECT (
        SELECT i.seq FROM audit_index i WHERE i.subject = b.subject AND i.seq < b.last
        AND i.time > :time AND i.phase IN {_CERTAIN} ORDER BY i.time DESC LIMIT 1
    ) AS seq FROM bounds b WHERE b.last IS NOT NULL
)
SELECT i.seq FROM bounds b CROSS JOIN audit_index i ON i.subject = b.subject
    AND i.seq BETWEEN b.low AND b.high
UNION SELECT seq FROM back
UNION SELECT i.caused_by FROM back JOIN audit_index i ON i.seq = back.seq
ORDER BY 1
"""


class Happened:
    """The verbs of `Around` and `Looks`."""

    registry: Database

    async def around(
        self, first: str, after: str, instant: datetime, holding: str = ""
    ) -> Sequence[Event]:
        """What is known of each subject from `first` on and before `after` around an instant."""
        from .trail import events_by_seq

        def work(connection: Connection) -> Sequence[Event]:
            values = {
                "first": first,
                "after": after,
                "holding": holding,
                "time": to_micros(instant),
            }
            rows = connection.execute(_AROUND, values).fetchall()
            return events_by_seq(connection, [row[0] for row in rows if row[0] is not None])

        return await self.registry.read(work)

    async def begun(self) -> datetime | None:
        """When the trail begins."""

        def work(connection: Connection) -> datetime | None:
            row = connection.execute("SELECT time FROM audit_index ORDER BY seq LIMIT 1").fetchone()
            return from_micros(row[0]) if row else None

        return await self.registry.read(work)

    async def looks(self, context: str, field: str, first: str, after: str) -> Sequence[Look]:
        """What was last seen of the subjects from `first` on and before `after`, by subject."""

        def work(connection: Connection) -> Sequence[Look]:
            rows = connection.execute(
                "SELECT subject, value, since, looked FROM seen WHERE context = ? AND field = ?"
                " AND subject >= ? AND subject < ? ORDER BY subject",
                (context, field, first, after),
            )
            return [_look(*row) for row in rows.fetchall()]

        return await self.registry.read(work)


def _look(subject: str, value: str | None, since: int, looked: int) -> Look:
    found: Any = None if value is None else msgspec.json.decode(value)
    return Look(
        subject=subject,
        value=found,
        known=value is not None,
        since=from_micros(since),
        looked=from_micros(looked),
    )
