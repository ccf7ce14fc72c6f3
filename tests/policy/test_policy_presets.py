"""The ready-made policies, and the one that applies when nobody wrote one."""

from __future__ import annotations

from pathlib import Path

import pytest

from runpod_mcp.pods.values import GPU_TYPE_IDS
from runpod_mcp.policy.document import PRESETS, default_policy, preset, read_policy

PUBLISHED = Path(__file__).parents[2] / "manifests" / "policies"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_parses_and_limits_what_a_pod_an_hour_a_day_and_a_month_may_cost(name):
    read = read_policy(preset(name), f"{name}.toml")
    budget = read.budget
    limits = (budget.usd_per_hour_per_pod, budget.usd_per_hour, budget.usd_per_day, budget.usd_per_month)
    assert all(limits)
    assert list(limits) == sorted(limits)
    assert read.pods.max_running
    assert read.gpus.max_running


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_allows_and_denies_gpu_types_that_exist(name):
    gpus = read_policy(preset(name), f"{name}.toml").gpus
    for pattern in (*(gpus.allow or ()), *gpus.deny):
        only = read_policy(f"version = 1\n[gpus]\nallow = ['{pattern}']", "one.toml").gpus
        newer = pattern == "*B300*"
        assert newer or any(only.permits(one) for one in GPU_TYPE_IDS), pattern
    assert any(gpus.permits(one) for one in GPU_TYPE_IDS)


def test_the_published_policies_are_the_presets_to_the_letter():
    assert {file.name for file in PUBLISHED.glob("*.toml")} == {f"{name}.toml" for name in PRESETS}
    for name in PRESETS:
        assert (PUBLISHED / f"{name}.toml").read_text("utf-8") == preset(name)


def test_the_default_is_the_policy_of_one_person_with_pocket_money():
    default = default_policy()
    assert default.is_default
    solo = read_policy(preset("solo"), "solo.toml")
    assert default.model_dump() == solo.model_dump()
    assert not solo.is_default
