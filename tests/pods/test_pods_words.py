"""Names that are nearly right, and text from outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.values import CPU_FLAVOR_IDS, DATA_CENTER_IDS, GPU_TYPE_IDS
from runpod_mcp.pods.words import clean, nearest

ARGUMENTS = [field.alias or name for name, field in CreateRequest.model_fields.items()]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("gpuCounts", "gpuCount"),
        ("gpu_count", "gpuCount"),
        ("GPUCount", "gpuCount"),
        ("image", "imageName"),
        ("gpuTypeId", "gpuTypeIds"),
        ("datacenterIds", "dataCenterIds"),
        ("containerDisk", "containerDiskInGb"),
        ("volumeSize", "volumeInGb"),
        ("maxUsdPerHr", "maxUsdPerHour"),
        ("dry_run", "dryRun"),
    ],
)
def test_a_misspelt_argument_finds_the_right_one(word, meant):
    assert nearest(word, ARGUMENTS) == meant


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("RTX 4090", "NVIDIA GeForce RTX 4090"),
        ("4090", "NVIDIA GeForce RTX 4090"),
        ("rtx4090", "NVIDIA GeForce RTX 4090"),
        ("NVIDIA RTX 4090", "NVIDIA GeForce RTX 4090"),
        ("nvidia l4", "NVIDIA L4"),
        ("L4", "NVIDIA L4"),
        ("A40", "NVIDIA A40"),
        ("A100 PCIe", "NVIDIA A100 80GB PCIe"),
        ("NVIDIA  L4", "NVIDIA L4"),
        ("NVIDIA_A30", "NVIDIA A30"),
        ("NVIDIA A-30", "NVIDIA A30"),
        ("NVIDIA RTX A450O", "NVIDIA RTX A4500"),
        ("T4", "Tesla T4"),
    ],
)
def test_a_gpu_type_named_in_part_or_misspelt_finds_the_one_that_was_meant(word, meant):
    assert nearest(word, GPU_TYPE_IDS) == meant


def test_places_and_flavors_are_found_as_well():
    assert nearest("EU-RO1", DATA_CENTER_IDS) == "EU-RO-1"
    assert nearest("CPU3C", CPU_FLAVOR_IDS) == "cpu3c"


@pytest.mark.parametrize("word", ["", "-", "zzz", "x", "é", "completely different"])
def test_a_word_like_none_of_them_finds_none(word):
    assert nearest(word, ARGUMENTS) is None


def test_among_no_words_none_is_found():
    assert nearest("gpuCount", []) is None


@given(st.sampled_from([*GPU_TYPE_IDS, *ARGUMENTS]), st.text(max_size=20))
def test_what_is_found_is_always_one_of_the_known_ones(known, word):
    found = nearest(word, [known, *DATA_CENTER_IDS])
    assert found is None or found in (known, *DATA_CENTER_IDS)


@pytest.mark.parametrize(
    "hidden",
    [
        "\x00",
        "\x1b[2J",
        "\r\n",
        "\x85",
        "\u200b",
        "\u202e",
        "\u2066",
        "\ufeff",
        "\u00ad",
        "\u3164",
        "\ufe0f",
        "\U000e0041\U000e0042",
        "\U000e0101",
        "\ud800",
    ],
)
def test_what_a_person_cannot_see_is_taken_out_of_text_from_outside(hidden):
    shown = clean(f"a{hidden}b")
    assert shown.replace("[2J", "") == "a b"


def test_text_from_outside_is_trimmed_and_cut():
    assert clean("  a pod \n") == "a pod"
    assert clean("x" * 120) == "x" * 120
    assert clean("x" * 121) == "x" * 119 + "…"
    assert clean("abcdef", 3) == "ab…"
    assert clean("") == ""


def test_letters_of_other_languages_and_signs_stay():
    assert clean("Größe – 模型 №5 ✓") == "Größe – 模型 №5 ✓"


@given(st.text(), st.integers(1, 200))
def test_clean_text_is_never_longer_than_its_limit_and_can_be_written_as_utf_8(text, limit):
    shown = clean(text, limit)
    assert len(shown) <= limit
    assert clean(shown, limit) == shown
    shown.encode("utf-8")
