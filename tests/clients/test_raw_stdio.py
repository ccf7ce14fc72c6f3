"""What odd clients write on stdin, line by line, and what they are told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from clients_raw import NOW, Raw, raw_server
from clients_stage import CORE

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": NOW,
    "io.modelcontextprotocol/clientCapabilities": {},
}
CREATE = {"gpuTypeIds": ["NVIDIA L4"], "imageName": "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404"}
DRY = {**CREATE, "dryRun": True}


@pytest.fixture
def fresh(tmp_path) -> Iterator[Raw]:
    """A server that nobody has greeted."""
    with raw_server(tmp_path) as raw:
        yield raw


@pytest.fixture(scope="module")
def greeted(tmp_path_factory) -> Iterator[Raw]:
    """A server for the questions of one client after another."""
    with raw_server(tmp_path_factory.mktemp("raw")) as raw:
        raw.greet()
        yield raw


def names(told: dict[str, Any]) -> list[str]:
    return sorted(tool["name"] for tool in told["result"]["tools"])


def rents_is_refused_and_ends(raw: Raw, **more: Any) -> None:
    rented = raw.call("create_pod", arguments=CREATE, **more)
    assert not rented["isError"], rented
    h100 = {**CREATE, "gpuTypeIds": ["NVIDIA H100 80GB HBM3"]}
    refused = raw.call("create_pod", arguments=h100, **more)
    assert refused["isError"]
    assert refused["content"][0]["text"].startswith("gpu_not_allowed: ")
    pod_id = rented["structuredContent"]["pod"]["podId"]
    assert (
        raw.call("delete_pod", arguments={"podId": pod_id}, **more)["structuredContent"]["status"]
        == "deleted"
    )


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26"])
def test_a_client_of_an_older_protocol_rents_is_refused_and_ends(fresh: Raw, version: str) -> None:
    assert fresh.greet(version)["result"]["protocolVersion"] == version
    assert names(fresh.ask("tools/list")) == CORE
    rents_is_refused_and_ends(fresh)


def test_a_client_of_a_protocol_nobody_knows_is_offered_one_that_is_known(fresh: Raw) -> None:
    assert fresh.greet("2099-01-01")["result"]["protocolVersion"] == "2025-11-25"
    assert names(fresh.ask("tools/list")) == CORE


def test_a_client_that_skips_every_greeting_but_sends_the_envelope_rents_is_refused_and_ends(
    fresh: Raw,
) -> None:
    """So does the TypeScript client, which asked another process which era it speaks; capabilities may be empty."""
    assert names(fresh.ask("tools/list", _meta=ENVELOPE)) == CORE
    rents_is_refused_and_ends(fresh, _meta=ENVELOPE)


def test_a_client_of_a_later_era_is_told_which_one_is_spoken(fresh: Raw) -> None:
    later = {**ENVELOPE, "io.modelcontextprotocol/protocolVersion": "2031-01-01"}
    assert fresh.ask("server/discover", _meta=later)["error"]["data"]["supported"] == [NOW]
    assert "result" in fresh.ask("server/discover", _meta=ENVELOPE)


def test_a_client_that_leaves_out_its_capabilities_is_told_so_and_can_begin_again(fresh: Raw) -> None:
    """Every client that was driven sends at least `{}`, as the protocol demands; null is the same mistake."""
    who = {"protocolVersion": "2025-06-18", "clientInfo": {"name": "raw", "version": "0"}}
    assert fresh.ask("initialize", **who)["error"]["code"] == -32602
    assert fresh.ask("initialize", **who, capabilities=None)["error"]["code"] == -32602
    assert fresh.greet("2025-06-18")["result"]["protocolVersion"] == "2025-06-18"
    assert names(fresh.ask("tools/list")) == CORE


def test_a_client_that_never_says_it_is_initialized_is_answered(fresh: Raw) -> None:
    who = {"clientInfo": {"name": "raw", "version": "0"}, "capabilities": {}}
    assert fresh.ask("ping")["result"] == {}
    assert "result" in fresh.ask("initialize", protocolVersion="2025-06-18", **who)
    assert names(fresh.ask("tools/list")) == CORE


@pytest.mark.parametrize(
    "line", ["hello", "", "{}", "[]", '{"jsonrpc": "2.0"', '{"jsonrpc": "2.0", "result": 1}']
)
def test_a_line_that_is_no_message_does_not_end_the_server(greeted: Raw, line: str) -> None:
    greeted.write(line)
    assert greeted.ask("ping")["result"] == {}


def test_ids_may_be_words_and_progress_tokens_zero(greeted: Raw) -> None:
    """Codex counts its progress tokens from 0."""
    greeted.write(json.dumps({"jsonrpc": "2.0", "id": "first", "method": "ping"}))
    assert greeted.answer()["id"] == "first"
    assert not greeted.call("list_pods", arguments={}, _meta={"progressToken": 0})["isError"]


@pytest.mark.parametrize("more", [{}, {"arguments": None}, {"arguments": {}}, {"_meta": None}], ids=str)
def test_a_tool_without_arguments_can_be_called_without_any(greeted: Raw, more: dict[str, Any]) -> None:
    assert greeted.call("list_pods", **more)["structuredContent"]["total"] == 0


SAME = [
    {**CREATE, "dryRun": "true"},
    {**DRY, "gpuCount": "1"},
    {**DRY, "gpuCount": 1.0},
    {**DRY, "leaseHours": "1"},
    {**DRY, "gpuTypeIds": '["NVIDIA L4"]'},
    {**DRY, "env": None, "ports": None, "gpuCount": None, "leaseHours": None, "requestId": None},
    {**DRY, "env": "{}", "ports": "8888/http,22/tcp"},
    {**DRY, "networkVolumeId": ""},
]
"""What models write in the place of a boolean, a number, a list, an object, or nothing; clients hand it on as it is."""


@pytest.mark.parametrize("arguments", SAME, ids=str)
def test_an_argument_in_other_clothes_means_the_same(greeted: Raw, arguments: dict[str, Any]) -> None:
    plain = greeted.call("create_pod", arguments=DRY)
    assert greeted.call("create_pod", arguments=arguments) == plain
    assert not plain["isError"]


WRONG = [
    ({"gpuTypeIds": "NVIDIA L4"}, "gpuTypeIds", "expected a list"),
    ({"gpuCount": "one"}, "gpuCount", "expected a whole number"),
    ({"containerDiskInGb": "null"}, "containerDiskInGb", "expected a whole number"),
    ({"name": 5}, "name", "expected text"),
    ({"env": {"A": 1}}, "env.A", "expected text"),
]
"""The Inspector 2.12 makes numbers of words that look like one, so `name=5` arrives as a number."""


@pytest.mark.parametrize(("more", "field", "words"), WRONG, ids=[str(one[0]) for one in WRONG])
def test_an_argument_that_could_mean_two_things_is_named_with_what_was_expected(
    greeted: Raw, more: dict[str, Any], field: str, words: str
) -> None:
    told = greeted.call("create_pod", arguments={**DRY, **more})
    assert told["isError"]
    assert told["structuredContent"]["code"] == "invalid_arguments"
    assert told["structuredContent"]["field"] == field
    assert words in told["content"][0]["text"]


def test_all_arguments_packed_into_one_text_are_unpacked(greeted: Raw) -> None:
    told = greeted.call("create_pod", arguments=json.dumps(DRY))
    assert not told["isError"], told
    assert greeted.call("get_budget", arguments="")["isError"] is False


def test_arguments_packed_into_one_text_are_read_as_strictly_as_any(greeted: Raw) -> None:
    told = greeted.call("create_pod", arguments=json.dumps({**CREATE, "gpuCounts": 4}))
    assert told["structuredContent"]["code"] == "invalid_arguments"
    assert greeted.call("list_pods")["structuredContent"]["total"] == 0


@pytest.mark.parametrize("text", ["[]", "null", "4", "{", "rent an L4", "[" * 200_000, '"{}"'], ids=range(7))
def test_a_text_without_arguments_is_an_error_in_our_words_and_the_next_call_is_answered(
    greeted: Raw, text: str
) -> None:
    error = greeted.ask("tools/call", name="create_pod", arguments=text)["error"]
    assert (error["code"], error["message"][:28]) == (-32602, "arguments: expected an objec")
    assert greeted.call("list_pods")["structuredContent"]["total"] == 0


def test_an_unknown_tool_and_an_unknown_method_are_errors_of_the_protocol(greeted: Raw) -> None:
    assert greeted.ask("tools/call", name="rent_everything")["error"]["code"] == -32602
    assert greeted.ask("nonsense/method")["error"]["code"] == -32601
