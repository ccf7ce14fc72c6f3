"""goose's YAML edited as lines: an entry of ours comes and goes, every other line stays, and doubt leaves it alone."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from runpod_mcp.clients.edits import CannotEdit, apply
from runpod_mcp.clients.yaml_edits import drop_entry, put_entry
from runpod_mcp.clients.yaml_lines import ends_in_block, read_yaml

AT = ("extensions", "runpod")
ENTRY = {
    "enabled": True, "type": "stdio", "name": "runpod", "cmd": "C:\\py: 'x' #1",
    "args": ["-P", "-m", "runpod_mcp", "--policy", "/é/[p]"], "timeout": 300, "envs": {"A_FILE": "/k"},
}  # fmt: skip

OTHER = st.sampled_from(
    [
        "GOOSE_PROVIDER: openai", "# a comment", "", "quoted: \"a: b # c\" # d", "single: 'it''s: x'", "n: 5", "none:",
        "block: |\n  extensions:\n    runpod: no\n\n  end", "folded: >-\n   a\n   b", "list:\n- a\n- 'b: c'\n- d: e\n  f: g",
        "deep:\n  list:\n    - x\n    - \"y\"\n  map: {}", "flow: [a, 'b', 3]", "url: http://x/y#z", "path: C:\\a b",
    ]
)  # fmt: skip
EXTENSIONS = st.sampled_from(
    [
        "extensions:\n  developer:\n    enabled: true\n    type: builtin",
        "extensions: # mine\n    a b:\n        args:\n        - x\n        - -y\n        envs: {}\n    # last",
        "extensions:\n  x:\n    description: |-\n      runpod:\n        a\n    cmd: y\n\n  # c\n  \"q\":\n    args: []",
        "extensions: {}", "extensions: {} # none", "",
    ]
)  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> str:
    others = draw(st.lists(OTHER, max_size=4, unique_by=lambda text: text.split(":")[0]))
    place = draw(st.integers(0, len(others)))
    pieces = [*others[:place], draw(EXTENSIONS), *others[place:]]
    line = draw(st.sampled_from(["\n", "\r\n"]))
    text = (
        draw(st.sampled_from(["", "---\n", "# top\n\n"]))
        + "\n".join(pieces)
        + draw(st.sampled_from(["", "\n", "\n\n"]))
    )
    return draw(st.sampled_from(["", "\ufeff"])) + text.replace("\n", line)


def said(text: str) -> dict[str, Any]:
    return yaml.safe_load(text) or {}


@given(documents())
def test_what_is_put_into_any_document_is_taken_out_again_to_the_byte(text):
    before = said(text)
    if ends_in_block(text) and not text.endswith("\n"):
        return
    after = apply(text, put_entry(text, *AT, ENTRY))
    assert said(after) == before | {"extensions": (before.get("extensions") or {}) | {"runpod": ENTRY}}
    assert put_entry(after, *AT, ENTRY) == []
    back = apply(after, drop_entry(after, *AT))
    if before.get("extensions") is not None:
        assert back == text
    else:
        assert said(back) == before | {"extensions": {}}


LINES = st.sampled_from(
    [
        "a: 1", "b:", "  c: 2", "  - d", "- e", "    f: g", "extensions:", "  runpod:", "    cmd: x", "extensions: {}",
        "  runpod: {}", "g: &x 1", "h: *x", "<<: *x", "i: !t 2", "j: {a: 1}", "k: [1,", "  2]", 'l: "open', '  close"', "? m",
        ": n", "---", "...", "%YAML 1.1", "\to: 1", "p: a\tb", "q: |", "  text", " r: 1", "s: 'a", "plain words", "t: a: b",
        "'u': 1", '"v" : 2', "w: # c", "x : 3", "extensions: &a", "extensions: null", "y: - 1", "z: [a, [b]]", "- - x", "-",
        "aa: >\n", "bb: @x", "cc: `x`", "dd: %x", "ee: '#'", "ff: 'a' b", "runpod: 1", "  ? x", "extensions: []", "gg: [a:b]",
    ]
)  # fmt: skip


@given(st.lists(LINES, max_size=6).map("\n".join))
@example("extensions:\n  runpod:\n    cmd: x\n  other:\n    a: 1")
@example("a: 1\na: 2")
def test_whatever_stands_in_a_document_it_is_left_alone_or_only_our_entry_changes(text):
    try:
        after = apply(text, put_entry(text, *AT, ENTRY))
    except CannotEdit:
        return
    before, now = said(text), said(after)
    assert {key: value for key, value in now.items() if key != "extensions"} == {
        key: value for key, value in before.items() if key != "extensions"
    }
    others = {key: value for key, value in (before.get("extensions") or {}).items() if key != "runpod"}
    assert {key: value for key, value in now["extensions"].items() if key != "runpod"} == others
    assert now["extensions"]["runpod"].items() >= ENTRY.items()
    back = said(apply(after, drop_entry(after, *AT)))
    assert "runpod" not in back["extensions"]


REWRITTEN = """\
extensions:
  runpod:
    args:
    - runpod-mcp
    bundled: null
    cmd: uvx
    enabled: false
    envs:
      MINE: "1"
    type: stdio
  zoo:
    type: builtin
GOOSE_MODE: auto
"""


def test_an_entry_that_goose_wrote_anew_is_changed_where_it_differs_and_keeps_the_rest():
    wanted = {"enabled": True, "cmd": "uvx", "args": ["a"], "envs": {"K": "v"}, "timeout": 300}
    after = apply(REWRITTEN, put_entry(REWRITTEN, *AT, wanted, once=("enabled",)))
    assert after == REWRITTEN.replace("    - runpod-mcp\n", "    - a\n").replace(
        '      MINE: "1"\n', '      MINE: "1"\n      K: v\n'
    ).replace("    type: stdio\n", "    type: stdio\n    timeout: 300\n")
    assert put_entry(after, *AT, wanted, once=("enabled",)) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("extensions: {a: {b: 1}}\n", "line 1 is not plain enough"),
        ("a: 1\nextensions: &x\n  b: 1\n", "line 2 is not plain enough"),
        ("extensions:\n\trunpod: 1\n", "line 2 is not plain enough"),
        ("a: b\n  c\n", "line 2 is not plain enough"),
        ('a: "b\n  c"\n', "line 1 is not plain enough"),
        ("a: 1\n---\nb: 2\n", "line 2 is not plain enough"),
        ("---\n---\n", "line 2 is not plain enough"),
        ("a: |+\n  b\n\n", "line 1 is not plain enough"),
        ("a: |\n  b", "ends in the middle of a block of text"),
        ("- a\n", "line 1 is not plain enough"),
        ("a: 1\na: 2\n", "line 2 holds a for the second time"),
        ("a: \x00\n", "line 1 is not plain enough"),
        ("extensions: 5\n", "something else than a mapping as extensions"),
        ("extensions:\n- a\n", "something else than a mapping as extensions"),
        ("extensions:\n  runpod: 5\n", "something else than a mapping as this entry"),
    ],
)
def test_what_cannot_be_read_without_doubt_is_named_and_left(text, words):
    with pytest.raises(CannotEdit, match=words):
        put_entry(text, *AT, ENTRY)


def test_nothing_is_taken_out_of_where_nothing_is():
    for text in ("", "a: 1\n", "extensions: {}\n", "extensions:\n  other:\n    a: 1\n"):
        assert drop_entry(text, *AT) == []


def test_values_are_read_as_their_kinds():
    blocks = read_yaml("a: true\nb: 12\nc: ~\nd: 'x'\ne: [1, b]\nf: 1.5\ng:\n- 1\n- k: v\n")
    assert {key: block.value for key, block in blocks.items()} == {
        "a": True, "b": 12, "c": None, "d": "x", "e": [1, "b"], "f": "1.5", "g": [1, None],
    }  # fmt: skip
