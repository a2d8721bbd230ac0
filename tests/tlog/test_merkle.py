"""Roots and proofs: the published vectors, the definition itself for small trees, laws."""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.tlog import merkle

from . import trees

VECTORS = Path(__file__).parent / "vectors"
MOST = 130
DATA = trees.leaves(MOST)


def vectors(kind):
    found = json.loads((VECTORS / f"{kind}.json").read_text(encoding="utf-8"))
    return [pytest.param(one, id=name) for name, one in found.items()]


def raw(text):
    return base64.b64decode(text) if text else b""


def proof_of(one):
    return [raw(step) for step in one["proof"] or []]


@pytest.mark.parametrize("one", vectors("inclusion"))
def test_published_inclusion(one):
    leaf, root = raw(one["leafHash"]), raw(one["root"])
    holds = merkle.includes(one["leafIdx"], one["treeSize"], leaf, proof_of(one), root)
    assert holds is not one["wantErr"]


@pytest.mark.parametrize("one", vectors("consistency"))
def test_published_consistency(one):
    before, after = raw(one["root1"]), raw(one["root2"])
    holds = merkle.consistent(one["size1"], one["size2"], proof_of(one), before, after)
    assert holds is not one["wantErr"]


@cache
def roots():
    return [trees.mth(DATA[:n]) for n in range(MOST + 1)]


def stored():
    """The nodes that a growing tree makes, and its leaves."""
    growing, nodes = merkle.Growing(), {}
    for index, leaf in enumerate(DATA):
        nodes[0, index] = merkle.leaf_hash(leaf)
        nodes |= {(level, at): value for level, at, value in growing.add(nodes[0, index])}
        assert growing.root() == roots()[index + 1]
    return nodes


NODES = stored()


def node(level, index):
    return NODES[level, index]


def test_a_growing_tree_finishes_each_node_once_and_rightly():
    assert len(NODES) == MOST + sum(MOST >> level for level in range(1, 8))
    right = trees.node_of(DATA)
    assert all(value == right(*at) for at, value in NODES.items())
    assert merkle.Growing().root() == merkle.EMPTY == trees.mth([])


def test_roots_of_all_sizes():
    for size, root in enumerate(roots()):
        assert merkle.root(size, node) == root
        assert merkle.fold([node(*at) for at in merkle.finished(size)]) == root


def test_inclusion_of_every_leaf_in_every_tree():
    for size in range(1, MOST + 1):
        for index in range(size):
            path = merkle.inclusion(index, size, node)
            if size <= 40:
                assert path == trees.path(index, DATA[:size])
            assert merkle.includes(index, size, NODES[0, index], path, roots()[size])


def test_consistency_of_every_pair():
    for new in range(MOST + 1):
        for old in range(new + 1):
            path = merkle.consistency(old, new, node)
            if old > 0 and new <= 40:
                assert path == trees.proof(old, DATA[:new])
            assert merkle.consistent(old, new, path, roots()[old], roots()[new])
            if old < new:
                assert not merkle.consistent(old, new, path, roots()[new], roots()[new])
                assert not merkle.consistent(new, old, path, roots()[new], roots()[old])


@pytest.mark.parametrize("pair", [(0, 0), (3, 3), (-1, 3)])
def test_what_is_not_in_a_tree_has_no_proof(pair):
    with pytest.raises(ValueError, match="not in a tree"):
        merkle.inclusion(*pair, node)


def test_a_larger_tree_is_no_beginning():
    with pytest.raises(ValueError, match="no beginning"):
        merkle.consistency(4, 3, node)


def test_empty_trees():
    assert merkle.consistent(0, 0, [], merkle.EMPTY, merkle.EMPTY)
    assert merkle.consistent(0, 7, [], merkle.EMPTY, roots()[7])
    assert not merkle.consistent(0, 7, [], roots()[1], roots()[7]), "the empty tree has one root"
    assert not merkle.consistent(0, 7, [roots()[1]], merkle.EMPTY, roots()[7])
    assert not merkle.consistent(0, 0, [], merkle.EMPTY, roots()[1])
    assert not merkle.includes(0, 0, NODES[0, 0], [], merkle.EMPTY)


@given(st.data())
def test_a_proof_with_any_bit_flipped_proves_nothing(data):
    new = data.draw(st.integers(2, MOST))
    old = data.draw(st.integers(1, new - 1))
    index = data.draw(st.integers(0, new - 1))
    for path, holds in (
        (
            merkle.inclusion(index, new, node),
            lambda p: merkle.includes(index, new, NODES[0, index], p, roots()[new]),
        ),
        (
            merkle.consistency(old, new, node),
            lambda p: merkle.consistent(old, new, p, roots()[old], roots()[new]),
        ),
    ):
        assert holds(path)
        place = data.draw(st.integers(0, len(path) * 256 - 1))
        wrong = bytearray(path[place // 256])
        wrong[place % 256 // 8] ^= 1 << place % 8
        assert not holds([*path[: place // 256], bytes(wrong), *path[place // 256 + 1 :]])
        assert not holds(path[:-1])
        assert not holds([*path, path[0]])
        assert not holds([path[0][:-1], *path[1:]])
