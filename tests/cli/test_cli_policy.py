"""`policy check`: what a policy says in plain words, and what its author may not have meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from front_door import LIMITLESS, toml_with

from runpod_mcp.cli import cli
from runpod_mcp.policy.document import PRESETS, preset

V1, V2 = "https://rest.runpod.io/v1", "https://api.runpod.io/v2"


def check(path: Path, text: str, url: str = V2, *flags: str) -> str:
    path.write_text(text, "utf-8")
    done = CliRunner().invoke(cli, ["policy", "check", str(path), *flags], env={"RUNPOD_API_URL": url})
    assert done.exit_code == 0, done.output
    return done.output


def warnings(path: Path, url: str = V2, **tables: Any) -> str:
    tables = {"budget": {"usd_per_day": 5}, **tables}
    return "\n".join(json.loads(check(path, toml_with(**tables), url, "--json"))["warnings"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.toml"


@pytest.mark.parametrize("name", PRESETS)
def test_the_ready_made_policies_are_doubted_in_nothing(path, name):
    assert "Warning" not in check(path, preset(name))


def test_a_policy_that_demands_spot_pods_is_doubted_where_there_are_none(path):
    assert 'interruptible is "require"' in warnings(path, pods={"interruptible": "require"})
    assert "RUNPOD_API_URL" in warnings(path, pods={"interruptible": "require"})
    assert warnings(path, V1, pods={"interruptible": "require"}) == ""
    assert warnings(path, pods={"interruptible": "deny"}) == ""


@pytest.mark.parametrize("most", [1, 9])
def test_a_volume_limit_below_the_smallest_volume_of_v2_is_doubted_there(path, most):
    said = warnings(path, pods={"max_volume_gb": most})
    assert f"max_volume_gb is {most}" in said
    assert "at least 10" in said
    assert warnings(path, V1, pods={"max_volume_gb": most}) == ""


@pytest.mark.parametrize("most", [0, 10, 100])
def test_a_volume_limit_that_v2_can_meet_is_not_doubted(path, most):
    assert warnings(path, pods={"max_volume_gb": most}) == ""


def test_warnings_stand_among_the_words_for_a_person_too(path):
    assert "Warning: pods.interruptible" in check(path, toml_with(pods={"interruptible": "require"}))


def test_a_budget_that_only_limits_the_rate_is_doubted(path):
    assert "only the hourly rate" in check(path, toml_with())


def test_names_that_nobody_sells_and_limits_that_never_bind_are_doubted(path):
    said = warnings(
        path,
        gpus={"allow": ["NVIDIA L4", "NVIDIA L44"]},
        budget={"usd_per_day": 5, "usd_per_hour": 1.0, "usd_per_hour_per_pod": 2.0},
    )
    assert "'NVIDIA L44' matches no GPU type" in said
    assert "above usd_per_hour" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LIMITLESS, "any number of GPUs in one pod, any number of GPUs running."),
        (LIMITLESS, "Any number of pods running, in any cloud; spot pods: allow."),
        (LIMITLESS, "Disks: container of any size, volume of any size."),
        (toml_with(gpus={"max_running": 2}), "at most 2 GPUs in one pod, at most 2 GPUs running."),
        (toml_with(pods={"max_running": 3, "max_volume_gb": 9}), "At most 3 pods running"),
        (toml_with(pods={"max_running": 3, "max_volume_gb": 9}), "volume at most 9 GB."),
        ("version = 1\n[lease]\nmax_hours = 0.5\n", "A lease is 0.5 h by default and 0.5 h at most"),
    ],
)
def test_limits_and_their_absence_are_said_in_sentences(path, text, words):
    assert words in check(path, text)
