"""What a tool answers is said twice, in text and in structure, and an error says what to do next."""

from __future__ import annotations

import json
import logging

import pytest
from front_door import H100, IMAGE, L4, front_door, toml_with

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.money import show_dollars
from runpod_mcp.server.failures import failure_of
from runpod_mcp.server.replies import failed


def facts_in(value, path=""):
    """Every fact of a structure with its path."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from facts_in(item, f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from facts_in(item, path)
    else:
        yield path.removeprefix("."), value


def told(name, value, text):
    """Whether a fact of the structure is in the text, in one of the ways facts are written."""
    if isinstance(value, bool):
        return True
    if isinstance(value, float) and (
        "usd" in name.lower() or "budget" in name.lower() or "limit" in name.lower()
    ):
        return show_dollars(value) in text
    if isinstance(value, float):
        return f"{value:g}" in text
    return str(value) in text or str(value).replace("T", " ").replace(":00Z", "") in text


KEPT_OUT_OF_TEXT = (
    "retry",
    "field",
    "limit",
    "used",
    "requested",
    "cloudType",
    "whyNot",
    "region",
    "budgets",
)


async def test_text_says_what_the_structure_says(both):
    pod = await both.create(name="trial", env={"MODE": "x"}, supportPublicIp=True)
    both.clock.step(minutes=2)
    replies = [
        pod,
        await both.create(dryRun=True),
        await both.call("list_pods"),
        await both.call("get_pod", podId=pod.pod_id),
        await both.call("list_gpu_types"),
        await both.call("list_data_centers"),
        await both.call("stop_pod", podId=pod.pod_id),
        await both.call("delete_pod", podId=pod.pod_id),
    ]
    for said in replies:
        for path, value in facts_in(said.facts):
            name = path.rpartition(".")[2]
            if name not in KEPT_OUT_OF_TEXT and value not in (0, 0.0):
                assert told(path, value, said.text), f"{path} = {value!r} is not in: {said.text}"


async def test_a_denial_says_the_same_in_text_and_structure(door):
    said = await door.create(H100)
    for alternative in said.facts["alternatives"]:
        assert alternative["gpuTypeIds"][0] in said.text
        assert show_dollars(alternative["usdPerHour"]) in said.text
    assert said.facts["message"] in said.text


@pytest.mark.parametrize(
    ("retry", "words"),
    [
        (Retry.NEVER, "Do not repeat"),
        (Retry.CHANGED, "only with changes"),
        (Retry.LATER, "may pass later"),
    ],
)
def test_an_error_says_whether_to_call_again(retry, words):
    reply = failed(Failure(Code.CONFLICT, "It is so.", retry, alternatives=["a", {"gpuCount": 1}]))
    text = reply.content[0].text
    assert text.startswith("conflict: It is so.")
    assert "Would pass: a; gpuCount 1." in text
    assert words in text
    assert reply.is_error
    assert reply.structured_content["retry"] == retry.value


async def test_a_full_budget_says_that_deleting_makes_room(tmp_path):
    async with front_door(tmp_path, toml_with(pods={"max_running": 1})) as door:
        await door.create()
        said = await door.create()
        assert "once delete_pod has made room" in said.text


async def test_what_is_allowed_is_told_where_nothing_else_would_help(tmp_path):
    tables = {"cpus": {"allow": ["cpu3c"]}, "pods": {"ports": ["22/tcp"], "data_centers": ["EU-*"]}}
    async with front_door(tmp_path, toml_with(**tables)) as door:
        cpu = await door.call(
            "create_pod", computeType="CPU", cpuFlavorIds=["cpu5c"], imageName=IMAGE, ports=[]
        )
        assert "Would pass: cpuFlavorIds cpu3c" in cpu.text
        assert "Would pass: ports [] ($" in (await door.create(ports=["80/http"])).text
        assert "Would pass: leaseHours 8 ($" in (await door.create(leaseHours=9, ports=[])).text
        nowhere = await door.create(dataCenterIds=["US-KS-2"], ports=[])
        assert "list_data_centers shows" in nowhere.text
        assert "Would pass: dataCenterIds EU-" in nowhere.text


async def test_where_a_person_must_act_the_agent_is_told_to_tell_them(tmp_path):
    async with front_door(tmp_path, "nonsense", key=None) as door:
        for said in [await door.create(), await door.call("list_pods")]:
            assert said.text.endswith("Do not repeat the call; tell the person.")


def test_an_exception_nobody_planned_for_tells_the_log_and_not_the_agent(caplog):
    caplog.set_level(logging.ERROR)
    failure = failure_of(RuntimeError("sim_key_that_must_stay_secret broke"))
    assert (failure.code, failure.retry) == (Code.INTERNAL_ERROR, Retry.NEVER)
    assert "list_pods" in failure.message
    assert "may have been changed" in failure.message
    assert "broke" not in failure.message
    looked = failure_of(RuntimeError("broke"), only_looks=True)
    assert (looked.code, looked.retry) == (Code.INTERNAL_ERROR, Retry.NEVER)
    assert "Nothing was changed" in looked.message
    assert "pod" not in looked.message
    assert "failed unexpectedly" in caplog.text


def test_a_failure_is_passed_on_as_it_is():
    failure = Failure(Code.CONFLICT, "It is so.")
    assert failure_of(failure) is failure


async def test_errors_are_one_or_two_sentences_without_jargon(tmp_path):
    """Every error that is easy to get, read as an agent would."""
    async with front_door(tmp_path, toml_with(budget={"usd_per_hour": 0.6, "usd_total": 5})) as door:
        pod = await door.create()
        door.sim.faults.add("create", "no_capacity", times=3)
        said = [
            await door.create(),
            await door.create(H100),
            await door.create(gpuCount=4),
            await door.create(leaseHours=100),
            await door.create("NVIDIA RTX A4000", containerDiskInGb=10, volumeInGb=0),
            await door.create(cloudType="COMMUNITY", dryRun=True),
            await door.create(templateId="nope"),
            await door.create(networkVolumeId="nope"),
            await door.create(requestId=""),
            await door.call("get_pod", podId="nope"),
            await door.call("delete_pod", podId=door.sim.by_hand({"create": {}}).id),
            await door.call("list_pods", cursor="nope"),
        ]
        await door.call("delete_pod", podId=pod.pod_id)
    for one in said:
        if one.ok:
            continue
        words = one.text
        assert len(words) < 600, words
        for jargon in (
            "Traceback",
            "exception",
            "None",
            "null",
            "HTTP",
            "status",
            "Retry.",
            "Code.",
            "{",
            "  ",
        ):
            assert jargon not in words, words
        assert json.dumps(one.facts)
        assert one.facts["message"].rstrip()[-1] in ".)'\"", words


async def test_the_words_for_nothing_left_of_a_budget_and_for_no_budget(tmp_path):
    async with front_door(tmp_path, toml_with("version = 1\n", gpus={"allow": [L4]})) as door:
        said = await door.call("create_pod", imageName=IMAGE)
        assert "The policy sets no budget." in said.text
        assert said.facts["budgetLeft"] == {}
        budget = await door.call("get_budget")
        assert "Pods running: 1; GPUs: 1." in budget.text
        assert "One pod may cost" not in budget.text


async def test_the_budget_tells_every_limit_of_the_policy(tmp_path):
    tables = {
        "budget": {"usd_per_hour_per_pod": 1, "usd_per_day": 10, "usd_per_month": 100, "usd_total": 500},
        "pods": {"max_running": 2},
        "gpus": {"max_running": 3},
    }
    async with front_door(tmp_path, toml_with(**tables)) as door:
        said = await door.call("get_budget")
        assert {line["per"]: line["limit"] for line in said.facts["budgets"]} == {
            "hour": 20,
            "day": 10,
            "month": 100,
            "total": 500,
        }
        assert (said.facts["podsAllowed"], said.facts["gpusAllowed"]) == (2, 3)
        assert "Pods running: 0 of 2; GPUs: 0 of 3." in said.text
        assert "One pod may cost $1.00/h." in said.text


def test_what_would_pass_is_written_as_it_can_be_sent() -> None:
    instead = {"interruptible": False, "maxUsdPerHour": 12.3456789, "leaseHours": 2.0, "ports": []}
    text = failed(Failure(Code.CONFLICT, "It is so.", alternatives=[instead])).content[0].text
    assert "Would pass: interruptible false, maxUsdPerHour 12.3456789, leaseHours 2, ports []." in text
