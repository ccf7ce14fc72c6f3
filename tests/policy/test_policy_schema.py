"""The schema for editors says what the reader says, and the published file is the schema."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_helpers import toml
from test_policy_document import AMOUNTS, COUNTS, EXAMPLE, KEYS, LISTS, SWITCHES, TIMES, WORDS

from runpod_mcp.errors import Failure
from runpod_mcp.policy.document import PRESETS, Policy, preset, read_policy
from runpod_mcp.policy.schema import NOT_IN_THE_SCHEMA, policy_schema

MANIFESTS = Path(__file__).parents[2] / "manifests"
SCHEMA = policy_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


def valid(data: Any) -> bool:
    return VALIDATOR.is_valid(data)


def test_the_published_schema_is_the_one_of_the_code():
    assert json.loads((MANIFESTS / "policy.schema.json").read_text("utf-8")) == SCHEMA


def test_it_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", PRESETS)
def test_the_ready_made_policies_fit_and_name_it_in_their_first_line(name):
    VALIDATOR.validate(tomllib.loads(preset(name)))
    first, _, _ = preset(name).partition("\n")
    beside = first.removeprefix("#:schema ")
    assert (MANIFESTS / "policies" / beside).resolve() == MANIFESTS / "policy.schema.json"


def test_the_whole_example_fits():
    VALIDATOR.validate({"version": 1, **EXAMPLE})


@pytest.mark.parametrize(("table", "key"), KEYS)
def test_every_key_is_described_and_its_examples_fit(table, key):
    part = SCHEMA["properties"][table]["properties"][key]
    assert len(part["description"]) > 15
    assert "title" not in part
    for example in part.get("examples", ()):
        VALIDATOR.validate({"version": 1, table: {key: example}})
    assert part.get("examples") or part.get("enum") or part["type"] == "boolean"


def test_it_has_the_tables_of_the_policy_and_no_more():
    assert set(SCHEMA["properties"]) == set(Policy.model_fields) - {"origin"}
    assert SCHEMA["required"] == ["version"]
    assert SCHEMA["additionalProperties"] is False
    for table in EXAMPLE:
        assert SCHEMA["properties"][table]["additionalProperties"] is False
    assert "$ref" not in json.dumps(SCHEMA)
    assert "null" not in json.dumps(SCHEMA)


WRONG = [
    *((table, key, value) for table, key in AMOUNTS for value in (-1, 10_000_001, "5", True, [1])),
    *((table, key, value) for table, key in COUNTS for value in (-1, 1.5, "5", False)),
    *((table, key, value) for table, key in TIMES for value in (-1, "5", True)),
    *((table, key, value) for table, key in LISTS for value in ("SECURE", ["a", 5], [""], [" "])),
    *((table, key, value) for table, key in WORDS for value in ("other", "", 5)),
    *((table, key, value) for table, key in SWITCHES for value in ("yes", 1)),
    ("pods", "images", []),
    ("pods", "cloud_types", []),
    ("pods", "ports", ["8888"]),
    ("pods", "ports", ["99999/http"]),
    ("pods", "countries", ["USA"]),
    ("approval", "tools", ["get_pod"]),
    ("lease", "max_hours", 8761),
    ("lease", "default_hours", 0),
]


@pytest.mark.parametrize(("table", "key", "value"), WRONG)
def test_what_the_reader_refuses_an_editor_marks(table, key, value):
    assert not valid({"version": 1, table: {key: value}})


@pytest.mark.parametrize(
    "data", [{}, {"version": 2}, {"version": 1, "origin": "x"}, {"version": 1, "gpu": {}}]
)
def test_a_missing_version_and_unknown_tables_are_marked(data):
    assert not valid(data)


words = st.one_of(
    st.sampled_from(
        [
            "SECURE",
            "COMMUNITY",
            "stop",
            "allow",
            "US",
            "cz",
            "22/tcp",
            "*/http",
            "*",
            "70001/tcp",
            "delete_pod",
        ]
    ),
    st.from_regex(r"[0-9*]{1,5}/?[htpc*]{0,4}", fullmatch=True),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=6),
)
values = st.one_of(
    st.booleans(),
    st.integers(-2, 20_000_000),
    st.floats(-1, 20_000_000),
    words,
    st.lists(words, max_size=3),
    st.sampled_from([0, 1, 24, 8760, "https://x.y/z", "http://", []]),
)
documents = st.dictionaries(
    st.sampled_from([*EXAMPLE]),
    st.dictionaries(st.sampled_from([key for _, key in KEYS] + ["other"]), values, max_size=3),
    max_size=3,
)
one_key = st.tuples(st.sampled_from(KEYS), values).map(lambda one: {one[0][0]: {one[0][1]: one[1]}})


@settings(max_examples=1500, deadline=None)
@given(st.one_of(documents, one_key))
def test_what_the_schema_takes_the_reader_takes_but_for_the_written_reasons(data):
    if not valid({"version": 1, **data}):
        return
    failure = refusal(toml(**data))
    assert failure is None or why_not(data, failure) in NOT_IN_THE_SCHEMA, (data, failure)


def refusal(text: str) -> Failure | None:
    try:
        read_policy(text, "test.toml")
    except Failure as failure:
        return failure
    return None


def why_not(data: dict[str, Any], failure: Failure) -> str:
    if "is above max_hours" in failure.message:
        return NOT_IN_THE_SCHEMA[0]
    table, _, key = (failure.field or "").partition(".")
    value = data.get(table, {}).get(key)
    return NOT_IN_THE_SCHEMA[2] if isinstance(value, float) and value.is_integer() else "no reason"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[lease]\ndefault_hours = 9\nmax_hours = 8", 0),
        ("[budget]\nusd_per_day = nan", 1),
        ("[lease]\nready_minutes = inf", 1),
        ("[pods]\nmax_running = 2.0", 2),
        ("", 2),
    ],
)
def test_each_written_reason_is_one(text, reason):
    whole = f"version = 1.0\n{text}" if not text else f"version = 1\n{text}"
    assert valid(tomllib.loads(whole))
    with pytest.raises(Failure):
        read_policy(whole, "test.toml")
    assert NOT_IN_THE_SCHEMA[reason]
