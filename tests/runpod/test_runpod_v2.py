"""The v2 dialect over a faked wire."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from runpod_helpers import V2, FakeRunpod, answer, api, order_of, problem, request_of

from runpod_mcp.clock import SteppedClock
from runpod_mcp.errors import Code, Failure
from runpod_mcp.pods.pod import PodStatus
from runpod_mcp.runpod.api import Created, Done, Gone, NoCapacity, Refused, Unknown
from runpod_mcp.runpod.listing import MOST_PAGES

POD = {"id": "7h9k2m4n6p", "name": "train", "status": "RUNNING", "cost": 0.44, "locked": False}
FULL = problem(400, "There are no longer any instances available with the requested specifications.")


async def test_a_create_is_one_post_with_everything_written_out() -> None:
    fake = FakeRunpod(answer(201, POD))
    outcome = await api(fake).create_pod(order_of(gpuTypeIds=["NVIDIA L4"], env={"A": "b"}, volumeInGb=30))
    assert isinstance(outcome, Created)
    assert (outcome.pod.id, outcome.pod.usd_per_hour) == ("7h9k2m4n6p", 440_000)
    assert fake.calls == ["POST /v2/pods"]
    assert fake.body() == {
        "name": "my pod",
        "cloud": "SECURE",
        "image": "runpod/pytorch:1",
        "disk": 50,
        "ports": ["8888/http", "22/tcp"],
        "env": {"A": "b", "RUNPOD_MCP_RESERVATION": "res-1"},
        "gpu": {"id": "NVIDIA L4", "count": 1},
        "mounts": {"persistent": {"size": 30, "path": "/workspace"}},
        "startSsh": True,
    }


@pytest.mark.parametrize("status", [200, 201, 202])
async def test_any_success_with_a_pod_is_created(status: int) -> None:
    assert isinstance(await api(FakeRunpod(answer(status, POD))).create_pod(order_of()), Created)


@pytest.mark.parametrize(
    "response",
    [
        answer(201),
        answer(201, {"name": "no id"}),
        answer(201, {"id": ""}),
        answer(201, {"id": ".."}),
        answer(201, []),
        httpx2.Response(201, content=b'{"id": "7h9'),
        answer(302, None, Location="/v2/pods/1"),
        answer(408, {}),
        answer(500, {"detail": "oops"}),
        httpx2.Response(524, text="<html>timeout</html>"),
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("cut"),
    ],
)
async def test_an_answer_nobody_can_read_is_unknown_and_sent_once(response: Any) -> None:
    fake = FakeRunpod(response)
    outcome = await api(fake).create_pod(order_of())
    assert isinstance(outcome, Unknown)
    assert outcome.looks_like is None
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (problem(400, "image is required unless templateId is set"), Code.INVALID_REQUEST),
        (problem(401, "missing bearer token"), Code.UNAUTHORIZED),
        (problem(402, "insufficient balance"), Code.INSUFFICIENT_BALANCE),
        (problem(403, "access denied"), Code.UNAUTHORIZED),
        (problem(404, "resource not found"), Code.NOT_FOUND),
        (problem(409, "pod belongs to a cluster"), Code.CONFLICT),
        (problem(413, "request body too large"), Code.INVALID_REQUEST),
        (problem(422, "Request validation failed.", ["$: missing property 'name'"]), Code.INVALID_REQUEST),
        (problem(429, "rate limit exceeded for the minute window", Retry_After="30"), Code.RATE_LIMITED),
        (answer(308, None, Location="https://x.test"), Code.RUNPOD_UNAVAILABLE),
        (answer(410), Code.RUNPOD_UNAVAILABLE),
        (httpx2.ConnectError("refused"), Code.RUNPOD_UNAVAILABLE),
    ],
)
async def test_a_refusal_is_sent_once_and_has_its_code(response: Any, code: Code) -> None:
    fake = FakeRunpod(response)
    outcome = await api(fake).create_pod(order_of())
    assert isinstance(outcome, Refused)
    assert (outcome.code, len(fake.calls)) == (code, 1)
    assert outcome.retry_after == (30 if code is Code.RATE_LIMITED else None)


async def test_no_machine_is_no_capacity() -> None:
    assert isinstance(await api(FakeRunpod(FULL)).create_pod(order_of()), NoCapacity)


async def test_without_a_key_a_create_is_refused_and_nothing_is_sent() -> None:
    fake = FakeRunpod(answer(201, POD))
    outcome = await api(fake, key=None).create_pod(order_of())
    assert isinstance(outcome, Refused)
    assert (outcome.code, fake.calls) == (Code.UNAUTHORIZED, [])
    assert "RUNPOD_API_KEY" in outcome.message


async def test_an_order_without_a_gpu_type_is_not_sent() -> None:
    fake = FakeRunpod(answer(201, POD))
    order = order_of(request_of(computeType="GPU", gpuTypeIds=["x"]))
    empty = type(order)(request=order.request, env=order.env)
    assert isinstance(await api(fake).create_pod(empty), Refused)
    assert fake.calls == []


async def test_a_lock_is_a_patch_after_the_create() -> None:
    fake = FakeRunpod(answer(201, POD), answer(200, POD | {"locked": True}))
    outcome = await api(fake).create_pod(order_of(locked=True))
    assert isinstance(outcome, Created)
    assert outcome.pod.locked is True
    assert fake.calls == ["POST /v2/pods", "PATCH /v2/pods/7h9k2m4n6p"]
    assert fake.body() == {"locked": True}


@pytest.mark.parametrize("patch", [answer(500), answer(404, {}), httpx2.ReadError("x"), problem(422, "no")])
async def test_a_lock_that_fails_leaves_a_created_pod_unlocked(
    patch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = await api(FakeRunpod(answer(201, POD), patch)).create_pod(order_of(locked=True))
    assert isinstance(outcome, Created)
    assert outcome.pod.locked is False
    assert "could not be locked" in caplog.text


async def test_a_create_that_was_refused_is_not_locked() -> None:
    fake = FakeRunpod(FULL)
    await api(fake).create_pod(order_of(locked=True))
    assert fake.calls == ["POST /v2/pods"]


async def test_the_first_list_call_has_no_query() -> None:
    fake = FakeRunpod(answer(200, {"pods": [POD]}))
    assert [pod.id for pod in await api(fake).list_pods()] == ["7h9k2m4n6p"]
    assert fake.calls == ["GET /v2/pods"]


async def test_pages_are_followed_to_the_last_and_pods_counted_once() -> None:
    fake = FakeRunpod(
        answer(200, {"pods": [POD, {"id": "b"}], "pagination": {"nextCursor": "c 1", "hasNextPage": True}}),
        answer(
            200, {"pods": [{"id": "b"}, {"id": "c"}], "pagination": {"nextCursor": "c2", "hasNextPage": True}}
        ),
        answer(200, {"pods": [], "pagination": {"nextCursor": None, "hasNextPage": False}}),
    )
    assert [pod.id for pod in await api(fake).list_pods()] == ["7h9k2m4n6p", "b", "c"]
    assert [call.replace("%20", "+") for call in fake.calls] == [
        "GET /v2/pods",
        "GET /v2/pods?cursor=c+1",
        "GET /v2/pods?cursor=c2",
    ]


@pytest.mark.parametrize(
    "page",
    [
        [POD],
        {"items": []},
        {"pods": None},
        {"pods": [POD, {"name": "no id"}]},
        {"pods": [POD], "pagination": {"nextCursor": "same"}},
        {"pods": [POD], "pagination": {"nextCursor": None, "hasNextPage": True}},
    ],
    ids=["bare list", "other name", "null", "a pod without id", "repeating cursor", "missing cursor"],
)
async def test_a_list_that_may_not_be_whole_is_no_list(page: Any) -> None:
    fake = FakeRunpod(answer(200, page))
    with pytest.raises(Failure) as caught:
        await api(fake).list_pods()
    assert caught.value.code is Code.RUNPOD_UNAVAILABLE
    assert len(fake.calls) <= 2


async def test_a_list_without_an_end_is_no_list() -> None:
    def page(request: httpx2.Request) -> httpx2.Response:
        return answer(200, {"pods": [], "pagination": {"nextCursor": f"{len(fake.requests)}"}})

    fake = FakeRunpod(page)
    with pytest.raises(Failure, match="no end"):
        await api(fake).list_pods()
    assert len(fake.requests) == MOST_PAGES


async def test_a_list_whose_second_page_fails_is_no_list() -> None:
    fake = FakeRunpod(
        answer(200, {"pods": [POD], "pagination": {"nextCursor": "x"}}), problem(403, "access denied")
    )
    with pytest.raises(Failure):
        await api(fake).list_pods()


async def test_one_pod_is_read_and_a_missing_one_is_none() -> None:
    pod = await api(FakeRunpod(answer(200, POD))).get_pod("7h9k2m4n6p")
    assert pod.status is PodStatus.RUNNING
    assert await api(FakeRunpod(problem(404, "pod not found"))).get_pod("x") is None
    assert await api(FakeRunpod(answer(404))).get_pod("x") is None


async def test_a_404_about_the_path_is_not_a_missing_pod() -> None:
    wrong = FakeRunpod(problem(404, "The requested path was not found."))
    with pytest.raises(Failure, match="RUNPOD_API_URL"):
        await api(wrong).get_pod("x")
    outcome = await api(wrong).delete_pod("x")
    assert isinstance(outcome, Refused)
    assert outcome.code is Code.RUNPOD_UNAVAILABLE


async def test_an_unreadable_pod_is_neither_there_nor_gone() -> None:
    with pytest.raises(Failure, match="could not be read"):
        await api(FakeRunpod(answer(200, {"hello": 1}))).get_pod("x")
    with pytest.raises(Failure, match="could not be read"):
        await api(FakeRunpod(httpx2.Response(200, content=b""))).get_pod("x")


@pytest.mark.parametrize("verb", ["stop", "start", "restart"])
async def test_a_verb_is_an_action_sent_once(verb: str) -> None:
    fake = FakeRunpod(answer(200, POD))
    outcome = await getattr(api(fake), f"{verb}_pod")("7h9k2m4n6p")
    assert isinstance(outcome, Done)
    assert outcome.pod is not None
    assert fake.calls == ["POST /v2/pods/7h9k2m4n6p/action"]
    assert fake.body() == {"action": verb}


@pytest.mark.parametrize("status", [200, 204])
async def test_a_delete_without_a_body_is_done(status: int) -> None:
    fake = FakeRunpod(httpx2.Response(status))
    assert await api(fake).delete_pod("abc") == Done(None)
    assert fake.calls == ["DELETE /v2/pods/abc"]


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (problem(404, "pod not found"), Gone),
        (answer(404), Gone),
        (problem(400, "pod not found to terminate"), Gone),
        (problem(409, "action not allowed in this status"), Refused),
        (problem(400, "Failed to resume pod."), NoCapacity),
        (answer(400, {"error": "not enough free GPUs on the host machine"}), NoCapacity),
        (problem(403, "access denied"), Refused),
        (problem(429, "rate limit exceeded", Retry_After="20"), Refused),
        (httpx2.ConnectTimeout("far"), Refused),
        (answer(502), Unknown),
        (httpx2.ReadTimeout("slow"), Unknown),
    ],
)
@pytest.mark.parametrize("verb", ["stop_pod", "start_pod", "restart_pod", "delete_pod"])
async def test_a_change_comes_to_one_of_five_ends_and_is_sent_once(
    verb: str, response: Any, kind: type
) -> None:
    fake = FakeRunpod(response)
    assert isinstance(await getattr(api(fake), verb)("abc"), kind)
    assert len(fake.calls) == 1


@pytest.mark.parametrize("pod_id", ["", " ", ".", "..", "..."])
async def test_what_cannot_be_an_id_never_reaches_runpod(pod_id: str) -> None:
    fake = FakeRunpod(answer(200, POD))
    client = api(fake)
    assert await client.get_pod(pod_id) is None
    assert await client.delete_pod(pod_id) == Gone()
    assert await client.get_template(pod_id) is None
    assert await client.get_network_volume(pod_id) is None
    assert fake.calls == []


@pytest.mark.parametrize(
    ("pod_id", "path"),
    [
        ("a/../../account", "a%2F..%2F..%2Faccount"),
        ("a?x=1#y", "a%3Fx%3D1%23y"),
        ("a%2Fb", "a%252Fb"),
        ("a b\n", "a%20b%0A"),
        ("\ud800", "%3F"),
    ],
)
async def test_an_id_stays_one_segment_of_the_path(pod_id: str, path: str) -> None:
    fake = FakeRunpod(answer(204))
    await api(fake).delete_pod(pod_id)
    assert fake.calls == [f"DELETE /v2/pods/{path}"]


TEMPLATE = {
    "id": "9x4m2p7v",
    "name": "PyTorch",
    "image": "runpod/pytorch:2",
    "disk": 40,
    "mounts": {"persistent": {"size": 20, "path": "/data"}},
    "ports": ["8888/http"],
    "serverless": False,
}


async def test_a_template_is_read() -> None:
    fake = FakeRunpod(answer(200, TEMPLATE))
    found = await api(fake).get_template("9x4m2p7v")
    assert (found.image, found.container_disk_gb, found.volume_gb) == ("runpod/pytorch:2", 40, 20)
    assert (found.volume_mount_path, found.ports, found.serverless) == ("/data", ("8888/http",), False)
    assert fake.calls == ["GET /v2/templates/9x4m2p7v"]


async def test_a_template_that_is_not_ours_is_looked_for_in_the_public_catalog() -> None:
    fake = FakeRunpod(
        problem(404, "resource not found"),
        answer(200, {"templates": [{"id": "other"}, None]}),
        answer(200, {"templates": [TEMPLATE]}),
    )
    assert (await api(fake).get_template("9x4m2p7v")).name == "PyTorch"
    assert fake.calls[1:] == [
        "GET /v2/catalog/templates?source=official",
        "GET /v2/catalog/templates?source=verified",
    ]


async def test_a_template_nobody_has_is_none() -> None:
    fake = FakeRunpod(problem(404, "resource not found"), answer(200, {"templates": []}))
    assert await api(fake).get_template("nope") is None
    assert len(fake.calls) == 4


async def test_a_network_volume_is_read_or_none() -> None:
    volume = {"id": "2q9m7x4c", "name": "data", "size": 100, "dataCenter": "US-KS-2", "type": "STANDARD"}
    fake = FakeRunpod(answer(200, volume))
    found = await api(fake).get_network_volume("2q9m7x4c")
    assert (found.name, found.size_gb, found.data_center_id) == ("data", 100, "US-KS-2")
    assert fake.calls == ["GET /v2/network-volumes/2q9m7x4c"]
    assert await api(FakeRunpod(problem(404, "resource not found"))).get_network_volume("x") is None


@pytest.mark.parametrize("read", ["get_template", "get_network_volume"])
async def test_a_thing_without_an_id_is_unreadable(read: str) -> None:
    with pytest.raises(Failure, match="could not be read"):
        await getattr(api(FakeRunpod(answer(200, {"name": "x"}))), read)("x")


async def test_reads_and_changes_outlast_a_short_rate_limit_and_creates_do_not() -> None:
    limited = problem(429, "rate limit exceeded for the minute window", Retry_After="5")
    clock = SteppedClock()
    reading = FakeRunpod(limited, answer(200, {"pods": []}))
    assert await api(reading, clock=clock).list_pods() == []
    changing = FakeRunpod(limited, answer(200, POD))
    assert isinstance(await api(changing).stop_pod("abc"), Done)
    assert len(changing.calls) == 2
    creating = FakeRunpod(limited, answer(201, POD))
    outcome = await api(creating).create_pod(order_of())
    assert isinstance(outcome, Refused)
    assert (outcome.retry_after, len(creating.calls)) == (5, 1)


async def test_a_rate_limit_that_lasts_too_long_is_said_with_its_seconds() -> None:
    with pytest.raises(Failure, match="wait 90 seconds") as caught:
        await api(FakeRunpod(problem(429, "rate limit exceeded", Retry_After="90"))).list_pods()
    assert caught.value.code is Code.RATE_LIMITED


async def test_it_says_what_it_is_and_closes() -> None:
    client = api(FakeRunpod(answer(200, {"pods": []})), V2)
    assert (client.dialect, client.places_one) == ("v2", True)
    assert [gap.field for gap in client.gaps(request_of(interruptible=True))] == ["interruptible"]
    await client.list_pods()
    await client.close()
