"""A faked wire: what was sent, and scripted answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx2
from pydantic import SecretStr

from runpod_mcp.clock import SteppedClock
from runpod_mcp.pods.create_input import PodCreateInput
from runpod_mcp.runpod.api import PodOrder
from runpod_mcp.runpod.connect import connect
from runpod_mcp.runpod.http import Patience, Timeouts

KEY = "rpa_TESTKEYTESTKEYTESTKEY"
V2 = "https://api.runpod.io/v2"
V1 = "https://rest.runpod.io/v1"

Scripted = httpx2.Response | Exception | Callable[[httpx2.Request], httpx2.Response]


def answer(status: int = 200, body: Any = None, **headers: str) -> httpx2.Response:
    """A JSON answer; header names are written with underscores."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is None:
        return httpx2.Response(status, headers=names)
    return httpx2.Response(status, json=body, headers=names)


def problem(status: int, detail: str, errors: list[str] | None = None, **headers: str) -> httpx2.Response:
    """An error as v2 writes it."""
    body: dict[str, Any] = {"title": "Problem", "status": status, "detail": detail}
    return answer(status, body | ({"errors": errors} if errors else {}), **headers)


class FakeRunpod:
    """Answers from a script, one after the other (the last again and again), or by path; keeps every request."""

    def __init__(self, *script: Scripted, by_path: dict[str, Scripted] | None = None) -> None:
        self.script = list(script)
        self.by_path = by_path or {}
        self.requests: list[httpx2.Request] = []
        self.transport = httpx2.MockTransport(self._handle)

    def _handle(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        step = self.by_path.get(request.url.path)
        if step is None:
            step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        if isinstance(step, httpx2.Response):
            return httpx2.Response(step.status_code, headers=step.headers, content=step.content)
        return step(request)

    @property
    def calls(self) -> list[str]:
        """`METHOD path?query` of every request."""
        return [f"{one.method} {one.url.raw_path.decode()}" for one in self.requests]

    def body(self, place: int = -1) -> Any:
        """The JSON body of one request."""
        return json.loads(self.requests[place].content)


def api(fake: FakeRunpod, url: str = V2, *, key: str | None = KEY, clock: SteppedClock | None = None) -> Any:
    """The client of a dialect over the faked wire."""
    return connect(
        url,
        SecretStr(key) if key else None,
        clock or SteppedClock(),
        transport=fake.transport,
        timeouts=Timeouts(create=5, change=5, read=5),
        patience=Patience(jitter=lambda: 1.0),
    )


def request_of(**fields: Any) -> PodCreateInput:
    """A request by the document's names, with an image."""
    return PodCreateInput(**({"imageName": "runpod/pytorch:1"} | fields))


def order_of(request: PodCreateInput | None = None, **fields: Any) -> PodOrder:
    """The order a flow would make of a request: its lists, or one usual choice where it has none."""
    request = request or request_of(**fields)
    return PodOrder(
        request=request,
        env={**request.env, "RUNPOD_MCP_RESERVATION": "res-1"},
        gpu_type_ids=tuple(request.gpu_type_ids or ("NVIDIA L4",)) if request.compute_type == "GPU" else (),
        cpu_flavor_ids=tuple(request.cpu_flavor_ids or ("cpu3c",)) if request.compute_type == "CPU" else (),
        data_center_ids=tuple(request.data_center_ids) if request.asked("data_center_ids") else (),
    )
