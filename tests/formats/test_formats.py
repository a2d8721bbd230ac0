"""Model files are described by their bytes; no test here may make one of them run."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import os
import pickle
import pickletools
import struct
import subprocess
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.errors import DamagedError, NotFoundError
from modeldeck.backends.formats import inspect
from modeldeck.backends.formats import machine as machine_module


class Evil:
    """Unpickling it would touch the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


@pytest.fixture
def canary(tmp_path):
    """A file that must not be there afterwards."""
    mark = tmp_path / "canary"
    yield mark
    assert not mark.exists()


@pytest.fixture(scope="module")
def models():
    """Small trained models."""
    from sklearn.datasets import load_iris
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    x, y = load_iris(return_X_y=True)
    made = {
        "linear": make_pipeline(StandardScaler(), LogisticRegression()),
        "forest": RandomForestClassifier(3, max_depth=3),
        "boosted": HistGradientBoostingClassifier(max_iter=3),
        "function": make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()),
        "foreign": make_pipeline(FunctionTransformer(os.path.join)),
    }
    for name, model in made.items():
        if name != "foreign":
            model.fit(x, y)
    return made


def put(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def zipped(tmp_path: Path, name: str, members: dict[str, bytes | str]) -> Path:
    path = tmp_path / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return path


# --- pickles


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("suffix", [".pkl", ".joblib", ".sav"])
def test_a_pickle_that_runs_a_command_is_named(tmp_path, canary, protocol, suffix):
    data = pickle.dumps({"model": [1, 2, Evil(canary)]}, protocol)
    found = inspect(put(tmp_path, "model" + suffix, data))
    if protocol > 1 or suffix != ".sav":
        assert found.format == ("joblib" if suffix == ".joblib" else "pickle")
        assert found.unsafe[0] == "it names posix.system, which runs foreign code"
        assert found.details["complete"]
    assert found.digest == "sha256:" + hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("stop", [-1, -10, -20])
def test_a_pickle_that_ends_after_its_call_is_named_too(tmp_path, canary, stop):
    data = pickle.dumps((Evil(canary), "x" * 40), 4)
    found = inspect(put(tmp_path, "model.pkl", data[:stop]))
    assert found.unsafe[0] == "it names posix.system, which runs foreign code"
    assert any("cannot be read to its end" in why for why in found.unsafe)
    assert not found.details["complete"]


RAW = {
    "global": b"cos\nsystem\n(S'x'\ntR.",
    "python 2": b"\x80\x02c__builtin__\neval\n(U\x01xtR.",
    "renamed": b"\x80\x02ccommands\ngetoutput\n(U\x01xtR.",
    "inst": b"\x80\x02(U\x01xios\nsystem\n.",
    "obj": b"\x80\x02(cos\nsystem\nU\x01xo.",
    "stack": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.",
    "memo": b"\x80\x04\x8c\x06system\x94\x8c\x02os\x94h\x01h\x00\x93\x8c\x01x\x85R.",
    "dotted": b"\x80\x04\x8c\x07logging\x8c\x09os.system\x93\x8c\x01x\x85R.",
    "dunder": b"\x80\x04\x8c\x04abcd\x8c\x11f.__globals__.get\x93.",
    "short stack": b"\x80\x02Rbcos\nsystem\n(U\x01xtR.",
    "after stop": b"\x80\x02N.\x80\x02cos\nsystem\n.",
    "popped": b"\x80\x02cos\nsystem\n0N.",
    "newobj": b"\x80\x02csubprocess\nPopen\n)\x81.",
    "newobj ex": b"\x80\x04\x8c\x0asubprocess\x8c\x05Popen\x93)}\x92.",
    "protocol 4 unicode line": b"\x80\x02Vos\nVsystem\n\x93.",
    "framed": b"\x80\x04\x95\x05\0\0\0\0\0\0\0cos\nsystem\n.",
}


@pytest.mark.parametrize("kind", RAW)
def test_an_import_is_found_however_it_is_said(tmp_path, kind):
    found = inspect(put(tmp_path, "model.pkl", RAW[kind]))
    assert found.unsafe[0].endswith("which runs foreign code"), found.unsafe


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x80\x04\x8c\x02os\x8c\x03sys\x86\x8c\x01x\x93.", "name is made while it is loaded"),
        (b"\x80\x02\x82\x01.", "extension 1"),
        (b"\x80\x02\xff", "unknown operation 0xff"),
        (b"\x80\x04\x8e" + b"\xff" * 8, "more bytes than it has"),
        (b"\x80\x04X\xff\xff\xff\x7fabc", "ends too early"),
        (b"\x80\x04", "ends too early"),
        (b"not a pickle at all", "cannot be read"),
        (b"", "ends too early"),
    ],
)
def test_what_cannot_be_told_is_said_to_be_so(tmp_path, data, says):
    found = inspect(put(tmp_path, "model.pkl", data))
    assert found.format == "pickle"
    assert any(says in why for why in found.unsafe), found.unsafe


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("name", ["model.joblib", "model.bin"])
def test_compressed_pickles_are_looked_into(tmp_path, canary, pack, name):
    data = pickle.dumps([list(range(50_000)), Evil(canary)])
    found = inspect(put(tmp_path, name, pack(data)))
    assert found.unsafe[0] == "it names posix.system, which runs foreign code"
    assert found.details["complete"]


def test_a_second_member_of_a_gzip_is_read_as_well(tmp_path, canary):
    data = pickle.dumps(Evil(canary))
    found = inspect(put(tmp_path, "m.pkl", gzip.compress(data[:20]) + gzip.compress(data[20:])))
    assert found.details["dangerous"] == ["posix.system"]


def test_compression_that_is_not_known_is_said_to_be_so(tmp_path):
    found = inspect(put(tmp_path, "model.joblib", b"\x04\x22\x4d\x18xxxx"))
    assert found.unsafe == (
        "it could not be looked into: it is compressed with lz4, which is not looked into",
    )
    assert inspect(put(tmp_path, "data.csv.gz", gzip.compress(b"a,b\n"))).format == "unknown"


@pytest.mark.parametrize("compress", [0, 3, ("xz", 3)])
def test_joblib_files_are_read_over_their_arrays(tmp_path, models, canary, compress):
    import joblib

    objects = np.array([1, "x", Evil(canary)], dtype=object)
    structured = np.zeros(7, dtype=[("a", "f8"), ("b", "i4", (2,)), ("c", "U3")])
    content = [np.arange(5000.0), structured, models["forest"], np.array(["ab", "c"]), objects]
    path = tmp_path / "model.joblib"
    joblib.dump([*content, os.path.exists], path, compress=compress)
    found = inspect(path)
    assert found.details["complete"]
    assert found.details["dangerous"] == ["posix.system"]
    assert "genericpath.exists" in found.details["imports"]
    assert "sklearn.ensemble._forest.RandomForestClassifier" in found.details["imports"]


def test_a_command_in_what_joblib_takes_for_an_array_is_seen(tmp_path, canary):
    """Loaded with pickle, the bytes of the array are operations."""
    import joblib

    evil = pickle.dumps(Evil(canary), 2)[2:]
    buffer = io.BytesIO()
    joblib.dump(np.full(len(evil), 65, dtype="u1"), buffer)
    data = buffer.getvalue()
    head = data[: data.index(b"A" * len(evil))].rstrip(b"\xff")[:-1]
    assert head.endswith(b"b")
    # To joblib "0" is the length of a padding, to pickle it takes an object off the stack.
    array = b"0" + evil.ljust(48 + len(evil), b".")
    found = inspect(put(tmp_path, "model.pkl", head + array + b"."))
    assert found.details["complete"]
    assert found.details["dangerous"] == ["posix.system"]
    kept = inspect(put(tmp_path, "same.pkl", data))
    assert kept.details["dangerous"] == []


def test_a_model_names_what_it_needs_and_no_danger(tmp_path, models):
    for name in ("linear", "forest", "boosted"):
        found = inspect(put(tmp_path, f"{name}.pkl", pickle.dumps(models[name])))
        assert found.details["complete"]
        assert found.details["dangerous"] == []
        assert found.unsafe[0] == "it is a pickle: loading it runs what it names"
        imports = {
            f"{module}.{attribute}" for module, attribute in _looked_up(pickle.dumps(models[name]))
        }
        assert set(found.details["imports"]) == imports


def _looked_up(data: bytes) -> set[tuple[str, str]]:
    """What pickle itself looks up when it loads `data`."""
    seen = set()

    class Watching(pickle.Unpickler):
        def find_class(self, module, name):
            seen.add((module, name))
            return super().find_class(module, name)

    Watching(io.BytesIO(data)).load()
    return seen


def test_torch_archives_are_looked_into(tmp_path, canary):
    members = {"archive/data.pkl": pickle.dumps(Evil(canary)), "archive/version": "3"}
    found = inspect(zipped(tmp_path, "model.pt", members))
    assert found.format == "pickle"
    assert found.unsafe[0] == ("archive/data.pkl: it names posix.system, which runs foreign code")


def test_a_pickle_without_end_is_given_up(tmp_path, monkeypatch):
    from modeldeck.backends.formats import pickles, stream

    monkeypatch.setattr(pickles, "OPERATIONS_LIMIT", 1000)
    found = inspect(put(tmp_path, "long.pkl", b"\x80\x02" + b"N0" * 5000 + b"."))
    assert any("more than 1000 operations" in why for why in found.unsafe)
    monkeypatch.setattr(stream, "BYTES_LIMIT", 1 << 20)
    bomb = gzip.compress(b"\x80\x04\x8e" + (1 << 30).to_bytes(8, "little") + b"\0" * (8 << 20))
    found = inspect(put(tmp_path, "bomb.pkl", bomb))
    assert any("more bytes than it has" in why for why in found.unsafe)


@given(st.binary(max_size=200))
def test_any_bytes_are_described(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("any")
    for name in ("m.pkl", "m.onnx", "m.safetensors", "m.npy", "m.skops", "m.keras", "m.bin"):
        msgspec.json.encode(inspect(put(folder, name, data)))


def test_what_a_file_says_can_be_stored(tmp_path):
    """Lone surrogates, huge numbers, depth: all that JSON or SQLite would stumble over."""
    deep = json.loads("[" * 200 + "]" * 200)
    texts = {"\ud800": "\udfff", "n": 10**30, "deep": deep, "nan": float("nan")}
    page = "flavors:\n  python_function:\n    loader_module: mlflow.x\nsignature:\n  inputs: '"
    (tmp_path / "m").mkdir()
    put(tmp_path / "m", "MLmodel", (page + json.dumps(texts) + "'\n").encode())
    found = inspect(tmp_path / "m")
    assert found.signature["inputs"]["\ufffd"] == "\ufffd"
    assert found.signature["inputs"]["n"] == str(10**30)
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': {1: {2, 3}}}"
    size = len(header).to_bytes(2, "little")
    odd = inspect(put(tmp_path, "m.npy", b"\x93NUMPY\1\0" + size + header))
    for content in (found, odd):
        assert msgspec.json.decode(msgspec.json.encode(content))


def test_a_page_of_one_long_line_takes_no_time(tmp_path):
    from modeldeck.backends.formats.mlmodel import parsed

    assert parsed("a" + " " * 1_000_000) == {}
    assert parsed("a: '" + "'" * 1_000_001)["a"] == "'" * 500_000


def test_every_operation_is_known_to_the_machine():
    names = {op.name for op in pickletools.opcodes}
    known = {*machine_module._HANDLERS, *machine_module._IDLE}
    assert known - names <= {"NONE"}
    pushing = names - known
    assert all(
        op.stack_after and not op.stack_before
        for op in pickletools.opcodes
        if op.name in pushing - {"STOP"}
    )


# --- skops


def saved(tmp_path: Path, model: object, name: str = "model.skops") -> Path:
    import skops.io

    path = tmp_path / name
    skops.io.dump(model, path)
    return path


def asked(path: Path) -> list[str]:
    """The types that skops itself would ask about."""
    import skops.io

    return skops.io.get_untrusted_types(file=path)


@pytest.mark.real
@pytest.mark.parametrize("name", ["linear", "forest", "boosted", "function", "foreign"])
def test_skops_files_name_the_types_that_skops_asks_about(tmp_path, models, name):
    path = saved(tmp_path, models[name])
    found = inspect(path)
    assert found.format == "skops"
    assert found.details["untrusted_types"] == asked(path)
    assert bool(found.unsafe) == (name in {"forest", "boosted", "foreign"})
    expected = f"{type(models[name]).__module__}.{type(models[name]).__qualname__}"
    assert found.details["type"] == expected


@pytest.mark.real
def test_skops_kinds_of_values(tmp_path):
    import functools
    import operator
    from collections import OrderedDict, defaultdict

    import scipy.sparse
    from sklearn.linear_model import SGDClassifier

    values = {
        "plain": {"a": [1, (2.0, None), {"x"}, b"y", bytearray(b"z"), slice(1), True], "t": int},
        "dicts": [OrderedDict(a=1), defaultdict(list)],
        "arrays": [np.arange(3), np.float32(1), np.array([1, "a"], dtype=object), np.ma.array([1])],
        "dtype": np.dtype("f8"),
        "random": [np.random.RandomState(0), np.random.default_rng(0)],
        "sparse": scipy.sparse.eye_array(3, format="csr"),
        "losses": SGDClassifier().fit([[0.0], [1.0]], [0, 1]),
        "partial": functools.partial(np.add, 1),
        "operator": operator.attrgetter("x"),
        "method": SGDClassifier().fit,
        "ufunc": [np.add, scipy.special.expit],
    }
    for name, value in values.items():
        path = saved(tmp_path, value)
        assert inspect(path).details["untrusted_types"] == asked(path), name


@pytest.mark.real
def test_no_change_of_a_schema_makes_us_trust_more_than_skops(tmp_path, models):
    """Every node is given every other name: what skops asks about is named here as well."""
    path = saved(tmp_path, models["function"].steps[0][1])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    names = [
        ("posix", "system"),
        ("builtins", "list"),
        ("builtins", "eval"),
        ("numpy", "ndarray"),
        ("numpy", "add"),
        ("sklearn.linear_model._logistic", "LogisticRegression"),
        ("sklearn.tree._tree", "Tree"),
    ]
    loaders = [
        "ObjectNode", "FunctionNode", "TypeNode", "TreeNode", "JsonNode", "ListNode",
        "ConstructorFromReduceNode", "OperatorFuncNode", "Nothing",
    ]  # fmt: skip
    count = len(_nodes(json.loads(members["schema.json"])))
    for place in range(count):
        for module, kind in names:
            schema = json.loads(members["schema.json"])
            node = _nodes(schema)[place]
            node["__module__"], node["__class__"] = module, kind
            _compare(tmp_path, members, schema)
        for loader in loaders:
            schema = json.loads(members["schema.json"])
            _nodes(schema)[place]["__loader__"] = loader
            _compare(tmp_path, members, schema)


def _nodes(schema: object) -> list[dict]:
    if isinstance(schema, dict):
        own = [schema] if "__loader__" in schema else []
        return own + [node for value in schema.values() for node in _nodes(value)]
    return [node for value in schema for node in _nodes(value)] if isinstance(schema, list) else []


def _compare(tmp_path: Path, members: dict[str, bytes], schema: dict) -> None:
    changed = zipped(tmp_path, "x.skops", members | {"schema.json": json.dumps(schema)})
    try:
        wanted = set(asked(changed))
    except (ValueError, TypeError, KeyError, AttributeError):
        return  # skops refuses the file as a whole
    assert wanted <= set(inspect(changed).details["untrusted_types"])


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ('{"__class__": "system", "__module__": "posix", "__loader__": "FunctionNode"}', "posix.s"),
        ('{"protocol": 99}', "protocol 99 is not known"),
        ('{"protocol": 2, "a": 1, "a": 2}', "two values of one name"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no object"),
        ("\xff", "no object|no JSON"),
    ],
)
def test_a_skops_file_that_cannot_be_judged_is_unsafe(tmp_path, schema, says):
    found = inspect(zipped(tmp_path, "m.skops", {"schema.json": schema}))
    assert found.format == "skops"
    assert any(part in why for why in found.unsafe for part in says.split("|")), found.unsafe


@pytest.mark.real
def test_the_reviewed_types_are_those_of_skops():
    """Of the versions that are installed: a name more must at least not be there to load."""
    import importlib

    from skops.io import _trusted_types as theirs

    from modeldeck.backends.formats import skops_file

    ours = skops_file._trusted()
    pairs = {
        "ObjectNode": theirs.SKLEARN_ESTIMATOR_TYPE_NAMES + theirs.SKLEARN_INTERNAL_TYPE_NAMES,
        "FunctionNode": theirs.NUMPY_UFUNC_TYPE_NAMES + theirs.SCIPY_UFUNC_TYPE_NAMES,
        "bit generators": theirs.NUMPY_RANDOM_BIT_GENERATOR_TYPE_NAMES,
    }
    for group, names in pairs.items():
        assert ours[group] & set(names)
        for name in ours[group] - set(names):
            module, _, attribute = name.rpartition(".")
            with pytest.raises((ImportError, AttributeError)):
                getattr(importlib.import_module(module), attribute)


def test_old_functions_and_random_generators_are_not_trusted_by_their_shell(tmp_path):
    node = {"__class__": "add", "__module__": "numpy", "__loader__": "FunctionNode", "protocol": 0}
    node["content"] = {"module_path": "posix", "function": "system"}
    found = inspect(zipped(tmp_path, "m.skops", {"schema.json": json.dumps(node)}))
    assert found.details["untrusted_types"] == ["posix.system"]
    import skops.io

    path = tmp_path / "r.skops"
    skops.io.dump(np.random.default_rng(0), path)
    with zipfile.ZipFile(path) as archive:
        text = archive.read("schema.json").decode().replace("PCG64", "seed")
    found = inspect(zipped(tmp_path, "r.skops", {"schema.json": text}))
    assert found.details["untrusted_types"] == ["numpy.random.seed"]


# --- zips that lie


def test_zip_bombs_are_not_unpacked(tmp_path, monkeypatch):
    from modeldeck.backends.formats import skops_file

    monkeypatch.setattr(skops_file, "SCHEMA_LIMIT", 1 << 20)
    found = inspect(zipped(tmp_path, "bomb.skops", {"schema.json": b" " * (50 << 20)}))
    assert found.unsafe == ("it has more than 1048576 bytes in schema.json",)


def test_names_that_lead_out_links_and_twins_are_told(tmp_path):
    path = tmp_path / "m.skops"
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("schema.json", '{"protocol": 2}')
        archive.writestr("../../x", "")
        archive.writestr("/etc/x", "")
        archive.writestr("C:\\x", "")
        archive.writestr("schema.json", '{"protocol": 2}')
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    unsafe = "\n".join(inspect(path).unsafe)
    for part in ("'../../x'", "'/etc/x'", "C:", "two files named 'schema.json'", "a link: 'link'"):
        assert part in unsafe
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.skops"]


@pytest.mark.parametrize("keep", [10, 60, 200, -1, -30])
def test_broken_zips_are_told(tmp_path, models, keep):
    path = saved(tmp_path, models["linear"])
    data = path.read_bytes()
    found = inspect(put(tmp_path, "cut.skops", data[:keep]))
    assert found.unsafe != ()
    assert found.unsafe or found.problems[0].where == "cut.skops"


def test_false_sizes_in_a_zip_do_not_count(tmp_path):
    path = zipped(tmp_path, "m.skops", {"schema.json": b'{"protocol": 2}' + b" " * 1000})
    data = bytearray(path.read_bytes())
    directory = data.rindex(b"PK\x01\x02")
    struct.pack_into("<L", data, directory + 24, 10)
    found = inspect(put(tmp_path, "m.skops", bytes(data)))
    assert found.unsafe
    end = data.rindex(b"PK\x05\x06")
    struct.pack_into("<L", data, end + 12, 0x7FFFFFFF)
    found = inspect(put(tmp_path, "m.zip", bytes(data)))
    assert "too large" in found.problems[0].what


# --- ONNX


def field(number: int, value: int | bytes | str) -> bytes:
    """One protocol buffer field."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value: int) -> bytes:
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def tensor(name: str, kind: int, *shape: int | str) -> bytes:
    sizes = b"".join(field(1, field(1 if isinstance(s, int) else 2, s)) for s in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, sizes)))


def onnx_model(*initializers: bytes) -> bytes:
    graph = field(1, field(4, "Gemm")) + field(2, "g")
    graph += b"".join(field(5, one) for one in initializers)
    graph += field(11, tensor("x", 1, "batch", 30)) + field(11, tensor("w", 11, 30, 2))
    graph += field(12, tensor("label", 7, "batch")) + field(12, tensor("odd", 99))
    opsets = field(8, field(2, 17)) + field(8, field(1, "ai.onnx.ml") + field(2, 3))
    return field(1, 9) + field(2, "skl2onnx") + field(3, "1.16") + opsets + field(7, graph)


@pytest.mark.parametrize("name", ["model.onnx", "model"])
def test_onnx_tells_its_signature(tmp_path, name):
    weights = field(2, 1) + field(8, "w") + field(9, b"\0" * 100_000)
    found = inspect(put(tmp_path, name, onnx_model(weights)))
    assert (found.format, found.unsafe) == ("onnx", ())
    assert found.signature == {
        "inputs": [{"name": "x", "type": "tensor", "dtype": "float32", "shape": ["batch", 30]}],
        "outputs": [
            {"name": "label", "type": "tensor", "dtype": "int64", "shape": ["batch"]},
            {"name": "odd", "type": "tensor", "dtype": "type 99", "shape": []},
        ],
    }
    assert found.details == {
        "ir_version": 9,
        "producer": "skl2onnx",
        "producer_version": "1.16",
        "graph": "g",
        "nodes": 1,
        "initializers": 1,
        "opsets": {"ai.onnx": 17, "ai.onnx.ml": 3},
    }


def test_onnx_weights_outside_of_the_folder_are_unsafe(tmp_path):
    place = field(13, field(1, "location") + field(2, "../../etc/passwd"))
    inside = field(13, field(1, "location") + field(2, "weights.bin"))
    found = inspect(put(tmp_path, "m.onnx", onnx_model(field(8, "a") + place, inside)))
    assert found.unsafe == ("it reads a file outside of its folder: '../../etc/passwd'",)


def test_a_cut_onnx_is_no_onnx(tmp_path):
    data = onnx_model()
    for stop in range(len(data)):
        found = inspect(put(tmp_path, "m.onnx", data[:stop]))
        assert found.format == "unknown"
        assert found.problems


# --- arrays


def test_arrays_of_objects_are_unsafe(tmp_path, canary):
    np.save(tmp_path / "plain.npy", np.zeros((2, 3), dtype="f4"))
    np.save(tmp_path / "objects.npy", np.array([Evil(canary)], dtype=object))
    np.savez(tmp_path / "both.npz", a=np.arange(3), b=np.array([Evil(canary)], dtype=object))
    plain = inspect(tmp_path / "plain.npy")
    assert (plain.format, plain.unsafe) == ("npy", ())
    assert plain.details == {"dtype": "<f4", "shape": [2, 3]}
    objects = inspect(tmp_path / "objects.npy")
    assert "pickle inside" in objects.unsafe[0]
    assert "posix.system" in objects.unsafe[1]
    both = inspect(tmp_path / "both.npz")
    assert both.format == "npz"
    assert any("b.npy: it names posix.system" in why for why in both.unsafe)
    assert both.details["arrays"]["a"]["shape"] == [3]
    structured = np.zeros(2, dtype=[("a", "f8"), ("b", [("c", "O")])])
    np.save(tmp_path / "fields.npy", structured)
    assert inspect(tmp_path / "fields.npy").unsafe


def safetensors(header: object, body: bytes = b"") -> bytes:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text)) + text + body


def test_safetensors_have_their_tensors_named(tmp_path):
    header = {
        "__metadata__": {"format": "pt"},
        "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    }
    found = inspect(put(tmp_path, "m.safetensors", safetensors(header, b"\0" * 24)))
    assert (found.format, found.unsafe) == ("safetensors", ())
    assert found.details["parameters"] == 6
    assert found.details["tensors"] == {"w": {"dtype": "F32", "shape": [2, 3]}}
    assert found.details["metadata"] == {"format": "pt"}


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<Q", 1 << 63) + b"{}",
        struct.pack("<Q", 100) + b"{}",
        b"\1",
        safetensors(b"{"),
        safetensors([1]),
        safetensors({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}),
        safetensors({"w": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 0]}}),
        safetensors({"w": 3}),
        safetensors(b"[" * 100_000),
    ],
)
def test_safetensors_that_lie_are_told(tmp_path, data):
    found = inspect(put(tmp_path, "m.safetensors", data))
    assert (found.format, found.unsafe) == ("unknown", None)
    assert found.problems[0].where == "m.safetensors"


# --- Keras


def keras(tmp_path: Path, *layers: dict) -> Path:
    config = {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "m", "layers": list(layers)},
    }
    meta = {"keras_version": "3.5.0"}
    members = {"config.json": json.dumps(config), "metadata.json": json.dumps(meta)}
    return zipped(tmp_path, "m.keras", members | {"model.weights.h5": b""})


def test_keras_layers_that_bring_code_are_unsafe(tmp_path):
    dense = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 2}}
    found = inspect(keras(tmp_path, dense))
    assert (found.format, found.unsafe) == ("keras", ())
    assert found.details["keras_version"] == "3.5.0"
    code = {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"name": "l", "function": {}},
    }
    other = {"module": "os", "class_name": "system", "config": {}}
    found = inspect(keras(tmp_path, dense, code, other))
    assert set(found.unsafe) == {
        "its layer 'l' is a Lambda: loading it runs code",
        "it imports os.system",
    }


# --- folders


MLMODEL = """\
artifact_path: model
flavors:
  python_function:
    env:
      conda: conda.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict
    python_version: 3.11.7
  sklearn:
    code: null
    pickled_model: model.pkl
    serialization_format: cloudpickle
    sklearn_version: 1.9.1
mlflow_version: 3.1.0
model_id: m-123
model_uuid: abc
signature:
  inputs: '[{"type": "double", "name": "it''s", "required": true}, {"type": "long",
    "name": "n", "required": true}]'
  outputs: "[{\\"type\\": \\"tensor\\", \\"tensor-spec\\": {\\"dtype\\": \\"int64\\", \\
    \\"shape\\": [-1]}}]"
  params: null
utc_time_created: '2025-01-01 00:00:00'
"""


def test_an_mlflow_folder_is_told_by_its_page(tmp_path, models, canary):
    folder = tmp_path / "model"
    folder.mkdir()
    put(folder, "MLmodel", MLMODEL.encode())
    put(folder, "model.pkl", pickle.dumps([models["linear"], Evil(canary)]))
    put(folder, "conda.yaml", b"name: x\n")
    found = inspect(folder)
    assert found.format == "mlflow"
    assert found.signature == {
        "inputs": [
            {"type": "double", "name": "it's", "required": True},
            {"type": "long", "name": "n", "required": True},
        ],
        "outputs": [{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}],
    }
    assert found.details["flavors"] == ["python_function", "sklearn"]
    assert found.details["python_version"] == "3.11.7"
    assert found.details["model_id"] == "m-123"
    assert found.unsafe[:2] == (
        "its flavor sklearn is kept as cloudpickle",
        "model.pkl: it names posix.system, which runs foreign code",
    )
    assert [file.path for file in found.files] == ["MLmodel", "conda.yaml", "model.pkl"]


def test_an_mlflow_folder_of_a_skops_file_is_safe(tmp_path, models):
    folder = tmp_path / "model"
    folder.mkdir()
    page = MLMODEL.replace("cloudpickle", "skops").replace("model.pkl", "model.skops")
    put(folder, "MLmodel", page.encode())
    saved(folder, models["linear"])
    assert inspect(folder).unsafe == ()
    put(folder, "strange.dat", b"?")
    assert inspect(folder).unsafe is None
    put(folder, "MLmodel", page.replace("mlflow.sklearn", "my.loader").encode())
    assert inspect(folder).unsafe == ("it is loaded by the module my.loader",)


@pytest.mark.real
def test_pages_are_read_as_a_yaml_reader_does():
    yaml = pytest.importorskip("yaml")
    from modeldeck.backends.formats.mlmodel import parsed

    columns = [{"type": "double", "name": f'it\'s "{n}" \\ #: é', "n": n} for n in range(40)]
    page = {
        "flavors": {"python_function": {"loader_module": "mlflow.x", "deep": {"a": {"b": "c"}}}},
        "signature": {"inputs": json.dumps(columns), "outputs": json.dumps(columns[:1])},
        "run_id": "0123",
        "note": "one\n\ntwo  lines\n",
    }
    for width in (20, 80, 10_000):
        for style in (None, "'", '"'):
            text = yaml.safe_dump(page, width=width, default_style=style, allow_unicode=True)
            found = parsed(text)
            assert found["signature"] == page["signature"], (width, style)
            assert found["flavors"] == page["flavors"]
            assert found["run_id"] == "0123"


@given(st.text(alphabet=st.sampled_from("ab:'\"\\ \n-{[|>#"), max_size=60))
def test_any_page_is_read(text):
    from modeldeck.backends.formats.mlmodel import parsed

    parsed(text)


def test_a_folders_digest_is_of_its_manifest(tmp_path):
    folder = tmp_path / "m"
    (folder / "b").mkdir(parents=True)
    put(folder, "b/x", b"22")
    put(folder, "a", b"1")
    manifest = b"".join(
        f"{name}\0{len(data)}\0{hashlib.sha256(data).hexdigest()}\n".encode()
        for name, data in (("a", b"1"), ("b/x", b"22"))
    )
    found = inspect(folder)
    assert found.digest == "sha256:" + hashlib.sha256(manifest).hexdigest()
    assert (found.format, found.unsafe, found.size) == ("unknown", None, 3)
    from modeldeck.app.recorder.walk import digest

    assert digest(folder) == found.digest


def test_links_and_pipes_in_a_folder_are_named_and_not_followed(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    put(tmp_path, "secret", b"s")
    put(folder, "own", b"o")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "inner").symlink_to("own")
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    found = inspect(folder)
    assert [file.path for file in found.files] == ["own"]
    assert sorted(p.where for p in found.problems) == ["inner", "link", "pipe", "up"]


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(NotFoundError):
        inspect(tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DamagedError, match="no regular file"):
        inspect(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(put(tmp_path, "m.npy", b"\x93NUMPY"))
    assert inspect(tmp_path / "link").problems


@pytest.mark.parametrize(
    ("name", "data", "format_name"),
    [
        ("m.txt", b"tree\nversion=v4\n", "lightgbm-text"),
        ("m.json", b'{"learner":{"attributes":{}}}', "xgboost-json"),
        ("m.h5", b"\x89HDF\r\n\x1a\n", "hdf5"),
        ("m.json", b'{"a": 1}', "unknown"),
        ("m.bin", b"", "unknown"),
    ],
)
def test_other_formats_are_recognised(tmp_path, name, data, format_name):
    assert inspect(put(tmp_path, name, data)).format == format_name


def test_looking_imports_no_library_of_models(tmp_path, models):
    """Neither those of ours nor those that a file names."""
    saved(tmp_path, models["linear"])
    put(tmp_path, "m.pkl", pickle.dumps(models["linear"]))
    np.save(tmp_path / "a.npy", np.arange(3))
    code = (
        "import sys, pathlib; from modeldeck.backends.formats import inspect;"
        "print(inspect(pathlib.Path(sys.argv[1])).format);"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True
    )
    heavy = {"numpy", "scipy", "sklearn", "skops", "joblib", "textual", "httpx", "sqlite_utils"}
    assert set(done.stdout.split()) & heavy == set()
