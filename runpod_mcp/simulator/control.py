"""The routes under `/_sim` by which a person or a test drives the simulator. They need no key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from runpod_mcp.simulator.books import Row
from runpod_mcp.simulator.by_hand import act_by_hand
from runpod_mcp.simulator.calls import Requests
from runpod_mcp.simulator.faults import Faults, read_fault
from runpod_mcp.simulator.holds import Holds
from runpod_mcp.simulator.price_list import CLOUDS
from runpod_mcp.simulator.refusals import Refusal
from runpod_mcp.simulator.world import World

_Work = Callable[[Request], Awaitable[Any]]


class Control:
    """Books, faults, clock, stock, settings, pods by hand, requests seen, calls held, and reset."""

    def __init__(self, world: World, requests: Requests, holds: Holds, reset: Callable[[], None]) -> None:
        self._world = world
        self._requests = requests
        self._holds = holds
        self._reset = reset

    def routes(self) -> list[Route]:
        """Every route, without the prefix `/_sim`."""
        works: list[tuple[str, str, _Work]] = [
            ("GET", "/books", self._books),
            ("GET", "/faults", self._show_faults),
            ("POST", "/faults", self._add_faults),
            ("DELETE", "/faults", self._clear_faults),
            ("GET", "/clock", self._show_clock),
            ("POST", "/clock", self._set_clock),
            ("GET", "/stock", self._show_stock),
            ("POST", "/stock", self._set_stock),
            ("GET", "/settings", self._show_settings),
            ("POST", "/settings", self._set_settings),
            ("POST", "/pods", self._by_hand),
            ("GET", "/requests", self._show_requests),
            ("GET", "/held", self._show_held),
            ("POST", "/release", self._release),
            ("POST", "/reset", self._start_over),
        ]
        return [Route(path, _endpoint(work), methods=[method]) for method, path, work in works]

    async def _books(self, request: Request) -> Any:
        wanted = request.query_params.get("by_hand")
        if wanted not in (None, "true", "false"):
            raise ValueError("by_hand: expected true or false")

        def only(row: Row) -> bool:
            return wanted is None or row.by_hand == (wanted == "true")

        return self._world.books.snapshot(only)

    @property
    def _faults(self) -> Faults:
        return self._world.faults

    async def _show_faults(self, _: Request) -> Any:
        return {"faults": [fault.as_json() for fault in self._faults.queue]}

    async def _add_faults(self, request: Request) -> Any:
        body = await _json(request)
        faults = [read_fault(one) for one in (body if isinstance(body, list) else [body])]
        self._faults.queue.extend(faults)
        return await self._show_faults(request)

    async def _clear_faults(self, request: Request) -> Any:
        self._faults.clear()
        return await self._show_faults(request)

    async def _show_clock(self, _: Request) -> Any:
        return {"now": self._world.advance().isoformat(), "speed": self._world.clock.speed}

    async def _set_clock(self, request: Request) -> Any:
        body = await _object(request, {"step_seconds": int | float, "speed": int | float})
        if "speed" in body:
            self._world.clock.set_speed(body["speed"])
        if "step_seconds" in body:
            self._world.clock.step(body["step_seconds"])
        return await self._show_clock(request)

    async def _show_stock(self, request: Request) -> Any:
        wanted = request.query_params.get("gpuTypeId")
        return {
            resource: {cloud: dict(self._world.stock.centers(resource, cloud)) for cloud in CLOUDS}
            for resource in (*self._world.price_list.gpus, *self._world.price_list.cpus)
            if wanted in (None, resource)
        }

    async def _set_stock(self, request: Request) -> Any:
        price = int | float
        shape: dict[str, Any] = {"gpuTypeId": str, "dataCenterId": str, "cloud": str, "free": int}
        body = await _object(request, {**shape, "secure_price": price, "community_price": price})
        self._check_stock(body)
        secure, community = (_exact(body.get(name)) for name in ("secure_price", "community_price"))
        self._world.stock.set(
            body["gpuTypeId"],
            data_center_id=body.get("dataCenterId"),
            cloud=body.get("cloud"),
            free=body.get("free"),
            secure_price=secure,
            community_price=community,
        )
        clouds = {cloud: dict(self._world.stock.centers(body["gpuTypeId"], cloud)) for cloud in CLOUDS}
        return {body["gpuTypeId"]: clouds}

    def _check_stock(self, body: dict[str, Any]) -> None:
        sold = self._world.price_list
        if body.get("gpuTypeId") not in {*sold.gpus, *sold.cpus}:
            raise ValueError(
                f"gpuTypeId: expected a GPU type or CPU flavor id, got {body.get('gpuTypeId')!r}"
            )
        if body.get("dataCenterId") not in {None, *sold.data_centers}:
            raise ValueError(f"dataCenterId: unknown data center {body['dataCenterId']!r}")
        if body.get("cloud") not in {None, *CLOUDS}:
            raise ValueError("cloud: expected SECURE or COMMUNITY")
        if any(body.get(name, 0) < 0 for name in ("free", "secure_price", "community_price")):
            raise ValueError("free, secure_price, community_price: expected numbers from 0")

    async def _show_settings(self, _: Request) -> Any:
        return self._world.settings.as_json()

    async def _set_settings(self, request: Request) -> Any:
        body = await _json(request)
        if not isinstance(body, dict):
            raise ValueError("expected an object of settings")
        self._world.settings.change(body)
        return self._world.settings.as_json()

    async def _by_hand(self, request: Request) -> Any:
        body = await _json(request)
        self._world.advance()
        pod = act_by_hand(self._world, body)
        return {"id": pod.id, "name": pod.order.name, "status": pod.status(self._world.now())}

    async def _show_requests(self, _: Request) -> Any:
        return {"requests": [asdict(seen) for seen in self._requests.seen]}

    async def _show_held(self, _: Request) -> Any:
        held = self._holds.held.values()
        return {"held": [{"number": one.number, "operation": one.operation, "at": one.at} for one in held]}

    async def _release(self, request: Request) -> Any:
        body = await _object(request, {"number": int}) if await request.body() else {}
        return {"released": self._holds.release(body.get("number"))}

    async def _start_over(self, _: Request) -> Any:
        self._reset()
        return {"reset": True}


def _endpoint(work: _Work) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(await work(request))
        except (ValueError, OverflowError, Refusal) as error:
            return JSONResponse({"error": str(error)}, 400)

    return endpoint


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError:
        raise ValueError("expected a JSON body") from None


async def _object(request: Request, shape: dict[str, Any]) -> dict[str, Any]:
    body = await _json(request)
    names = ", ".join(shape)
    if not isinstance(body, dict) or not body or not set(body) <= set(shape):
        raise ValueError(f"expected an object with some of {names}")
    for name, value in body.items():
        if not isinstance(value, shape[name]) or isinstance(value, bool):
            raise ValueError(f"{name}: expected {'text' if shape[name] is str else 'a number'}")
    return body


def _exact(number: float | None) -> Fraction | None:
    return None if number is None else Fraction(str(number))
