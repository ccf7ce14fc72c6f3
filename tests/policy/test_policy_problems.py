"""What is wrong with a policy, all of it, each with its line."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_helpers import broken

from runpod_mcp.policy.document import PRESETS, preset
from runpod_mcp.policy.problems import LONGEST_STATEMENT, MOST_LINES, BrokenPolicy, lines_of

MANY = """\
# a comment
version = 2

[budget]
usd_per_dya = 3
usd_per_hour = [
  "x",
]
[gpu]
allow = []
[lease]
default_hours = 9
max_hours = 8
"""


def problems(text: str) -> list[tuple[int | None, str | None]]:
    failure = broken(text)
    assert isinstance(failure, BrokenPolicy)
    return [(one.line, one.key) for one in failure.problems]


def test_every_problem_is_found_at_once_with_its_line_and_key():
    assert problems(MANY) == [
        (2, "version"),
        (5, "budget.usd_per_dya"),
        (6, "budget.usd_per_hour"),
        (9, "gpu"),
        (11, "lease"),
    ]


def test_the_message_names_the_first_and_counts_the_others():
    message = broken(MANY).message
    assert message.startswith("Policy test.toml: line 2: version: ")
    assert "(4 more: `runpod-mcp policy check` lists them.)" in message


def test_what_is_missing_has_no_line_and_comes_first():
    assert problems("[budget]\nusd = 1") == [(None, "version"), (2, "budget.usd")]
    assert problems("version = 1\norigin = 'x'\n[a]") == [(None, "origin"), (3, "a")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("version = 1\n[budget\n", 2),
        ("version = 1\n\nx = = 2\n", 3),
        ("version = 1\r\nx = = 2\r\n", 2),
        ("x = '''", None),
    ],
)
def test_what_is_not_toml_is_named_with_the_line(text, line):
    ((found, key),) = problems(text)
    assert (found, key) == (line, None)
    assert "at line" not in broken(text).message


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("version = 1\nbudget = {a = 1,\n b = {c = 2}}", ("budget", "b", "c"), None),
        ("version = 1\nbudget = {a = {c = 2}}", ("budget", "a", "c"), 2),
        ("version = 1\nbudget.usd_per_day = 5", ("budget", "usd_per_day"), 2),
        ("version = 1\r\n\r\n[budget]\r\nusd = 5\r\n", ("budget", "usd"), 4),
        ("a = '''\n[x]\nb = 1\n'''\nb = 2", ("b",), 5),
        ("a = [\n 1,\n 2, # ]\n]\nb = 2", ("b",), 5),
        ("[a.b]\nc = 1\n[a.d]\nc = 2", ("a", "d", "c"), 4),
        ("[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 1", ("a", "1", "b"), 4),
        ("[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 1", ("a", "1", "c", "d"), 6),
        ("[[a]]\n[[a.b]]\n[[a.b]]\nc = 1", ("a", "0", "b", "1", "c"), 4),
    ],
)
def test_each_key_is_found_on_the_line_it_begins_on(text, path, line):
    if line is None:  # TOML 1.0 has inline tables on one line only
        with pytest.raises(tomllib.TOMLDecodeError):
            tomllib.loads(text)
    else:
        assert lines_of(text)[path] == line


@pytest.mark.parametrize("name", PRESETS)
def test_in_the_ready_made_policies_every_key_is_found(name):
    text = preset(name)
    lines = text.split("\n")
    for table, keys in tomllib.loads(text).items():
        for key in keys if isinstance(keys, dict) else ():
            assert lines[lines_of(text)[table, key] - 1].startswith(f"{key} =")


def test_what_no_person_writes_is_not_searched():
    long = "a = [\n" + "1,\n" * (LONGEST_STATEMENT + 1) + "]\nb = 1\n"
    assert lines_of("c = 1\n" + long) == {("c",): 1}
    assert lines_of("\n" * (MOST_LINES + 1) + "a = 1") == {}
    assert problems(long) == [(None, "version"), (None, "a"), (None, "b")]


@given(st.text(max_size=80))
def test_any_toml_has_lines_that_exist(text):
    try:
        tomllib.loads(text)
    except ValueError:
        return
    assert set(lines_of(text).values()) <= set(range(1, text.count("\n") + 2))
