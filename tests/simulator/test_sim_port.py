"""The simulator over a real port, where lines really break."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import anyio
import httpx2
import pytest
from sim_helpers import KEY, v2_body

from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.serve import serve


@pytest.fixture
def served() -> Simulator:
    return Simulator(boot_seconds=0)


@pytest.fixture
async def url(served: Simulator) -> AsyncIterator[str]:
    ports: list[int] = []
    up = anyio.Event()

    def ready(port: int) -> None:
        ports.append(port)
        up.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, served, "127.0.0.1", 0, ready)
        with anyio.fail_after(5):
            await up.wait()
        yield f"http://127.0.0.1:{ports[0]}"
        tasks.cancel_scope.cancel()


@pytest.fixture
async def wire(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=url, headers=KEY, timeout=5) as client:
        yield client


async def test_a_pod_can_be_made_over_the_port_and_nothing_is_printed(wire, capsys):
    assert (await wire.post("/v2/pods", json=v2_body())).status_code == 201
    assert (await wire.get("/_sim/books")).json()["created"] == 1
    assert capsys.readouterr().out == ""


async def test_a_dropped_line_closes_the_socket_after_the_work(wire, served):
    served.faults.add("create", "drop_after")
    with pytest.raises(httpx2.TransportError):
        await wire.post("/v2/pods", json=v2_body())
    assert served.books.snapshot()["created"] == 1
    assert served.requests.seen[-1].status == "dropped"
    assert (await wire.get("/v2/pods")).status_code == 200


async def test_a_hang_lasts_until_the_client_leaves(wire, served):
    served.faults.add("list", "hang")
    with pytest.raises(httpx2.ReadTimeout):
        await wire.get("/v2/pods", timeout=0.2)
    assert served.requests.seen[-1].status == "hangs"


@pytest.mark.parametrize("at", ["before", "after"])
async def test_a_held_create_is_done_even_when_its_client_is_gone(wire, served, at):
    await wire.post("/_sim/faults", json={"on": "create", "kind": "hold", "at": at})
    with pytest.raises(httpx2.ReadTimeout):
        await wire.post("/v2/pods", json=v2_body(), timeout=0.2)
    assert served.books.snapshot()["created"] == (at == "after")
    assert (await wire.post("/_sim/release")).json() == {"released": 1}
    with anyio.fail_after(5):
        while served.requests.seen[-1].status is None:
            await anyio.lowlevel.checkpoint()
    assert served.books.snapshot()["created"] == 1


async def test_closing_down_lets_held_and_hanging_calls_go(served, capfd):
    up = anyio.Event()
    urls: list[str] = []

    def ready(port: int) -> None:
        urls.append(f"http://127.0.0.1:{port}")
        up.set()

    async def leave_waiting(path: str) -> None:
        async with httpx2.AsyncClient(base_url=urls[0], headers=KEY, timeout=5) as client:
            with contextlib.suppress(httpx2.TransportError):
                await client.get(path)

    served.faults.add("catalog", "hold")
    served.faults.add("list", "hang")
    with anyio.fail_after(5):
        async with anyio.create_task_group() as clients, anyio.create_task_group() as server:
            server.start_soon(serve, served, "127.0.0.1", 0, ready)
            await up.wait()
            clients.start_soon(leave_waiting, "/v2/catalog/gpus")
            clients.start_soon(leave_waiting, "/v2/pods")
            while len(served.requests.seen) < 2:
                await anyio.lowlevel.checkpoint()
            server.cancel_scope.cancel()
    assert "Traceback" not in capfd.readouterr().err
    assert {seen.status for seen in served.requests.seen} == {200, "hangs"}
