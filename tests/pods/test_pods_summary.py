"""What goes back to the agent of a pod."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runpod_mcp.money import Usd
from runpod_mcp.pods.full import everything
from runpod_mcp.pods.pod import (
    GpuPrices,
    Machine,
    NetworkVolumeRef,
    Pod,
    PodStatus,
    PortMapping,
    SavingsPlan,
    SshEndpoint,
)
from runpod_mcp.pods.summary import LeaseView, brief, describe, describe_brief
from runpod_mcp.pods.summary import summarize as summarize_at
from runpod_mcp.pods.values import RESERVATION_TAG

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LEASE = LeaseView(NOON, Usd(500_000), Usd(1_000_000))

BARE = Pod(id="p1", status=PodStatus.RUNNING)
GPU_POD = Pod(
    id="p1",
    status=PodStatus.RUNNING,
    name="trial",
    image="runpod/pytorch:1",
    usd_per_hour=Usd(490_000),
    gpu_type_id="NVIDIA L4",
    gpu_count=2,
    cloud="SECURE",
    data_center_id="EU-RO-1",
    volume_gb=20,
    ports=("8888/http", "22/tcp"),
    mappings=(PortMapping(8888, "http"), PortMapping(22, "tcp", 10341, "1.2.3.4")),
    env_names=("MODE", RESERVATION_TAG),
)
CPU_POD = Pod(
    id="p2", status=PodStatus.RUNNING, cpu_flavor_id="cpu3c", vcpu_count=4.0, usd_per_hour=Usd(120_000)
)


def summarize(pod: Pod, lease: LeaseView | None) -> dict[str, Any]:
    return summarize_at(pod, lease, NOON)


def warnings(pod: Pod, lease: LeaseView | None = None) -> str:
    return "; ".join(summarize(pod, lease).get("warnings", []))


def test_a_summary_holds_what_is_needed_to_use_pay_and_end_a_pod():
    assert summarize(GPU_POD, LEASE) == {
        "podId": "p1",
        "name": "trial",
        "status": "running",
        "gpuTypeId": "NVIDIA L4",
        "gpuCount": 2,
        "cloudType": "SECURE",
        "dataCenterId": "EU-RO-1",
        "image": "runpod/pytorch:1",
        "usdPerHour": 0.5,
        "leaseEndsAt": "2026-11-23T12:00:00Z",
        "usdLeftOnLease": 1.0,
        "managed": True,
        "ssh": "ssh root@1.2.3.4 -p 10341",
        "http": ["https://p1-8888.proxy.runpod.net"],
        "envNames": ["MODE"],
    }


def test_a_summary_in_words_says_the_same():
    assert describe(summarize(GPU_POD, LEASE)).splitlines() == [
        'Pod p1 ("trial", running): 2 x NVIDIA L4 in SECURE EU-RO-1',
        "Image runpod/pytorch:1",
        "$0.50/h; lease ends 2026-11-23T12:00:00Z, up to $1.00 still to be spent on it",
        "SSH: ssh root@1.2.3.4 -p 10341",
        "HTTP: https://p1-8888.proxy.runpod.net",
        "Env set: MODE (values are not shown)",
    ]


def test_of_a_pod_of_which_nothing_is_known_nothing_is_made_up():
    facts = summarize(replace(BARE, ports=("22/tcp",)), None)
    assert set(facts) == {"podId", "status", "managed", "warnings"}
    assert describe(facts).splitlines()[:2] == [
        "Pod p1 (running): hardware unknown",
        "price unknown; not managed by this server",
    ]
    assert describe_brief(brief(BARE, None)) == "p1 running, hardware unknown, price unknown, not managed"


def test_a_row_of_a_list_is_shorter_and_says_until_when():
    row = brief(GPU_POD, LEASE)
    assert "http" not in row
    assert describe_brief(row) == ('p1 "trial", running, 2 x NVIDIA L4, $0.50/h, until 2026-11-23T12:00:00Z')


def test_a_cpu_pod_shows_vcpus_where_they_are_known():
    assert "4 vCPU cpu3c, $0.12/h" in describe_brief({**summarize(CPU_POD, None)})
    assert describe_brief(summarize(replace(CPU_POD, vcpu_count=None), None)).startswith("p2 running, cpu3c,")
    assert "vcpuCount" not in summarize(replace(GPU_POD, vcpu_count=24.0), None)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"ssh_direct": SshEndpoint("5.6.7.8", 2222, "root")}, "ssh root@5.6.7.8 -p 2222"),
        ({"mappings": (PortMapping(22, "tcp", 10341),), "public_ip": "9.9.9.9"}, "ssh root@9.9.9.9 -p 10341"),
        ({"mappings": (PortMapping(22, "tcp", 10341),)}, None),
        ({"mappings": (PortMapping(22, "tcp", None, "1.2.3.4"),)}, None),
        ({"mappings": (PortMapping(22, "http", 10341, "1.2.3.4"),)}, None),
        ({"mappings": ()}, None),
    ],
)
def test_the_way_in_over_ssh_is_shown_once_it_is_known(changes, line):
    assert summarize(replace(GPU_POD, **changes), None).get("ssh") == line


def test_a_stopped_pod_has_no_address_and_a_port_that_is_no_number_never_becomes_one():
    assert "http" not in summarize(replace(GPU_POD, status=PodStatus.STOPPED), None)
    odd = replace(GPU_POD, ports=("x.example/http", "8888@evil.example/#/http", "/http", "80/http"))
    assert summarize(odd, None)["http"] == ["https://p1-80.proxy.runpod.net"]


@pytest.mark.parametrize(
    ("pod", "word"),
    [
        (replace(BARE, status=PodStatus.UNKNOWN, raw_status="MELTING\x1b"), "'MELTING'"),
        (replace(BARE, status=PodStatus.UNKNOWN), "'missing'"),
        (replace(GPU_POD, mappings=()), "not reachable yet"),
        (replace(GPU_POD, status=PodStatus.STARTING), "not reachable yet"),
        (replace(GPU_POD, volume_gb=0), "no volume"),
        (replace(GPU_POD, status=PodStatus.STOPPED), "double rate"),
        (replace(GPU_POD, locked=True), "locked"),
    ],
)
def test_an_agent_is_warned_before_it_is_surprised(pod, word):
    assert word in warnings(pod)
    assert f"Note: {summarize(pod, None)['warnings'][0]}" in describe(summarize(pod, None))


def test_a_pod_that_became_dearer_than_its_lease_is_pointed_out():
    assert "now bills $0.60/h" in warnings(replace(GPU_POD, usd_per_hour=Usd(600_000)), LEASE)
    assert warnings(GPU_POD, LEASE) == ""
    assert warnings(replace(GPU_POD, usd_per_hour=None), LEASE) == ""


def test_a_pod_on_a_network_volume_or_one_that_is_gone_loses_nothing():
    assert "no volume" not in warnings(replace(GPU_POD, volume_gb=0, network_volume=NetworkVolumeRef("v")))
    assert warnings(replace(GPU_POD, volume_gb=0, status=PodStatus.STOPPED)) == ""


def test_a_state_nobody_knows_counts_as_billing():
    assert [status for status in PodStatus if not replace(BARE, status=status).bills_compute] == [
        PodStatus.STOPPED,
        PodStatus.TERMINATED,
    ]


@pytest.mark.parametrize(
    ("changes", "ready"),
    [
        ({}, True),
        ({"ports": ()}, True),
        ({"ports": (), "mappings": ()}, True),
        ({"mappings": (PortMapping(22, "tcp"),)}, False),
        ({"status": PodStatus.STARTING}, False),
        ({"ports": ("what/ever",)}, False),
        ({"ports": ("",)}, False),
        ({"ports": ("²/tcp",)}, False),
    ],
)
def test_a_pod_is_ready_when_every_port_it_asked_for_can_be_reached(changes, ready):
    assert replace(GPU_POD, **changes).is_ready is ready


def test_names_from_outside_are_cleaned_and_cut():
    facts = summarize(
        replace(GPU_POD, name="a\nb" + "c" * 99, image="i\x1b" + "j" * 200, env_names=("A\u202eB",)), None
    )
    assert facts["name"].startswith("a b")
    assert len(facts["name"]) == 60
    assert len(facts["image"]) == 100
    assert facts["envNames"] == ["A B"]


def test_in_full_everything_known_is_told_and_money_is_in_dollars():
    pod = replace(
        GPU_POD,
        locked=False,
        uptime_seconds=0,
        usd_per_hour=Usd(0),
        created_at=NOON,
        gpu_prices=GpuPrices(secure=Usd(490_000)),
        machine=Machine(location="RO", cpu_count=32, usd_per_hour=Usd(980_000)),
        savings_plans=(SavingsPlan(id="s", usd_per_hour=Usd(210_000)),),
        last_change="Rented\x00by User" + "x" * 400,
    )
    facts = everything(pod)
    assert facts["status"] == "running"
    assert (facts["locked"], facts["uptime_seconds"], facts["usd_per_hour"]) == (False, 0, 0)
    assert facts["created_at"] == "2026-11-23T12:00:00Z"
    assert facts["gpu_prices"] == {"secure": 0.49}
    assert facts["machine"] == {"location": "RO", "cpu_count": 32, "usd_per_hour": 0.98}
    assert facts["savings_plans"] == [{"id": "s", "usd_per_hour": 0.21}]
    assert facts["mappings"][1] == {"private": 22, "kind": "tcp", "public": 10341, "ip": "1.2.3.4"}
    assert facts["last_change"].startswith("Rented by User")
    assert len(facts["last_change"]) == 300
    assert not {"interruptible", "entrypoint", "memory_gb"} & facts.keys()


@given(st.text(max_size=200), st.text(max_size=30), st.sampled_from(PodStatus))
def test_whatever_runpod_says_of_a_pod_it_can_be_told(text, port, status):
    pod = replace(GPU_POD, name=text, image=text, ports=(port,), raw_status=text, status=status)
    for facts in (summarize(pod, LEASE), everything(pod)):
        json.dumps(facts, ensure_ascii=False).encode("utf-8")
    describe(summarize(pod, None)).encode("utf-8")


@pytest.mark.parametrize(
    ("status", "last_change", "words"),
    [
        (PodStatus.STOPPED, "Exited by User: Mon Nov 23 2026", "stopped on request"),
        (PodStatus.STOPPED, "Exited by Runpod", "stopped by Runpod"),
        (PodStatus.STOPPED, "Pod was outbid", "outbid"),
        (PodStatus.PROVISIONING, None, "a machine is being found"),
        (PodStatus.STARTING, None, "boots"),
        (PodStatus.ERROR, None, "failed"),
    ],
)
def test_a_state_is_said_with_its_reason(status, last_change, words):
    facts = summarize(replace(BARE, status=status, last_change=last_change), None)
    assert words in facts["why"]
    assert f"Why {status.value}: {facts['why']}" in describe(facts)


def test_no_reason_is_made_up():
    assert "why" not in summarize(GPU_POD, None)
    assert "why" not in summarize(replace(BARE, status=PodStatus.STOPPED, last_change="Rented by User"), None)


def test_a_pod_that_runs_without_ports_says_for_how_long():
    pod = replace(BARE, ports=("22/tcp",), started_at=NOON - timedelta(minutes=7, seconds=30))
    assert "not reachable after 7 min; it bills all the same" in warnings(pod)
