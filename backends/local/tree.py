"""The Merkle tree over the trail: finished nodes are stored as they are finished.

Leaf i is event i + 1. Level 0 is not stored: it is the hash of a leaf. All of it can be made anew
from the leaves, which it is for trails that were begun before there was a tree; `checking` compares
it with them.
"""

from ..tlog.merkle import Growing, Node, leaf_hash, node_hash
from .database import Connection

GAP = bytes(32)
"""In the place of the hash of a leaf that is not there: whoever removed one does not stop work."""
_PIECE = 10_000


def size(connection: Connection) -> int:
    """How many leaves the tree has."""
    row = connection.execute("SELECT max(seq) FROM audit").fetchone()
    return row[0] or 0


def append(connection: Connection, seq: int, leaf: bytes) -> None:
    """Store the nodes that the event of that number, which is there already, has finished."""
    index = seq - 1
    if index > 1 and not _stored(connection, 1, index // 2 - 1):
        fill(connection)
        return
    node, found, level = node_of(connection), leaf_hash(leaf), 0
    while index >> level & 1:
        found = node_hash(node(level, (index >> level) - 1), found)
        level += 1
        connection.execute(
            "REPLACE INTO audit_node VALUES(?, ?, ?)", (level, index >> level, found)
        )


def node_of(connection: Connection) -> Node:
    """The function that gives finished nodes; those that are not stored are computed."""

    def node(level: int, index: int) -> bytes:
        if level == 0:
            row = connection.execute("SELECT leaf FROM audit WHERE seq = ?", (index + 1,))
            found = row.fetchone()
            return leaf_hash(found[0]) if found else GAP
        stored = _stored(connection, level, index)
        if stored is not None:
            return stored
        return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    return node


def fill(connection: Connection) -> None:
    """Make all stored nodes anew from the leaves."""
    connection.execute("DELETE FROM audit_node")
    growing = Growing()
    rows: list[tuple[int, int, bytes]] = []
    for seq, leaf in connection.execute("SELECT seq, leaf FROM audit ORDER BY seq"):
        while growing.size < seq - 1:
            rows += growing.add(GAP)
        rows += growing.add(leaf_hash(leaf))
        if len(rows) >= _PIECE:
            connection.executemany("INSERT INTO audit_node VALUES(?, ?, ?)", rows)
            rows = []
    connection.executemany("INSERT INTO audit_node VALUES(?, ?, ?)", rows)


def _stored(connection: Connection, level: int, index: int) -> bytes | None:
    row = connection.execute(
        "SELECT hash FROM audit_node WHERE level = ? AND idx = ?", (level, index)
    ).fetchone()
    return row[0] if row else None
