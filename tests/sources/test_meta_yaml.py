"""The reader of meta.yaml against PyYAML, which is what MLflow writes it with."""

from contextlib import suppress

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modeldeck.backends.sources.meta_yaml import MAX_CHARS, parse
from modeldeck.backends.sources.yaml_walk import MetaError

ODD = "ab \n\t'\":#-?[]{},&*!|>%@`\\\x85\u2028\x07é🦊0_.~\r"
WORDS = ["1e5", "0o7", "012", "1:30", "1:30.5", "yes", "~", "null", "2001-01-01", "=", "<<", "---"]
WORDS += ["...", "- a", "? b", "a: b", "a #b", " lead", "trail ", "1_000", ".5", "-.inf", "0x1F"]
scalars = (
    st.text(max_size=300)
    | st.text(alphabet=ODD, max_size=60)
    | st.sampled_from(WORDS)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.none()
)
keys = scalars.filter(lambda key: key == key)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
dumpers = st.sampled_from([yaml.SafeDumper, yaml.CSafeDumper])


def dumped(value, dumper, **options):
    return yaml.dump(value, Dumper=dumper, default_flow_style=False, **options)


def loaded(text):
    # repr tells 1 from True and 1.0, and NaN from nothing.
    return repr(yaml.safe_load(text))


@settings(max_examples=400)
@given(st.dictionaries(keys, values, max_size=5), dumpers, st.booleans())
@example({"description": "x" * 90 + " " + "y" * 90}, yaml.CSafeDumper, True)
@example({"k" * 200: ["a"], "": [None]}, yaml.SafeDumper, True)
@example({"a": [{"b": 1, "c": {"d": [[], {}]}}, [["e"]]]}, yaml.CSafeDumper, True)
def test_reads_what_yaml_dumps(value, dumper, unicode):
    text = dumped(value, dumper, allow_unicode=unicode)
    if "&id" not in text:
        assert repr(parse(text)) == loaded(text)


@settings(max_examples=200)
@given(
    st.dictionaries(st.text(min_size=1, max_size=9), st.text(alphabet=ODD, max_size=60)),
    st.sampled_from("|>'\""),
    dumpers,
    st.integers(2, 9),
    st.sampled_from([20, 80]),
)
def test_reads_every_style_of_text(value, style, dumper, indent, width):
    class Styled(dumper):
        pass

    Styled.add_representer(
        str, lambda to, text: to.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    )
    text = dumped(value, Styled, allow_unicode=True, indent=indent, width=width)
    try:
        wanted = loaded(text)
    except yaml.YAMLError:  # PyYAML does not read all that it writes
        return
    assert repr(parse(text)) == wanted


@settings(max_examples=500)
@given(st.text(alphabet=ODD + "\0:- ", max_size=80) | st.text(max_size=80))
def test_any_other_text_is_refused_and_never_read_otherwise(text):
    with suppress(MetaError):
        found = repr(parse(text))
        # A date that is none and a control character are text for us, and errors for PyYAML.
        with suppress(yaml.YAMLError, ValueError):
            wanted = loaded(text)
            assert found == wanted or "datetime.date" in wanted


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: 1\nb: &x [1]\n", 2, "'&' begins nothing that is known here"),
        ("a: *x\n", 1, "'*' begins nothing that is known here"),
        ("a: !!python/object:os.system x\n", 1, "'!' begins nothing that is known here"),
        ("a: [1, 2]\n", 1, "a list or mapping in brackets that is not empty"),
        ("a: {b: 1}\n", 1, "a list or mapping in brackets that is not empty"),
        ("a: 'x\nb: 1\n", 3, "a quoted text has no end"),
        ('a: "x\\q"\n', 1, "an escape that is none: \\q"),
        ('a: "\\U99999999"\n', 1, "an escape that is none: \\U99999999"),
        ("%YAML 1.1\n---\na: 1\n", 1, "'%' begins nothing that is known here"),
        ("a: b: c\n", 1, "a second `: ` on one line"),
        ("a: 1\n  b: 2\n", 2, "a second `: ` on one line"),
        ("a: '1' 2\n", 1, "something follows a value"),
        ("a: 1\n--- \nb: 2\n", 2, "something follows the document"),
        ("a:\n  b: 1\n c: 2\n", 3, "indentation that belongs to nothing"),
        ("a: " + "9" * 5000, 1, f"'{'9' * 40}' is no number"),
        ("- " * 30 + "a", 1, "nested more than 20 deep"),
    ],
)
def test_says_where_and_what_it_does_not_know(text, line, what):
    with pytest.raises(MetaError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.what) == (line, what)


def test_is_bounded():
    with pytest.raises(MetaError, match="more than 1048576 characters"):
        parse("a" * (MAX_CHARS + 1))


def test_what_mlflow_writes():
    text = (
        "aliases:\n  champion: '2'\nlist:\n- doomed\nempty: []\nnone: null\n"
        'description: "red \\e[31mtext\\e[0m c1 \\x9B31m"\nschema: \'{"a": "b",\n'
        "  \"c\": ''d''}'\nstatus: 3\nlifecycle_stage: active\n"
    )
    assert parse(text) == {
        "aliases": {"champion": "2"},
        "list": ["doomed"],
        "empty": [],
        "none": None,
        "description": "red \x1b[31mtext\x1b[0m c1 \x9b31m",
        "schema": '{"a": "b", "c": \'d\'}',
        "status": 3,
        "lifecycle_stage": "active",
    }
