"""Each rule: what it denies, under which code and field, and what would pass instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_helpers import A40, H100, L4, RTX_4090, policy, request, usd

from runpod_mcp.money import ZERO
from runpod_mcp.policy.rules import RULES, asks_human, judge_change, judge_request, permits_of

CPU = {"computeType": "CPU"}

DENIALS = {
    "cloud": (
        {"pods": {"cloud_types": ["SECURE"]}},
        {"cloudType": "COMMUNITY"},
        ("cloud_not_allowed", "cloudType", "SECURE", "COMMUNITY"),
        [{"cloudType": "SECURE"}],
    ),
    "interruptible, denied": (
        {"pods": {"interruptible": "deny"}},
        {"interruptible": True},
        ("interruptible_not_allowed", "interruptible", "deny", "true"),
        [{"interruptible": False}],
    ),
    "interruptible, required": (
        {"pods": {"interruptible": "require"}},
        {},
        ("interruptible_not_allowed", "interruptible", "require", "false"),
        [{"interruptible": True}],
    ),
    "gpu types": (
        {"gpus": {"allow": [L4, "*4090"]}},
        {"gpuTypeIds": [H100, A40]},
        ("gpu_not_allowed", "gpuTypeIds", f"{L4}, *4090", f"{H100}, {A40}"),
        [],
    ),
    "gpu types, denied": (
        {"gpus": {"deny": ["*h100*"]}},
        {"gpuTypeIds": [H100]},
        ("gpu_not_allowed", "gpuTypeIds", "everything not denied", H100),
        [],
    ),
    "gpu types, none": (
        {"gpus": {"allow": []}},
        {"gpuTypeIds": [H100]},
        ("gpu_not_allowed", "gpuTypeIds", "nothing", H100),
        [],
    ),
    "gpu count": (
        {"gpus": {"max_per_pod": 2}},
        {"gpuCount": 3},
        ("too_many_gpus", "gpuCount", 2, 3),
        [{"gpuCount": 2}],
    ),
    "gpu count, none": (
        {"gpus": {"max_per_pod": 0}},
        {},
        ("too_many_gpus", "gpuCount", 0, 1),
        [],
    ),
    "cpu flavors": (
        {"cpus": {"allow": ["cpu3*"]}},
        {**CPU, "cpuFlavorIds": ["cpu5c"]},
        ("cpu_not_allowed", "cpuFlavorIds", "cpu3*", "cpu5c"),
        [],
    ),
    "vcpu count": (
        {"cpus": {"max_vcpus_per_pod": 7}},
        {**CPU, "vcpuCount": 8},
        ("cpu_not_allowed", "vcpuCount", 7, 8),
        [{"vcpuCount": 4}],
    ),
    "vcpu count, none": (
        {"cpus": {"max_vcpus_per_pod": 1}},
        CPU,
        ("cpu_not_allowed", "vcpuCount", 1, 2),
        [],
    ),
    "image": (
        {"pods": {"images": ["runpod/*", "ghcr.io/acme/*"]}},
        {"imageName": "evil/miner:1"},
        ("image_not_allowed", "imageName", "runpod/*, ghcr.io/acme/*", "evil/miner:1"),
        [],
    ),
    "template": (
        {"pods": {"templates": ["mine-*"]}},
        {"templateId": "Mine-1"},
        ("template_not_allowed", "templateId", "mine-*", "Mine-1"),
        [],
    ),
    "ports": (
        {"pods": {"ports": ["22/tcp", "*/http"]}},
        {"ports": ["22/tcp", "23/tcp", "80/http", "24/tcp"]},
        ("port_not_allowed", "ports", "22/tcp, */http", "23/tcp, 24/tcp"),
        [{"ports": ["22/tcp", "80/http"]}],
    ),
    "ports, none": (
        {"pods": {"ports": []}},
        {},
        ("port_not_allowed", "ports", "nothing", "8888/http, 22/tcp"),
        [{"ports": []}],
    ),
    "container disk": (
        {"pods": {"max_container_disk_gb": 40}},
        {},
        ("disk_too_large", "containerDiskInGb", 40, 50),
        [{"containerDiskInGb": 40}],
    ),
    "container disk, none": (
        {"pods": {"max_container_disk_gb": 0}},
        {},
        ("disk_too_large", "containerDiskInGb", 0, 50),
        [],
    ),
    "volume": (
        {"pods": {"max_volume_gb": 0}},
        {},
        ("disk_too_large", "volumeInGb", 0, 20),
        [{"volumeInGb": 0}],
    ),
    "lease": (
        {"lease": {"max_hours": 8}},
        {"leaseHours": 8.001},
        ("lease_too_long", "leaseHours", 8.0, 8.001),
        [{"leaseHours": 8.0}],
    ),
}


@pytest.mark.parametrize("rule", DENIALS)
def test_a_denial_names_code_field_limit_request_and_what_would_pass(rule):
    tables, arguments, said, alternatives = DENIALS[rule]
    wish = request(**arguments)
    denied = judge_request(policy(**tables), wish)
    assert denied is not None
    assert (denied.code, denied.field, denied.limit, denied.requested) == said
    assert denied.alternatives == alternatives
    for change in alternatives:
        assert judge_request(policy(**tables), request(**{**arguments, **change})) is None
    assert denied.as_failure().as_structure()["code"] == said[0]


def test_every_rule_denies_something_of_the_list_above():
    rules = {
        rule
        for tables, arguments, *_ in DENIALS.values()
        for rule in RULES
        if rule(policy(**tables), request(**arguments))
    }
    assert rules == set(RULES)


@pytest.mark.parametrize(
    ("tables", "arguments"),
    [
        ({"pods": {"cloud_types": ["COMMUNITY", "SECURE"]}}, {"cloudType": "COMMUNITY"}),
        ({"pods": {"interruptible": "deny"}}, {}),
        ({"pods": {"interruptible": "require"}}, {"interruptible": True}),
        ({"gpus": {"allow": [L4]}}, {}),
        ({"gpus": {"allow": [L4]}}, {"gpuTypeIds": [H100, L4]}),
        ({"gpus": {"allow": [L4]}}, {**CPU, "gpuTypeIds": [H100]}),
        ({"gpus": {"max_per_pod": 2}}, {"gpuCount": 2}),
        ({"gpus": {"max_per_pod": 0}}, {**CPU, "gpuCount": 8}),
        ({"cpus": {"allow": ["cpu3c"]}}, CPU),
        ({"cpus": {"allow": ["cpu3c"]}}, {**CPU, "cpuFlavorIds": ["cpu3c", "cpu5c"]}),
        ({"cpus": {"allow": [], "max_vcpus_per_pod": 0}}, {"cpuFlavorIds": ["cpu5c"], "vcpuCount": 8}),
        ({"cpus": {"max_vcpus_per_pod": 8}}, {**CPU, "vcpuCount": 8}),
        ({"pods": {"templates": ["mine-*"]}}, {"templateId": "mine-1"}),
        ({"pods": {"templates": ["mine-*"]}}, {}),
        ({"pods": {"templates": []}}, {"templateId": "anything"}),
        ({"pods": {"ports": ["*"]}}, {}),
        ({"pods": {"ports": []}}, {"ports": []}),
        ({"pods": {"max_container_disk_gb": 50, "max_volume_gb": 20}}, {}),
        ({"pods": {"max_container_disk_gb": 10}}, {"containerDiskInGb": None, "templateId": "t"}),
        ({"pods": {"max_volume_gb": 0}}, {"volumeInGb": None}),
        ({"pods": {"max_volume_gb": 0}}, {"volumeInGb": 500, "networkVolumeId": "v"}),
        ({"pods": {"max_volume_gb": 0}}, {**CPU, "volumeInGb": 500}),
        ({"lease": {"max_hours": 8}}, {"leaseHours": 8}),
        ({"lease": {"max_hours": 8}}, {}),
    ],
)
def test_what_is_exactly_at_its_limit_or_not_what_the_rule_is_about_passes(tables, arguments):
    assert judge_request(policy(**tables), request(**arguments)) is None


@pytest.mark.parametrize(
    ("image", "passes"),
    [
        ("runpod/pytorch:2.1.0-py3.10-cuda11.8.0-devel-ubuntu22.04", True),
        ("runpod/pytorch@sha256:" + "a" * 64, True),
        ("runpod/a/b:1", True),
        ("runpod", False),
        ("runpod:1", False),
        ("docker.io/runpod/pytorch", False),
        ("runpod.evil.example/x", False),
        ("evil.example/runpod/x", False),
        ("runpod/../evil/x", False),
        ("runpod/x..y", False),
        ("Runpod/x", False),
        ("RUNPOD/x", False),
        (" runpod/x", False),
        ("runpod/x ", False),
        ("runpod/x\n", False),
        ("runpod/x\nevil/y", False),
        ("runpod/x evil/y", False),
        ("runpоd/x", False),
        ("runpod／x", False),
        ("runpod/%2e%2e/evil", False),
        ("runpod/x\u200b", False),
        ("runpod/x?tag=1", False),
        ("runpod/x#1", False),
        ("runpod\\x", False),
        ("runpod/*", False),
        ("\ud800runpod/x", False),
        ("runpod/" + "x" * 100_000, True),
    ],
)
def test_an_image_pattern_lets_only_that_place_through(image, passes):
    denied = judge_request(policy(pods={"images": ["runpod/*"]}), request(imageName=image))
    assert (denied is None) is passes
    if denied:
        assert denied.code == "image_not_allowed"
        assert len(denied.message) < 200


def test_a_tag_in_other_letters_is_another_image():
    only = policy(pods={"images": ["runpod/base:v1"]})
    assert judge_request(only, request(imageName="runpod/base:v1")) is None
    assert judge_request(only, request(imageName="runpod/base:V1"))


def test_any_image_goes_where_images_are_not_limited():
    assert judge_request(policy(), request(imageName="https://odd one/..")) is None


def test_an_image_nobody_could_read_is_refused_where_images_are_limited():
    denied = judge_request(policy(pods={"images": ["*"]}), request(imageName="", templateId="t"))
    assert denied is not None
    assert "cannot be read" in denied.message


def test_where_several_rules_are_broken_the_alternative_mends_them_all():
    tables = {
        "gpus": {"max_per_pod": 2},
        "pods": {"max_container_disk_gb": 40, "cloud_types": ["SECURE"], "ports": ["22/tcp"]},
        "lease": {"max_hours": 8},
    }
    arguments = {"gpuCount": 8, "cloudType": "COMMUNITY", "leaseHours": 100}
    denied = judge_request(policy(**tables), request(**arguments))
    assert denied is not None
    assert denied.code == "cloud_not_allowed"
    (whole,) = denied.alternatives
    assert whole == {
        "cloudType": "SECURE",
        "gpuCount": 2,
        "ports": ["22/tcp"],
        "containerDiskInGb": 40,
        "leaseHours": 8,
    }
    assert judge_request(policy(**tables), request(**{**arguments, **whole})) is None


def test_where_one_of_the_broken_rules_has_no_remedy_nothing_is_offered():
    tables = {"pods": {"images": ["runpod/*"], "cloud_types": ["SECURE"]}}
    denied = judge_request(policy(**tables), request(cloudType="COMMUNITY"))
    assert denied is not None
    assert (denied.code, list(denied.alternatives)) == ("cloud_not_allowed", [])


def test_what_the_agent_wrote_is_shown_clean_and_cut():
    tables = {"gpus": {"allow": [L4]}, "cpus": {"allow": []}}
    odd = "\x1b[2J\u202e" + "x" * 500
    for wish in (request(gpuTypeIds=[odd] * 50), request(**CPU, cpuFlavorIds=[odd] * 50)):
        denied = judge_request(policy(**tables), wish)
        assert denied is not None
        assert len(denied.message) < 400
        assert "\x1b" not in denied.message


small = st.integers(0, 4)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "gpuCount": st.integers(1, 6),
            "cloudType": st.sampled_from(["SECURE", "COMMUNITY"]),
            "interruptible": st.booleans(),
            "computeType": st.sampled_from(["GPU", "CPU"]),
            "vcpuCount": st.sampled_from([2, 4, 8]),
            "containerDiskInGb": st.integers(1, 6),
            "volumeInGb": small,
            "leaseHours": st.floats(0.1, 6),
            "ports": st.lists(st.sampled_from(["22/tcp", "80/http"]), unique=True),
            "imageName": st.sampled_from(["runpod/a", "evil/a"]),
        },
    ),
    small,
    small,
    st.integers(0, 10),
    st.sampled_from(["allow", "deny", "require"]),
    st.lists(st.sampled_from(["22/tcp", "80/http"]), unique=True),
    st.floats(0.5, 6),
)
def test_whatever_is_denied_every_alternative_passes_every_rule(
    arguments, gpus, disk, vcpus, spot, ports, hours
):
    rules = policy(
        gpus={"max_per_pod": gpus},
        cpus={"max_vcpus_per_pod": vcpus},
        pods={
            "cloud_types": ["SECURE"],
            "images": ["runpod/*"],
            "interruptible": spot,
            "max_container_disk_gb": disk,
            "max_volume_gb": disk,
            "ports": ports,
        },
        lease={"default_hours": 0.5, "max_hours": hours},
    )
    denied = judge_request(rules, request(**arguments))
    for change in denied.alternatives if denied else ():
        assert judge_request(rules, request(**{**arguments, **change})) is None


def test_candidates_see_the_same_policy():
    permits = permits_of(policy(gpus={"deny": [H100]}, cpus={"allow": []}, pods={"countries": ["RO"]}))
    assert permits.gpu(RTX_4090)
    assert not permits.gpu(H100)
    assert not permits.cpu("cpu3c")
    assert permits.place("EU-RO-1", "RO")
    assert not permits.place("US-KS-2", "US")
    assert permits.limits_place


@pytest.mark.parametrize(
    ("rules", "hour", "lease", "reason"),
    [
        ({}, 1000, 1000, None),
        ({"tools": ["create_pod"]}, 0, 0, "create_pod always needs a yes"),
        ({"tools": ["delete_pod"]}, 1, 1, None),
        ({"above_usd_per_hour": 0.8}, 0.8, 1, None),
        ({"above_usd_per_hour": 0.8}, 0.800001, 1, "more than $0.80 per hour"),
        ({"above_usd_per_lease": 5}, 1, 5, None),
        ({"above_usd_per_lease": 5}, 1, 5.000001, "lease can cost more than $5.00"),
        ({"above_usd_per_hour": 0}, 0.000001, 0, "more than $0.00 per hour"),
    ],
)
def test_a_person_is_asked_above_what_they_wrote_and_not_at_it(rules, hour, lease, reason):
    said = asks_human(policy(approval=rules), "create_pod", usd(hour), usd(lease))
    assert (said is None) if reason is None else (reason in (said or ""))


def test_a_tool_that_costs_nothing_is_asked_about_by_its_name_only():
    rules = policy(approval={"above_usd_per_hour": 0, "tools": ["delete_pod"]})
    assert asks_human(rules, "stop_pod", ZERO, ZERO) is None
    assert asks_human(rules, "delete_pod", ZERO, ZERO)


def test_a_rule_shows_the_limit_and_the_request_that_its_denial_speaks_of():
    for tables, arguments, *_ in DENIALS.values():
        rules, wish = policy(**tables), request(**arguments)
        for rule in RULES:
            if denied := rule(rules, wish):
                assert rule.limit(rules) == denied.limit, rule.key
                if rule.key != "pods.ports":  # the denial names the refused ones only
                    assert rule.asked(wish) == denied.requested, rule.key


def test_a_change_is_judged_by_the_rules_of_what_it_changes():
    rules, wish = policy(pods={"images": ["a/*"], "max_volume_gb": 5}), request(imageName="b/c", volumeInGb=6)
    image, volume = judge_change(rules, wish, ["image_name"]), judge_change(rules, wish, ["volume_in_gb"])
    assert image is not None
    assert volume is not None
    assert (image.field, volume.field) == ("imageName", "volumeInGb")
    assert judge_change(rules, wish, ["ports", "name"]) is None
