"""Merkle trees of RFC 6962, section 2.1: roots, inclusion and consistency, made and verified.

A node is named by level and index: (0, i) is leaf i, (l, i) covers the leaves i * 2^l up to but not
including (i + 1) * 2^l. Only such finished nodes are ever asked of a `Node` function; whatever else
a root or proof needs is computed from them.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

Node = Callable[[int, int], bytes]
"""Gives the hash of the finished node (level, index)."""
EMPTY = sha256(b"").digest()
"""The root of a tree without leaves."""
SIZE = 32


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf)."""
    return sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\1" + left + right).digest()


def finished(size: int) -> Iterator[tuple[int, int]]:
    """The finished nodes that together cover a tree of `size` leaves, from left to right."""
    start = 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            yield level, start >> level
            start += 1 << level


def root(size: int, node: Node) -> bytes:
    """The root of the first `size` leaves."""
    return _span(0, size, node) if size else EMPTY


def fold(peaks: Sequence[bytes]) -> bytes:
    """The root over the hashes of `finished`, from left to right."""
    if not peaks:
        return EMPTY
    found = peaks[-1]
    for peak in reversed(peaks[:-1]):
        found = node_hash(peak, found)
    return found


def _split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1


def _span(start: int, end: int, node: Node) -> bytes:
    """MTH(D[start:end]) where `start` is a multiple of a power of two not below end - start."""
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(count)
    return node_hash(_span(start, middle, node), _span(middle, end, node))


def inclusion(index: int, size: int, node: Node) -> list[bytes]:
    """PATH(index, D[size]): from the leaf's sibling up. ValueError when it is not in the tree."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_span(middle, end, node))
            end = middle
        else:
            path.append(_span(start, middle, node))
            start = middle
    return path[::-1]


def consistency(old: int, new: int, node: Node) -> list[bytes]:
    """PROOF(old, D[new]); empty where one of them is empty or they are the same."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} is no beginning of one of {new}")
    if old in (0, new):
        return []
    path, start, end, whole = [], 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_span(middle, end, node))
            end = middle
        else:
            path.append(_span(start, middle, node))
            start, whole = middle, False
    if not whole:
        path.append(_span(start, end, node))
    return path[::-1]


def includes(index: int, size: int, leaf: bytes, path: Sequence[bytes], top: bytes) -> bool:
    """Whether `path` proves that the leaf of that hash is `index` in the tree with root `top`.

    The iterative form of RFC 9162, section 2.1.3.2, which proves the same as RFC 6962.
    """
    if not 0 <= index < size or not _hashes([leaf, top, *path]):
        return False
    place, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = node_hash(step, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, step)
        place, last = place >> 1, last >> 1
    return last == 0 and found == top


def consistent(old: int, new: int, path: Sequence[bytes], before: bytes, after: bytes) -> bool:
    """Whether `path` proves that the tree with root `before` is the beginning of that of `after`.

    RFC 9162, section 2.1.4.2. Every tree goes on from the empty one, whose root is known.
    """
    if not 0 <= old <= new:
        return False
    if old == new:
        return not path and before == after and (old > 0 or before == EMPTY)
    if old == 0:
        return not path and before == EMPTY and _hashes([after])
    if not path or not _hashes([before, after, *path]):
        return False
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, before)
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, step)
        place, last = place >> 1, last >> 1
    return last == 0 and first == before and second == after


def _hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == SIZE for value in values)


class Growing:
    """A tree that leaves are added to, of which only the peaks are kept."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf by its hash; gives (level, index, hash) of each node that it finished."""
        peaks, size, level, made = self._peaks, self.size, 0, []
        while size & 1:
            leaf = sha256(b"\1" + peaks.pop() + leaf).digest()
            size >>= 1
            level += 1
            made.append((level, size, leaf))
        peaks.append(leaf)
        self.size += 1
        return made

    def root(self) -> bytes:
        """Its root now."""
        return fold(self._peaks)
