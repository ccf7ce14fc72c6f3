"""JSON with comments, edited as text: what is put in comes out again, and every other character stays."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runpod_mcp.clients.edits import CannotEdit, apply, as_diff
from runpod_mcp.clients.json_edits import drop, put
from runpod_mcp.clients.jsonc import read_json

PATH = ("mcpServers", "runpod")
ENTRY = {"command": "/usr/bin/python", "args": ["-P", "-m", "runpod_mcp"], "env": {"A": 'quote " and \\'}}

SPACE = st.lists(st.sampled_from([" ", "\n", "\r\n", "\t", "  "]), max_size=3).map("".join)
COMMENTS = st.lists(
    st.sampled_from(
        [" ", "\n", "\r\n", "\t", "\n  ", "// } c, {\n", "/* \n}, */", "//\r\n", "/**/", "// a\r"]
    ),
    max_size=3,
).map("".join)
KEYS = st.sampled_from(["mcpServers", "runpod", "a", 'b"c', "é", "{", "//", "env", "command", ""])
WORDS = st.one_of(
    st.sampled_from(["true", "false", "null", "0", "-1.5e3", "12345678901234567890", '"// no comment"']),
    st.text(max_size=5).map(lambda text: json.dumps(text, ensure_ascii=False)),
)


@st.composite
def objects(
    draw: st.DrawFn, values: st.SearchStrategy[str], trivia: st.SearchStrategy[str], loose: bool
) -> str:
    keys = draw(st.lists(KEYS, max_size=4, unique=True))
    text = "{" + draw(trivia)
    for index, key in enumerate(keys):
        text += json.dumps(key, ensure_ascii=draw(st.booleans())) + draw(trivia) + ":" + draw(trivia)
        text += draw(values) + draw(trivia)
        if index < len(keys) - 1 or (loose and draw(st.booleans())):
            text += "," + draw(trivia)
    return text + "}"


@st.composite
def arrays(draw: st.DrawFn, values: st.SearchStrategy[str], trivia: st.SearchStrategy[str]) -> str:
    parts = draw(st.lists(values, max_size=3))
    return "[" + ",".join(draw(trivia) + part + draw(trivia) for part in parts) + draw(trivia) + "]"


def documents(trivia: st.SearchStrategy[str], loose: bool) -> st.SearchStrategy[str]:
    values = st.recursive(
        WORDS, lambda inner: objects(inner, trivia, loose) | arrays(inner, trivia), max_leaves=12
    )
    return st.tuples(trivia, objects(values, trivia, loose), trivia).map("".join)


STRICT = documents(SPACE, loose=False)
LOOSE = st.tuples(st.sampled_from(["", "\ufeff"]), documents(COMMENTS, loose=True)).map("".join)


def value_of(text: str) -> Any:
    node = read_json(text)
    return node.value if node else {}


@given(STRICT)
def test_plain_json_is_read_as_the_standard_library_reads_it(text):
    node = read_json(text, strict=True)
    assert node is not None
    assert node.value == json.loads(text)


@given(st.text(alphabet='{}[]",:/*\\ntrue0-1.e \n\t', max_size=25))
@example('{"a": 01}')
@example('["\t"]')
@example("nullx")
def test_whatever_is_written_is_taken_for_json_only_where_it_is(text):
    try:
        expected = json.loads(text)
    except ValueError:
        expected = CannotEdit
    try:
        node = read_json(text, strict=True)
    except CannotEdit:
        assert expected is CannotEdit
    else:
        assert node is None or (expected is not CannotEdit and node.value == expected)


@given(LOOSE)
def test_what_is_put_into_any_document_is_taken_out_again_to_the_byte(text):
    before = value_of(text)
    servers = before.get("mcpServers", {})
    if not isinstance(servers, dict):
        with pytest.raises(CannotEdit):
            put(text, PATH, ENTRY)
        return
    if "runpod" in servers:
        return
    edits = put(text, PATH, ENTRY)
    assert all(edit.start == edit.end for edit in edits), "only insertions"
    after = apply(text, edits)
    assert value_of(after) == before | {"mcpServers": servers | {"runpod": ENTRY}}
    assert put(after, PATH, ENTRY) == []
    back = apply(after, drop(after, PATH))
    if "mcpServers" in before:
        assert back == text
    else:
        assert value_of(back) == before | {"mcpServers": {}}


@given(LOOSE)
def test_taking_a_member_out_only_takes_away_and_leaves_the_rest_as_it_says(text):
    before = value_of(text)
    for key in before:
        edits = drop(text, (key,))
        assert all(edit.new == "" for edit in edits)
        assert value_of(apply(text, edits)) == {one: value for one, value in before.items() if one != key}


@given(LOOSE)
def test_an_entry_that_is_there_keeps_what_is_not_ours(text):
    before = value_of(text)
    try:
        after = value_of(apply(text, put(text, PATH, ENTRY)))
    except CannotEdit:
        return
    servers = before.get("mcpServers", {})
    old = servers.get("runpod", {}) if isinstance(servers, dict) else {}
    assert {key: value for key, value in after["mcpServers"]["runpod"].items() if key not in ENTRY} == {
        key: value for key, value in old.items() if key not in ENTRY
    }


COMMENTED = """\
{
  // my editor
  "theme": "dark", // as it should be
  "mcpServers": {
    "files": { "command": "npx" }, /* keep */
  },
}
"""


def test_comments_indentation_and_a_trailing_comma_are_continued_as_they_are():
    after = apply(COMMENTED, put(COMMENTED, PATH, {"command": "x", "args": ["y"]}))
    assert after == COMMENTED.replace(
        "/* keep */\n",
        '/* keep */\n    "runpod": {\n      "command": "x",\n      "args": [\n        "y"\n      ]\n    },\n',
    )


@pytest.mark.parametrize("text", ["", "\n", "// nothing yet", "\ufeff", "{}", "{ }", "{\n}", '{"a":1}'])
def test_small_and_empty_documents_get_the_entry(text):
    after = apply(text, put(text, PATH, ENTRY))
    assert after.startswith(text.rstrip(" {}\n") if "{" not in text else text[0])
    assert value_of(after)["mcpServers"]["runpod"] == ENTRY


def test_line_ends_of_windows_and_tabs_are_kept():
    text = '{\r\n\t"a": 1\r\n}\r\n'
    after = apply(text, put(text, PATH, {"command": "x"}))
    assert (
        after
        == '{\r\n\t"a": 1,\r\n\t"mcpServers": {\r\n\t\t"runpod": {\r\n\t\t\t"command": "x"\r\n\t\t}\r\n\t}\r\n}\r\n'
    )


def test_a_changed_value_is_replaced_where_it_stands_and_a_switch_stays_as_a_person_set_it():
    text = '{"mcp": {"runpod": {"command": ["old"], "enabled": false, "mine": 1}}}'
    wanted = {"command": ["new"], "enabled": True}
    after = apply(text, put(text, ("mcp", "runpod"), wanted, once=("enabled",)))
    assert after == text.replace('"old"', '"new"')


def test_only_what_changes_is_shown():
    text = '{"mcpServers":{"other":{"env":{"TOKEN":"secret"}}}}'
    shown = as_diff(text, put(text, PATH, {"command": "x"}))
    assert shown == ["@@ line 1 @@", '+, "runpod": {"command": "x"}']


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1, a key in quotes is expected"),
        ('{\n"a" 1}', "line 2, a colon is missing"),
        ('{"a": }', "a value is missing"),
        ('{"a": 1 "b": 2}', "a comma or } is missing"),
        ("{} {}", "something stands after the end"),
        ("/* open", "a comment without an end"),
        ("{'a': 1}", "a key in quotes"),
        ("[" * 500 + "]" * 500, "nested too deep"),
        ('{"a": ' + "9" * 5000 + "}", "cannot be read"),
        ("[1]", "something else than an object"),
        ('{"mcpServers": [1]}', "something else than an object as mcpServers"),
        ('{"mcpServers": {}, "mcpServers": {}}', "holds mcpServers twice"),
        ('{"mcpServers": {"runpod": {}, "runpod": {}}}', "holds runpod twice"),
        ("{a: 1}", "a key in quotes"),
        ('{"a": undefined}', "not expected 'u'"),
    ],
)
def test_what_is_not_valid_or_not_clear_is_named_and_left(text, words):
    with pytest.raises(CannotEdit, match=words.replace("}", r"\}")):
        put(text, PATH, ENTRY)


@pytest.mark.parametrize("text", ["{} // c", '{"a": 1,}', "/* c */ {}"])
def test_where_a_client_takes_only_plain_json_a_comment_makes_it_invalid(text):
    assert put(text, PATH, ENTRY)
    with pytest.raises(CannotEdit, match="not valid JSON"):
        put(text, PATH, ENTRY, strict=True)


def test_nothing_is_taken_out_of_where_nothing_is():
    for text in ("", "{}", '{"mcpServers": {}}', '{"mcpServers": {"other": {}}}'):
        assert drop(text, PATH) == []
