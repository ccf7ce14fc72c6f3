"""Jobs over a faked wire: sent once, bounded, and never logged."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx2
import pytest
from runpod_documents import V2_DOCUMENT, document, needs_documents
from runpod_helpers import V1, V2, FakeRunpod, answer, api, problem

from runpod_mcp.errors import Code, Failure
from runpod_mcp.runpod.connect import jobs_url
from runpod_mcp.runpod.jobs import MOST_DEPTH, MOST_INPUT, MOST_OUTPUT, Health, Job, JobOrder, Purged
from runpod_mcp.runpod.queue_jobs import read_job
from runpod_mcp.runpod.results import Changed, Gone, Made, Refused, Unknown

SECRET = "hunter2-hunter2"
ORDER = JobOrder(input={"prompt": SECRET})
QUEUED = {"id": "j1", "status": "IN_QUEUE"}
OVER = {
    "id": "j1",
    "status": "COMPLETED",
    "delayTime": 2188,
    "executionTime": 2297,
    "workerId": "w1",
    "output": {"text": SECRET},
}
BOTH = pytest.mark.parametrize("url", [V2, V1])


def jobs(fake: FakeRunpod, url: str = V2) -> Any:
    return api(fake, url).resources.jobs


@pytest.mark.parametrize(
    ("api_url", "host"),
    [
        ("https://api.runpod.io/v2", "https://api.runpod.ai/v2"),
        ("https://rest.runpod.io/v1/", "https://api.runpod.ai/v2"),
        ("https://v2-rest.runpod.io/v2", "https://api.runpod.ai/v2"),
        ("http://simulator/v2", "http://simulator/ai/v2"),
        ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/ai/v2"),
        ("https://api.runpod.io.example.com/v2", "https://api.runpod.io.example.com/ai/v2"),
        ("https://notrunpod.io/v2", "https://notrunpod.io/ai/v2"),
    ],
)
def test_jobs_have_a_host_of_their_own_at_runpod_only(api_url: str, host: str) -> None:
    assert jobs_url(api_url) == host


@needs_documents
async def test_the_urls_are_those_the_document_names_with_every_queue_endpoint() -> None:
    fake = FakeRunpod(answer(200, {**QUEUED, "workers": {}, "jobs": {}}))
    found = jobs(fake)
    await found.run("4m7x2k9q", ORDER)
    await found.run_and_wait("4m7x2k9q", ORDER, 1)
    await found.status("4m7x2k9q", "{job_id}")
    await found.cancel("4m7x2k9q", "{job_id}")
    await found.purge("4m7x2k9q")
    await found.health("4m7x2k9q")
    whole = document(V2_DOCUMENT)["components"]["schemas"]["QueueBasedRequestUrls"]["properties"]
    named = {name: schema["examples"][0] for name, schema in whole.items()}
    left_out = {"stream", "retry"}
    sent = {str(one.url).partition("?")[0].replace("%7B", "{").replace("%7D", "}") for one in fake.requests}
    assert sent == {url for name, url in named.items() if name not in left_out}
    assert [one.method for one in fake.requests] == ["POST", "POST", "GET", "POST", "POST", "GET"]


@BOTH
async def test_a_job_is_put_into_the_queue(url: str) -> None:
    fake = FakeRunpod(answer(200, QUEUED))
    outcome = await jobs(fake, url).run("e/1", ORDER)
    assert outcome == Made(Job(id="j1", status="IN_QUEUE"))
    assert not outcome.thing.is_over
    assert str(fake.requests[0].url) == "https://api.runpod.ai/v2/e%2F1/run"
    assert fake.body() == {"input": {"prompt": SECRET}}
    assert fake.requests[0].headers["authorization"].startswith("Bearer rpa_")


@pytest.mark.parametrize(("asked", "milliseconds"), [(0, 1000), (30, 30_000), (600, 45_000)])
async def test_a_wait_is_bounded_and_hands_the_job_back(asked: int, milliseconds: int) -> None:
    fake = FakeRunpod(answer(200, QUEUED | {"status": "IN_PROGRESS"}))
    outcome = await jobs(fake).run_and_wait("e1", ORDER, asked)
    assert outcome == Made(Job(id="j1", status="IN_PROGRESS"))
    assert fake.calls == [f"POST /v2/e1/runsync?wait={milliseconds}"]


async def test_a_finished_job_comes_with_its_output_which_is_in_no_repr() -> None:
    outcome = await jobs(FakeRunpod(answer(200, OVER))).run_and_wait("e1", ORDER, 5)
    assert outcome.thing == Job(
        id="j1",
        status="COMPLETED",
        output={"text": SECRET},
        delay_ms=2188,
        execution_ms=2297,
        worker_id="w1",
    )
    assert outcome.thing.is_over
    assert SECRET not in repr(outcome) + repr(ORDER)


@pytest.mark.parametrize("wait", [None, 5])
@pytest.mark.parametrize(
    "lost",
    [
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("dropped"),
        answer(500, {"error": SECRET}),
        answer(524),
        answer(200, {"status": "IN_QUEUE"}),
        httpx2.Response(200, content=b"<html>"),
    ],
)
async def test_a_job_whose_answer_is_lost_is_unknown_and_sent_once(
    wait: int | None, lost: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake = FakeRunpod(lost)
    found = jobs(fake)
    outcome = await (found.run("e1", ORDER) if wait is None else found.run_and_wait("e1", ORDER, wait))
    assert isinstance(outcome, Unknown)
    assert len(fake.requests) == 1
    assert SECRET not in repr(outcome) + caplog.text


async def test_what_runpod_says_about_an_input_is_withheld(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    outcome = await jobs(FakeRunpod(answer(400, {"error": f"bad input {SECRET}"}))).run("e1", ORDER)
    assert isinstance(outcome, Refused)
    assert SECRET not in repr(outcome) + caplog.text


async def test_an_input_that_cannot_be_sent_is_refused() -> None:
    fake = FakeRunpod(answer(200, QUEUED))
    large = await jobs(fake).run("e1", JobOrder(input={"x": "y" * MOST_INPUT}))
    assert isinstance(large, Refused)
    assert large.field == "input"
    odd = await jobs(fake).run("e1", JobOrder(input={"x": float("nan")}))
    assert isinstance(odd, Refused)
    deep: dict[str, Any] = {}
    for _ in range(MOST_DEPTH):
        deep = {"x": deep}
    nested = await jobs(fake).run("e1", JobOrder(input=deep))
    assert isinstance(nested, Refused)
    assert nested.field == "input"
    nowhere = await jobs(fake).run("..", ORDER)
    assert isinstance(nowhere, Refused)
    assert nowhere.code is Code.NOT_FOUND
    assert fake.calls == []


@pytest.mark.parametrize(
    ("output", "kept", "cut"),
    [
        (None, None, False),
        ("text\n\x07", "text\n\x07", False),
        ([1, {"a": None}], [1, {"a": None}], False),
        ("\ud800 half", "? half", False),
        ("x" * MOST_OUTPUT, '"' + "x" * (MOST_OUTPUT - 1), True),
    ],
)
async def test_an_output_is_data_and_bounded(output: Any, kept: Any, cut: bool) -> None:
    body = json.dumps({"id": "j1", "status": "COMPLETED", "output": output}).encode()
    found = await jobs(FakeRunpod(httpx2.Response(200, content=body))).status("e1", "j1")
    assert (found.output, found.output_cut) == (kept, cut)


def nested(depth: int) -> FakeRunpod:
    body = b'{"id": "j1", "output": ' + b"[" * depth + b"]" * depth + b"}"
    return FakeRunpod(httpx2.Response(200, content=body))


async def test_an_output_nested_without_end_is_not_followed() -> None:
    assert (await jobs(nested(200)).status("e1", "j1")).output_cut is False
    with pytest.raises(Failure, match="the job could not be read"):
        await jobs(nested(100_000)).status("e1", "j1")


def test_an_output_nested_deeper_than_can_be_written_is_left_out() -> None:
    deep: list[Any] = []
    for _ in range(20_000):
        deep = [deep]
    assert read_job({"id": "j1", "output": deep, "error": deep}) == Job(id="j1", output_cut=True, error="")


async def test_an_output_nested_at_the_edge_of_what_can_be_read_never_breaks_anything() -> None:
    for depth in range(800, 1000, 7):
        found = await jobs(nested(depth)).run("e1", ORDER)
        assert isinstance(found, Made | Unknown)


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        ("it\x1b broke", "it  broke"),
        ({"message": "broke"}, '{"message": "broke"}'),
        ("x" * 9000, "x" * 1999 + "…"),
    ],
)
async def test_an_error_is_text_without_control_characters(error: Any, kept: str) -> None:
    body = {"id": "j1", "status": "FAILED", "error": error}
    found = await jobs(FakeRunpod(answer(200, body))).status("e1", "j1")
    assert (found.error, found.is_over) == (kept, True)


async def test_a_job_that_is_not_there_is_none() -> None:
    fake = FakeRunpod(answer(404, {"error": "job not found"}))
    assert await jobs(fake).status("e1", "j1") is None
    assert await jobs(fake).status("e1", "..") is None
    assert await jobs(fake).status("", "j1") is None
    assert len(fake.requests) == 1


async def test_a_status_is_asked_for_again_after_trouble_and_must_be_a_job() -> None:
    fake = FakeRunpod(answer(502), answer(200, OVER))
    assert (await jobs(fake).status("e1", "j1")).status == "COMPLETED"
    with pytest.raises(Failure, match="the job could not be read"):
        await jobs(FakeRunpod(answer(200, {"status": "COMPLETED"}))).status("e1", "j1")


async def test_a_job_is_cancelled() -> None:
    fake = FakeRunpod(
        answer(200, {"id": "j1", "status": "CANCELLED"}), answer(404, {"error": "job not found"})
    )
    assert await jobs(fake).cancel("e1", "j1") == Changed(Job(id="j1", status="CANCELLED"))
    assert await jobs(fake).cancel("e1", "j1") == Gone()
    assert await jobs(fake).cancel("e1", ".") == Gone()
    assert await jobs(fake).cancel(".", "j1") == Gone()
    assert fake.calls == ["POST /v2/e1/cancel/j1"] * 2


async def test_a_queue_is_purged() -> None:
    fake = FakeRunpod(
        answer(200, {"removed": 2, "status": "completed"}), problem(429, "slow", retry_after="5")
    )
    assert await jobs(fake).purge("e1") == Changed(Purged(removed=2))
    limited = await jobs(fake).purge("e1")
    assert isinstance(limited, Refused)
    assert (limited.code, limited.retry_after) == (Code.RATE_LIMITED, 5)
    assert isinstance(await jobs(FakeRunpod(httpx2.ReadError("x"))).purge("e1"), Unknown)


async def test_health_is_numbers_by_state() -> None:
    body = {
        "jobs": {"completed": 1, "inQueue": 2, "odd one": 3, "failed": "many"},
        "workers": {"idle": 1, "throttled": 0, "x": [1]},
    }
    found = await jobs(FakeRunpod(answer(200, body))).health("e1")
    assert found == Health(workers={"idle": 1, "throttled": 0}, jobs={"completed": 1, "inQueue": 2})
    assert await jobs(FakeRunpod(answer(404, {}))).health("e1") is None
    assert await jobs(FakeRunpod(answer(200, {}))).health("..") is None


@pytest.mark.parametrize("body", [{}, {"jobs": {}}, {"jobs": [], "workers": {}}, []])
async def test_health_that_is_none_is_unreadable(body: Any) -> None:
    with pytest.raises(Failure, match="health could not be read"):
        await jobs(FakeRunpod(answer(200, body))).health("e1")


async def test_without_a_key_no_job_is_sent() -> None:
    fake = FakeRunpod(answer(200, QUEUED))
    outcome = await api(fake, key=None).resources.jobs.run("e1", ORDER)
    assert isinstance(outcome, Refused)
    assert (outcome.code, fake.calls) == (Code.UNAUTHORIZED, [])
