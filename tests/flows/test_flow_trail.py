"""What the audit trail is told: every call that could change something, with its verdict, and every policy."""

from __future__ import annotations

import json
from typing import Any

from front_door import H100, L4, FrontDoor, front_door, toml_with

from runpod_mcp.flows.keeper import keep_once
from runpod_mcp.flows.trail import note_policy
from runpod_mcp.ledger.audit import Record

KINDS = ("reserved", "lease", "called", "made", "asked", "answered", "used", "policy")


async def trail(door: FrontDoor, kind: str) -> list[Record]:
    records = await door.house.ledger.records()
    assert {record.kind for record in records} <= set(KINDS)
    assert list(await door.house.ledger.verify_audit()) == []
    return [record for record in records if record.kind == kind]


async def test_a_call_is_recorded_with_its_arguments_and_its_verdict(both):
    pod = (await both.create(env={"TOKEN": "swordfish"})).pod_id
    await both.create(H100)
    await both.create(dryRun=True)
    await both.call("delete_pod", podId=pod)
    calls = await trail(both, "called")
    assert [(call.tool, call.facts["verdict"]) for call in calls] == [
        ("create_pod", "done"),
        ("create_pod", "gpu_not_allowed"),
        ("create_pod", "would pass"),
        ("delete_pod", "done"),
    ]
    assert calls[0].facts["arguments"]["env"] == ["TOKEN"]
    assert calls[0].facts["arguments"]["gpuTypeIds"] == [L4]
    assert calls[1].facts["message"]
    assert [call.pod_id for call in calls] == [pod, "", "", pod]
    assert {call.principal for call in calls} == {"local"}
    assert "swordfish" not in json.dumps([dict(call.facts) for call in calls])


async def test_arguments_that_are_wrong_are_recorded_too_and_looking_is_not(door):
    await door.create(gpuCounts=2)
    await door.call("list_pods")
    await door.call("get_budget")
    (call,) = await trail(door, "called")
    assert call.facts["verdict"] == "invalid_arguments"
    assert call.facts["unknown"] == ["gpuCounts"]


async def test_a_secret_under_a_misspelt_name_does_not_reach_the_trail(door):
    await door.create(
        environment={"TOKEN": "swordfish"}, enviroment='{"TOKEN": "swordfish"}', env="swordfish"
    )
    (call,) = await trail(door, "called")
    assert call.facts["unknown"] == ["enviroment", "environment"]
    assert "swordfish" not in json.dumps(dict(call.facts))


async def test_money_and_leases_are_recorded_where_they_are_written(door):
    pod = (await door.create(volumeInGb=20)).pod_id
    await door.call("stop_pod", podId=pod)
    await door.call("delete_pod", podId=pod)
    (reserved,) = await trail(door, "reserved")
    assert reserved.tool == "create_pod"
    assert reserved.facts["request"]["gpuTypeIds"] == [L4]
    assert [record.facts["what"] for record in await trail(door, "lease")] == ["settled", "stopped", "ended"]
    of_pod = await door.house.ledger.records(pod_id=pod)
    assert [record.kind for record in of_pod] == [
        "reserved",
        "lease",
        "called",
        "lease",
        "called",
        "lease",
        "called",
    ]
    assert list(await door.house.ledger.records(since=door.house.now() + 1)) == []
    assert len(await door.house.ledger.records(most=2)) == 2


async def test_a_policy_is_recorded_once_when_it_comes_into_force(door):
    for _ in range(2):
        await keep_once(door.house)
    first = await trail(door, "policy")
    assert [record.facts["state"] for record in first] == ["in force"]
    assert first[0].facts["from"] == str(door.policy_path)
    door.write_policy(toml_with(budget={"usd_per_day": 3.0}))
    await keep_once(door.house)
    door.write_policy("version = ")
    await keep_once(door.house)
    await note_policy(door.house)
    states = [record.facts for record in await trail(door, "policy")]
    assert [facts["state"] for facts in states] == ["in force", "in force", "broken"]
    assert states[0]["sha256"] != states[1]["sha256"]


async def test_a_policy_that_was_in_force_for_a_moment_only_is_recorded_where_it_decided(door):
    """Nobody looks after the house in between: who widens the policy, calls, and narrows it again is seen."""
    narrow = door.policy_path.read_text("utf-8")
    assert not (await door.create(H100)).ok
    door.write_policy("version = 1")
    assert (await door.create(H100)).ok
    door.write_policy(narrow)
    assert not (await door.create(H100)).ok
    said = [(record.kind, record.facts) for record in await door.house.ledger.records()]
    kinds = [kind for kind, _ in said]
    assert kinds == ["policy", "called", "policy", "reserved", "lease", "called", "policy", "called"]
    first, second, third = (facts["sha256"] for kind, facts in said if kind == "policy")
    assert first == third != second


async def test_a_trail_that_cannot_be_written_stops_no_call(tmp_path, caplog):
    async with front_door(tmp_path) as door:
        await door.create()
        (tmp_path / "ledger.db").rename(tmp_path / "elsewhere.db")
        said = await door.call("delete_pod", podId="nosuchpod")
        assert not said.ok
        assert "could not be recorded" in caplog.text
        door.write_policy("version = 1")
        assert not (await door.call("delete_pod", podId="nosuchpod")).ok
        assert "the policy could not be recorded" in caplog.text
        (tmp_path / "elsewhere.db").rename(tmp_path / "ledger.db")


def facts_of(record: Record) -> dict[str, Any]:
    return dict(record.facts)
