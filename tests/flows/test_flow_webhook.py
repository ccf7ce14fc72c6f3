"""News for the person: what they are told of, once each, signed, tried again, and in nobody's way."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from front_door import ROOMY, FrontDoor, front_door, toml_with
from pydantic import SecretStr

from runpod_mcp.flows.alarms import reached, tell_of_budgets
from runpod_mcp.flows.budget import Line
from runpod_mcp.flows.keeper import keep_once, tell_of_ends
from runpod_mcp.flows.leases import Ended
from runpod_mcp.flows.notices import MOST_WAITING, Notices
from runpod_mcp.flows.webhook import SIGNATURE, TIMESTAMP, deliver, deliver_rest, send
from runpod_mcp.money import Usd

URL = "https://hooks.example.com/T0/swordfish"
SECRET = SecretStr("a shared secret")


class Hook:
    """A webhook that answers as told, and remembers what it was sent."""

    def __init__(self, *answers: int | Exception) -> None:
        self.requests: list[httpx2.Request] = []
        self._answers = list(answers)
        self.transport = httpx2.MockTransport(self._take)

    def _take(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if self._answers else 200
        if isinstance(answer, Exception):
            raise answer
        return httpx2.Response(answer)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]

    @property
    def events(self) -> list[str]:
        return [body["event"] for body in self.bodies]


@pytest.fixture
async def told(tmp_path: Path) -> Any:
    async with front_door(tmp_path, toml_with(ROOMY, notify={"webhook": URL})) as door:
        yield door


async def rest(door: FrontDoor, hook: Hook) -> None:
    await deliver_rest(door.house, SECRET, 5, hook.transport)


async def test_a_question_that_waits_is_news_with_its_code(told):
    told.write_policy(
        toml_with(notify={"webhook": URL}, approval={"above_usd_per_hour": 0.4, "via": "out_of_band"})
    )
    said = await told.create()
    hook = Hook()
    await rest(told, hook)
    (body,) = hook.bodies
    assert body["event"] == "approval_waiting"
    assert body["code"] in body["command"]
    assert body["code"] not in said.text
    assert "create_pod" in body["question"]


async def test_news_is_signed_over_its_time_and_body(told):
    told.house.notices.tell("lease_ended", told.house.now(), what="pod abc")
    hook = Hook()
    await rest(told, hook)
    (request,) = hook.requests
    whole = request.headers[TIMESTAMP].encode() + b"." + request.content
    seal = hmac.new(SECRET.get_secret_value().encode(), whole, hashlib.sha256).hexdigest()
    assert request.headers[SIGNATURE] == f"sha256={seal}"
    assert str(request.url) == URL


async def test_without_a_secret_news_has_no_signature(told):
    told.house.notices.tell("lease_ended", told.house.now())
    hook = Hook()
    assert await send(told.house, await told.house.notices.next(), None, hook.transport)
    assert SIGNATURE not in hook.requests[0].headers


@pytest.mark.parametrize("trouble", [500, 302, httpx2.ConnectError("no way"), httpx2.ReadTimeout("hangs")])
async def test_news_is_tried_again_after_trouble(told, trouble):
    told.house.notices.tell("lease_ended", told.house.now())
    hook, began = Hook(trouble, trouble), told.clock.now()
    await rest(told, hook)
    assert len(hook.requests) == 3
    assert (told.clock.now() - began).total_seconds() == 12


async def test_news_that_nobody_takes_is_given_up_and_its_address_is_not_logged(told, caplog):
    told.house.notices.tell("lease_ended", told.house.now())
    hook = Hook(*[500] * 9)
    with caplog.at_level(logging.WARNING):
        await rest(told, hook)
    assert len(hook.requests) == 4
    assert "did not take news of lease_ended: HTTP 500" in caplog.text
    assert "swordfish" not in caplog.text


async def test_a_webhook_that_hangs_is_in_nobodys_way(told):
    async def hang(request: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(deliver, told.house, None, httpx2.MockTransport(hang))
        told.house.notices.tell("lease_ended", told.house.now())
        with anyio.fail_after(5):
            assert (await told.create()).ok
        tasks.cancel_scope.cancel()


async def test_an_answer_without_an_end_is_not_read(told):
    async def endless() -> AsyncIterator[bytes]:
        raise AssertionError("it was read")
        yield b""

    told.house.notices.tell("lease_ended", told.house.now())
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=endless()))
    assert await send(told.house, await told.house.notices.next(), None, transport)


async def test_without_an_address_or_under_a_broken_policy_nothing_is_sent(door):
    hook = Hook()
    for text in (ROOMY, "version = "):
        door.write_policy(text)
        door.house.notices.tell("lease_ended", door.house.now())
        await rest(door, hook)
    assert hook.requests == []


async def test_what_was_ended_or_could_not_be_is_news(told):
    first = (await told.create(leaseHours=1, volumeInGb=0)).pod_id
    told.clock.step(hours=1)
    told.sim.faults.add("delete", "ignored", times=100)
    await keep_once(told.house)
    told.sim.faults.clear()
    told.clock.step(minutes=2)
    await keep_once(told.house)
    hook = Hook()
    await rest(told, hook)
    assert hook.events[0] == "not_ended"
    assert "lease_ended" in hook.events
    assert first in hook.bodies[-1]["what"]


async def test_a_pod_that_cannot_be_ended_is_news_once_an_hour_however_often_it_is_tried(told, tmp_path):
    assert (await told.create(leaseHours=1, volumeInGb=0)).ok
    told.clock.step(hours=1)
    told.sim.faults.add("delete", "ignored", times=1000)
    hook = Hook()
    async with front_door(tmp_path, beside=told) as other:
        for server in (told, other, told, told):
            await keep_once(server.house)
            await rest(server, hook)
            told.clock.step(minutes=1)
        assert hook.events == ["not_ended"]
        told.clock.step(hours=1)
        await keep_once(told.house)
        await rest(told, hook)
        assert hook.events == ["not_ended", "not_ended"]


async def test_what_cannot_be_ended_is_news_too_while_the_ledger_cannot_be_read(told):
    told.ledger_path.unlink(missing_ok=True)
    told.ledger_path.write_bytes(b"not a ledger")
    await tell_of_ends(told.house, Ended(failed=["pod abc could not be deleted"]))
    hook = Hook()
    await rest(told, hook)
    assert hook.events == ["not_ended"]


async def test_each_step_of_a_budget_is_news_once_however_many_servers_look(told, tmp_path):
    told.write_policy(toml_with(notify={"webhook": URL}, budget={"usd_per_day": 1.95}))
    async with front_door(tmp_path, beside=told) as other:
        hook = Hook()
        for _ in range(3):
            for server in (told, other):
                await tell_of_budgets(server.house)
                await rest(server, hook)
        assert hook.events == []
        assert (await told.create(volumeInGb=0, leaseHours=2)).ok
        for _ in range(3):
            for server in (told, other):
                await tell_of_budgets(server.house)
                await rest(server, hook)
        assert [(body["event"], body["budget"], body["percent"]) for body in hook.bodies] == [
            ("budget_used", "day", 50)
        ]
        assert (await told.create(volumeInGb=0, leaseHours=1.2)).ok
        await tell_of_budgets(other.house)
        await rest(other, hook)
        assert hook.bodies[-1]["percent"] == 80
        assert hook.bodies[-1]["usdLimit"] == 1.95
        told.clock.step(days=1)
        await keep_once(told.house)
        await rest(told, hook)


@pytest.mark.parametrize(
    ("limit", "used", "step"),
    [
        (100, 49, None),
        (100, 50, 50),
        (100, 79, 50),
        (100, 80, 80),
        (100, 100, 100),
        (100, 500, 100),
        (0, 5, None),
        (None, 5, None),
    ],
)
def test_a_step_is_reached_at_its_percent(limit, used, step):
    line = Line("day", None if limit is None else Usd(limit), Usd(0), Usd(used))
    assert reached(line) == step


async def test_news_beyond_what_can_wait_pushes_the_oldest_out(caplog):
    notices = Notices()
    for number in range(MOST_WAITING + 2):
        notices.tell(f"event {number}", 0)
    assert len(notices) == MOST_WAITING
    assert (await notices.next()).event == "event 2"
    assert "is dropped: event 0" in caplog.text


async def test_a_command_does_not_wait_for_ever(told):
    async def hang(request: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    told.house.notices.tell("lease_ended", told.house.now())
    with anyio.fail_after(5):
        await deliver_rest(told.house, None, 0.05, httpx2.MockTransport(hang))


async def test_news_is_sent_as_soon_as_there_is_some(told):
    hook = Hook()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(deliver, told.house, SECRET, hook.transport)
        await anyio.wait_all_tasks_blocked()
        assert hook.events == []
        told.house.notices.tell("lease_ended", told.house.now())
        await anyio.wait_all_tasks_blocked()
        assert hook.events == ["lease_ended"]
        tasks.cancel_scope.cancel()
