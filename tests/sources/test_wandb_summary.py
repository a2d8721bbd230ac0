"""What a run of W&B says last of a metric is what its summary says, however it came to that."""

import random

from hypothesis import example, given
from hypothesis import strategies as st

from tests.sources.test_logs import field, log_of, wandb_at

KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.dictionaries(KEYS, st.integers(0, 3), min_size=1)
KINDS = st.sampled_from(["log", "set", "sum", "odd"])
ACTS = st.lists(st.tuples(KINDS, VALUES), min_size=1, max_size=12)


def items(values):
    return [field(1, field(2, key.encode()) + field(16, str(v).encode())) for key, v in values]


def record(number, kind, payload):
    return field(1, number) + field(kind, payload)


def written(acts, seed, *, steps=True):
    """As W&B writes: what is logged first as a summary, in another order; what is set, as one.

    `sum` is logged, and the summary says something else of it, as its greatest value; `odd` has a
    text beside that, too. Without `steps` only the histories know them.
    """
    records, step, order = [], 0, random.Random(seed)
    for act, values in acts:
        pairs = list(values.items())
        if act != "set":
            pairs += [("_timestamp", 1.7e9 + step), *([("_step", step)] if steps else [])]
        whole = items([*pairs, *([("note", '"x"')] if act == "odd" else [])])
        records.append(record(len(records), 3, b"".join(order.sample(whole, len(whole)))))
        if act != "set":
            tail = field(2, field(1, step))
            whole = items([(k, v + 10 * (act != "log" and k in values)) for k, v in pairs])
            mixed = b"".join(order.sample(whole, len(whole)))
            records.append(record(len(records), 2, mixed + tail))
            step += 1
    return records


@example([("set", {"a": 0}), ("log", {"a": 1}), ("log", {"b": 2})], 0)
@example([("log", {"a": 1}), ("log", {"b": 2}), ("set", {"a": 0})], 0)
@given(ACTS, st.integers(0, 9))
def test_the_last_word_counts(tmp_path_factory, acts, seed):
    source = wandb_at(tmp_path_factory.mktemp("log"), log_of(written(acts, seed))[0])
    check(source, acts)


def test_a_summary_that_knows_no_step_counts(tmp_path):
    acts = [("log", {"a": 1}), ("set", {"a": 3})]
    check(wandb_at(tmp_path, log_of(written(acts, 0, steps=False))[0]), acts)


def check(source, acts):
    (found,) = source.runs()
    wanted = {}
    for _, values in acts:
        wanted.update(values)
    assert {key: metric.value for key, metric in found.latest.items()} == wanted
