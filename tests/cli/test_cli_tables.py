"""Tables, bars and words on a terminal of any width and any encoding."""

from __future__ import annotations

import pytest

from runpod_mcp.cli.tables import (
    FREE,
    PROMISED,
    USED,
    Column,
    bar,
    bar_length,
    cents,
    count,
    cut,
    printable,
    size,
    span,
    table,
    wrapped,
)
from runpod_mcp.config import colour_allowed
from runpod_mcp.money import Usd

COLUMNS = [Column("id", least=6), Column("name", 2, least=4), Column("price", right=True), Column("left", 1)]
ROWS = [
    ["pod-123456", "a long name for a pod", "$0.50", "1h05m"],
    ["pod-2", "漢字漢字漢字漢字", "$12.00", "9m"],
]


@pytest.mark.parametrize("most", range(1, 90))
def test_no_line_of_a_table_is_wider_than_the_terminal(most):
    lines = table(COLUMNS, ROWS, most)
    assert len(lines) == 3
    assert all(size(line) <= most for line in lines)


def test_a_table_with_room_shows_everything_with_numbers_on_the_right():
    assert table(COLUMNS, ROWS) == [
        "id          name                    price  left",
        "pod-123456  a long name for a pod   $0.50  1h05m",
        "pod-2       漢字漢字漢字漢字       $12.00  9m",
    ]


def test_columns_are_cut_first_and_then_dropped_the_least_important_first():
    assert table(COLUMNS, ROWS, 40)[1] == "pod-123456  a long name …   $0.50  1h05m"
    heads = [table(COLUMNS, ROWS, most)[0].split() for most in (40, 24, 17, 14)]
    assert heads == [
        ["id", "name", "price", "left"],
        ["id", "price", "left"],
        ["id", "price"],
        ["id", "price"],
    ]


def test_a_cell_that_wraps_goes_on_below_and_loses_nothing():
    columns = [Column("what"), Column("why", least=6, wraps=True)]
    assert table(columns, [["a", "one two three"], ["b", "four"]], 12) == [
        "what  why",
        "a     one",
        "      two",
        "      three",
        "b     four",
    ]
    assert table(columns, [["a", "one two three"]]) == ["what  why", "a     one two three"]


def test_a_table_without_rows_is_its_names():
    assert table(COLUMNS, [], 40) == ["id  name  price  left"]


def test_what_could_move_a_cursor_is_not_shown():
    assert "\x1b" not in "".join(table([Column("name")], [["\x1b[2Jgone\n"]]))


@pytest.mark.parametrize(
    ("parts", "whole", "drawn"),
    [
        ([(USED, 0), (PROMISED, 0)], 10, "··········"),
        ([(USED, 5), (PROMISED, 2)], 10, "█████▒▒···"),
        ([(USED, 10), (PROMISED, 5)], 10, "██████████"),
        ([(USED, 1), (PROMISED, 1)], 1000, "█▒········"),
        ([(USED, 99)], 10, "██████████"),
        ([(USED, 5)], 0, "··········"),
    ],
)
def test_a_bar_never_passes_its_end_and_shows_what_is_more_than_nothing(parts, whole, drawn):
    assert bar(parts, whole, 10) == drawn


def test_bars_are_short_where_there_is_little_room():
    assert bar_length(40) < bar_length(None) == bar_length(120)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "over"),
        (0, "over"),
        (40, "40s"),
        (600, "10m"),
        (3900, "1h05m"),
        (172_800, "2d00h"),
        (200_000, "2d07h"),
    ],
)
def test_how_long_something_takes_is_said_in_two_units_at_most(seconds, words):
    assert span(seconds) == words


def test_small_amounts_are_not_hidden_by_cents():
    assert [cents(Usd(one)) for one in (0, 100, 10_000, 1_234_567)] == ["$0.00", "$0.0001", "$0.01", "$1.23"]


def test_one_thing_is_not_several():
    assert [count(one, "pod") for one in (0, 1, 2_000)] == ["0 pods", "1 pod", "2,000 pods"]


@pytest.mark.parametrize("most", range(1, 60))
def test_wrapped_text_fits_and_loses_nothing(most):
    text = "May the agent call create_pod (gpuTypeIds NVIDIA-A-very-long-name-indeed)? 漢字漢字"
    lines = wrapped(text, most, "  ")
    assert all(size(line) <= max(2, most) for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_text_stays_whole_where_there_is_no_terminal():
    assert wrapped("a " * 300, None, "  ") == ["  " + "a " * 300]


def test_what_was_cut_shows_it():
    assert cut("abcdef", 4) == "abc…"
    assert cut("abcd", 4) == "abcd"
    assert size("é") == 1


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", "█▒·…–漢"),
        (None, "█▒·…–漢"),
        ("ascii", "#=.~-?"),
        ("cp1252", "#=.~-?"),
        ("latin-1", "#=.~-?"),
    ],
)
def test_an_output_that_cannot_hold_the_signs_gets_simpler_ones(encoding, shown):
    assert printable(f"{USED}{PROMISED}{FREE}…–漢", encoding) == shown


def test_colour_is_left_out_where_nobody_wants_it():
    assert colour_allowed({})
    assert colour_allowed({"NO_COLOR": ""})
    assert not colour_allowed({"NO_COLOR": "1"})
    assert not colour_allowed({"TERM": "dumb"})
