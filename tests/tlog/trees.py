"""Trees by the definition of RFC 6962, section 2.1, word for word: slow, and nobody's guess."""

from __future__ import annotations

import hashlib


def leaves(count):
    return [f"leaf {n}".encode() for n in range(count)]


def split(count):
    """The largest power of two smaller than `count`."""
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def mth(data):
    if not data:
        return hashlib.sha256().digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = split(len(data))
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def path(m, data):
    if len(data) == 1:
        return []
    k = split(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def proof(m, data):
    return subproof(m, data, whole=True)


def subproof(m, data, *, whole):
    n = len(data)
    if m == n:
        return [] if whole else [mth(data)]
    k = split(n)
    if m <= k:
        return [*subproof(m, data[:k], whole=whole), mth(data[k:])]
    return [*subproof(m - k, data[k:], whole=False), mth(data[:k])]


def node_of(data):
    """The finished nodes of these leaves, each by definition."""

    def node(level, index):
        piece = data[index << level : (index + 1) << level]
        assert len(piece) == 1 << level, "asked for a node that is not finished"
        return mth(piece)

    return node
