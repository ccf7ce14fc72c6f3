"""TOML edited as text: a table of ours comes and goes, and every other character stays."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runpod_mcp.clients.edits import CannotEdit, apply
from runpod_mcp.clients.toml_edits import drop_table, in_toml, put_table, read_toml

PATH = ("mcp_servers", "runpod")
ENTRY = {"command": "/usr/bin/python", "args": ["-P", "-m"], "env_vars": ["RUNPOD_API_KEY"]}

PIECES = st.sampled_from(
    [
        "", "# a comment", "# [mcp_servers.runpod]", "  # deep",
        "a = 1", 'b = "x # [mcp_servers.runpod]"', "c = [ # [x]\n  1, # ]\n  2,\n]", 'd = """\n[mcp_servers.runpod]\n"""',
        "e = '''\n[mcp_servers.runpod]\n'''''", "f = { g = 1, \"h i\" = '}' }", 'j.k = "\\"" # "', "l = 1979-05-27 07:32:00",
        "[m]", "[ n . 'o p' ]", "[[q]]", "[[q]]", '[mcp_servers.other]', "[mcp_servers.other.env]", '[mcp_servers."x y"] # c',
        'm = """ "" \\\n  """""', "[mcp_servers]", "[z.runpod]",
    ]
)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> str:
    line = draw(st.sampled_from(["\n", "\r\n"]))
    pieces = [piece.replace("\n", line) for piece in draw(st.lists(PIECES, max_size=7))]
    text = line.join(pieces) + draw(st.sampled_from(["", line, line + line]))
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)
    return draw(st.sampled_from(["", "\ufeff"])) + text


@given(documents())
def test_what_is_put_into_any_document_is_taken_out_again_to_the_byte(text):
    before = read_toml(text)
    edits = put_table(text, PATH, ENTRY)
    assert all(edit.start == edit.end for edit in edits), "only insertions"
    after = apply(text, edits)
    found = read_toml(after)
    assert found["mcp_servers"].pop("runpod") == ENTRY
    assert {key: value for key, value in found.items() if value} == {k: v for k, v in before.items() if v}
    assert put_table(after, PATH, ENTRY) == []
    assert apply(after, drop_table(after, PATH)) == text


@given(documents(), documents())
def test_a_table_amid_others_is_taken_out_with_those_below_it(first, second):
    own = "[mcp_servers.runpod]\ncommand = 'x'\n\n[mcp_servers.runpod.tools.create_pod]\nmode = 'ask'\n\n"
    first, second = first.strip("\ufeff"), second.strip("\ufeff")
    text = f"{first}\n\n{own}{second}\n"
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)
    assume("runpod" in before["mcp_servers"])
    assume(not second.strip() or second.lstrip().startswith("["))
    edits = drop_table(text, PATH)
    assert all(edit.new == "" for edit in edits)
    after = tomllib.loads(apply(text, edits))
    before["mcp_servers"].pop("runpod")
    assert {k: v for k, v in after.items() if v} == {k: v for k, v in before.items() if v}


BY_HAND = """\
model = "x"

[mcp_servers.runpod] # mine
command = "uvx" # was here
args = [
  "runpod-mcp",
]
startup_timeout_sec = 20

[mcp_servers.runpod.env]
A = "b"

# after
[profiles.x]
y = 1
"""


def test_an_entry_that_is_there_is_changed_where_it_differs_and_keeps_the_rest():
    wanted = {"command": "uvx", "args": ["a", "b"], "env_vars": ["K"], "env": {"K_FILE": "/k"}}
    after = apply(BY_HAND, put_table(BY_HAND, PATH, wanted))
    assert after == BY_HAND.replace('[\n  "runpod-mcp",\n]', '["a", "b"]').replace(
        "startup_timeout_sec = 20\n", 'startup_timeout_sec = 20\nenv_vars = ["K"]\n'
    ).replace('A = "b"\n', 'A = "b"\nK_FILE = "/k"\n')
    assert put_table(after, PATH, wanted) == []


def test_names_that_are_handed_on_already_stay():
    text = '[mcp_servers.runpod]\ncommand = "x"\nenv_vars = ["MINE"]'
    after = read_toml(apply(text, put_table(text, PATH, {"env_vars": ["KEY"], "env": {"A": "b"}})))
    assert after["mcp_servers"]["runpod"] == {"command": "x", "env_vars": ["MINE", "KEY"], "env": {"A": "b"}}


def test_an_inline_table_of_variables_is_continued():
    text = '[mcp_servers.runpod]\nenv = { A = "b" } # c\n'
    assert apply(text, put_table(text, PATH, {"env": {"C": "d"}})) == (
        '[mcp_servers.runpod]\nenv = { A = "b", C = "d" } # c\n'
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = 1\nb = \n", "not valid TOML .at line 2"),
        ("[a", "not valid TOML"),
        ("mcp_servers = { other = { command = 'x' } }\n", "cannot be edited safely"),
        ("mcp_servers.runpod = { command = 'x' }\n", "cannot be edited safely"),
        ("[mcp_servers]\nrunpod.command = 'x'\n", "cannot be edited safely"),
        ("[mcp_servers.runpod.env]\nA = 'b'\n", "cannot be edited safely"),
        ("[mcp_servers.runpod]\ncommand = 'x'\nenv.A = 'b'\n", "cannot be edited safely"),
        ("[mcp_servers]\nrunpod = 1\n", "something else than a table"),
        ("mcp_servers = 1\n", "cannot be edited safely"),
    ],
)
def test_what_is_not_valid_or_not_clear_is_named_and_left(text, words):
    with pytest.raises(CannotEdit, match=words):
        put_table(text, PATH, {**ENTRY, "env": {"X": "y"}})


def test_a_table_that_has_no_header_of_its_own_is_not_taken_out():
    with pytest.raises(CannotEdit, match="safely"):
        drop_table("mcp_servers.runpod = { command = 'x' }\n", PATH)


@given(
    st.recursive(
        st.text() | st.booleans() | st.integers(-5, 5),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
        max_leaves=4,
    )
)
def test_what_is_written_is_read_back_as_it_was(value):
    try:
        str(value).encode()
    except UnicodeEncodeError:
        assume(False)
    assert tomllib.loads(f"a = {in_toml(value)}") == {"a": value}
