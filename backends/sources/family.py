"""Parents before their children."""

from collections.abc import Iterator, Mapping, Sequence


def parents_first(
    ids: Sequence[str], parents: Mapping[str, str]
) -> tuple[Sequence[str], Mapping[str, str]]:
    """`ids` with each after its parent, else in their order; and the links that close a circle."""
    known = set(ids)
    done: set[str] = set()
    cut: dict[str, str] = {}

    def line(first: str) -> Iterator[str]:
        chain: dict[str, None] = {}
        item: str | None = first
        while item is not None and item in known and item not in done:
            if item in chain:
                last = next(reversed(chain))
                cut[last] = item
                break
            chain[item] = None
            item = parents.get(item)
        done.update(chain)
        return reversed(chain)

    return [item for first in ids if first not in done for item in line(first)], cut
