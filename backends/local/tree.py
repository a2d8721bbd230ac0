"""The Merkle tree over the trail: nodes are stored as they are finished, from level `LOWEST` on.

Leaf i is event i + 1. What is below is hashed anew from the leaves under it. All of it can be made
anew from the leaves, which it is for trails that were begun before there was a tree; `checking`
compares it with them.
"""

from collections.abc import Iterable

from ..tlog.merkle import Growing, Node, leaf_hash, node_hash
from .database import Connection

LOWEST = 4
"""A change writes a node only each 16 events, and a proof reads a few leaves more."""
GAP = bytes(32)
"""In the place of the hash of a leaf that is not there: whoever removed one does not stop work."""
_PIECE = 10_000


def size(connection: Connection) -> int:
    """How many leaves the tree has."""
    row = connection.execute("SELECT max(seq) FROM audit").fetchone()
    return row[0] or 0


def append(connection: Connection, seq: int) -> None:
    """Store the nodes that the event of that number, which is there already, has finished."""
    if seq % (1 << LOWEST):
        return
    index = (seq >> LOWEST) - 1
    if index and not _stored(connection, LOWEST, index - 1):
        fill(connection)
        return
    node, level = node_of(connection), LOWEST
    found = node(level, index)
    _store(connection, [(level, index, found)])
    while index & 1:
        found = node_hash(node(level, index - 1), found)
        level, index = level + 1, index >> 1
        _store(connection, [(level, index, found)])


def node_of(connection: Connection) -> Node:
    """The function that gives finished nodes; those that are not stored are computed."""

    def node(level: int, index: int) -> bytes:
        if level >= LOWEST and (stored := _stored(connection, level, index)):
            return stored
        if level <= LOWEST:
            return _from_leaves(connection, level, index)
        return node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))

    return node


def _from_leaves(connection: Connection, level: int, index: int) -> bytes:
    first = (index << level) + 1
    hashes = [GAP] * (1 << level)
    sql = "SELECT seq, leaf FROM audit WHERE seq BETWEEN ? AND ?"
    for seq, leaf in connection.execute(sql, (first, first + len(hashes) - 1)):
        hashes[seq - first] = leaf_hash(leaf)
    while len(hashes) > 1:
        hashes = [node_hash(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def fill(connection: Connection) -> None:
    """Make all stored nodes anew from the leaves."""
    connection.execute("DELETE FROM audit_node")
    growing = Growing()
    rows: list[tuple[int, int, bytes]] = []
    for seq, leaf in connection.execute("SELECT seq, leaf FROM audit ORDER BY seq"):
        for value in [GAP] * (seq - 1 - growing.size) + [leaf_hash(leaf)]:
            rows += [made for made in growing.add(value) if made[0] >= LOWEST]
        if len(rows) >= _PIECE:
            _store(connection, rows)
            rows = []
    _store(connection, rows)


def _store(connection: Connection, nodes: Iterable[tuple[int, int, bytes]]) -> None:
    connection.executemany("REPLACE INTO audit_node VALUES(?, ?, ?)", nodes)


def _stored(connection: Connection, level: int, index: int) -> bytes | None:
    row = connection.execute(
        "SELECT hash FROM audit_node WHERE level = ? AND idx = ?", (level, index)
    ).fetchone()
    return row[0] if row else None
