"""Names against patterns, as somebody who wants to get past them would try it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runpod_mcp.pods.values import GPU_TYPE_IDS
from runpod_mcp.policy.patterns import fold, matches, matches_exactly, permits


@pytest.mark.parametrize(
    ("name", "pattern", "fits"),
    [
        ("runpod/pytorch:2", "runpod/*", True),
        ("runpod/", "runpod/*", True),
        ("runpod", "runpod/*", False),
        ("xrunpod/a", "runpod/*", False),
        ("NVIDIA RTX 4000 Ada Generation", "*Ada Generation", True),
        ("NVIDIA RTX 4000 Ada Generation 2", "*Ada Generation", False),
        ("EU-RO-1", "EU-*", True),
        ("EUR-IS-1", "EU-*", False),
        ("EU-RO-1", "*-*-1", True),
        ("EU-RO-10", "*-*-1", False),
        ("aa", "a*a", True),
        ("a", "a*a", False),
        ("aba", "a*b*a", True),
        ("aa", "a*b*a", False),
        ("abcabc", "*bc*bc", True),
        ("abc", "*bc*bc", False),
        ("", "*", True),
        ("x", "**", True),
        ("a.c", "a.c", True),
        ("abc", "a.c", False),
        ("a[b]", "a[b]", True),
        ("ab", "a?", False),
        ("a\nb", "a*b", True),
    ],
)
def test_a_star_stands_for_any_run_of_characters_and_nothing_else_does(name, pattern, fits):
    assert matches_exactly(name, (pattern,)) is fits
    assert fits <= matches(name, (pattern,))


def test_case_and_runs_of_spaces_do_not_tell_gpu_types_apart():
    assert matches("NVIDIA  A30", ("nvidia a30",))
    assert matches("NVIDIA A30", ("NVIDIA\t A30 ",))
    assert not matches("NVIDIAA30", ("NVIDIA A30",))


def test_case_and_spaces_do_tell_apart_what_is_compared_to_the_letter():
    assert not matches_exactly("Runpod/x", ("runpod/*",))
    assert not matches_exactly(" runpod/x", ("runpod/*",))
    assert not matches_exactly("t1", ("T1",))


@pytest.mark.parametrize(
    "name", ["NVIDIA A30", "NVIDIA  A30", "nvidia a30", " NVIDIA A30", "NVIDIA\u00a0A30"]
)
def test_a_denied_gpu_type_stays_denied_however_it_is_written(name):
    assert not permits(name, None, ("NVIDIA A30",))
    assert not permits(name, ("*",), ("*A30",))
    assert not permits(name, (name,), ("nvidia  a30",))


def test_deny_wins_and_an_empty_allow_list_allows_nothing():
    assert permits("a", None)
    assert permits("a", ("a",))
    assert not permits("a", ())
    assert not permits("a", ("a",), ("a",))


def test_every_id_is_allowed_by_its_own_name():
    assert all(permits(one, (one,)) for one in GPU_TYPE_IDS)


def test_a_look_alike_in_another_alphabet_is_another_name():
    assert not matches("NVIDIA А30", ("NVIDIA A30",)), "a cyrillic А"
    assert not matches_exactly("runpоd/x", ("runpod/*",)), "a cyrillic о"


def test_a_very_long_name_against_a_pattern_of_many_stars_takes_no_time():
    assert not matches("a" * 200_000, ("*a" * 40 + "b",))
    assert not matches("ab" * 100_000, ("*a*b*a*b*c*",))


names = st.text(alphabet="ab*. A\n", max_size=12)


@given(names, names)
def test_a_pattern_means_what_the_regular_expression_of_it_means(name, pattern):
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert matches_exactly(name, (pattern,)) is bool(re.fullmatch(expression, name, re.DOTALL))


@given(names, names)
def test_folding_makes_no_allowed_name_a_stranger(name, pattern):
    assert matches(name, (pattern,)) is matches_exactly(fold(name), (fold(pattern),))
    assert matches(name, (name,))
