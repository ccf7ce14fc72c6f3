"""Prism plays one of Runpod's own documents: it checks every request against it, and answers with its examples."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from clients_pinned import PRISM, programs
from clients_servers import free_port
from front_door import KEY, LIMITLESS, FrontDoor
from mcp import Client
from pydantic import SecretStr

from runpod_mcp.clock import SteppedClock
from runpod_mcp.config import TOOLSETS, Settings
from runpod_mcp.server.app import build_server
from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.in_process import SimulatorTransport
from runpod_mcp.wiring import make_house

SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs"
DOCUMENTS = {"v2": SPECS / "runpod-rest-v2.openapi.json", "v1": SPECS / "runpod-rest-v1.openapi.json"}
START_SECONDS = 90
ELSEWHERE = ("/graphql", "/ai/v2")
"""What neither document describes: the catalog beside v1, and the jobs of endpoints."""


@dataclass(frozen=True)
class Exchange:
    """A request as it was sent, what Prism found wrong with it, and the status of its answer."""

    method: str
    path: str
    body: Any
    status: int
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path} -> {self.status} {'; '.join(self.wrong)} {self.body or ''}".strip()


@dataclass
class ThroughPrism(httpx2.AsyncBaseTransport):
    """Hands requests on to Prism, and keeps what came of them; what no document describes goes to the simulator."""

    port: int
    dialect: str
    rest: SimulatorTransport
    seen: list[Exchange] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._wire = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path.startswith(ELSEWHERE):
            return await self.rest.handle_async_request(request)
        content = await request.aread()
        path = request.url.raw_path.decode()
        if self.dialect == "v1":
            path = path.removeprefix("/v1")
        kept = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in ("host", "accept-encoding")
        }
        asked = httpx2.Request(
            request.method, f"http://127.0.0.1:{self.port}{path}", headers=kept, content=content
        )
        answer = await self._wire.handle_async_request(asked)
        told = await answer.aread()
        wrong = _wrong_with_the_request(answer, told)
        body = json.loads(content) if content else None
        self.seen.append(Exchange(request.method, path, body, answer.status_code, wrong))
        return httpx2.Response(answer.status_code, headers=_plain(answer), content=told)

    async def aclose(self) -> None:
        await self._wire.aclose()


def _plain(answer: httpx2.Response) -> dict[str, str]:
    names = ("content-type", "ratelimit", "ratelimit-policy", "retry-after")
    return {name: answer.headers[name] for name in names if name in answer.headers}


def _wrong_with_the_request(answer: httpx2.Response, told: bytes) -> tuple[str, ...]:
    """What Prism says of the request, in a header or in a refusal of its own; examples of its own may be wrong too."""
    said = json.loads(answer.headers.get("sl-violations", "[]"))
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        problem = json.loads(told)
        said += problem.get("validation", [])
        if not said:
            return (problem.get("title", "refused"),)
    return tuple(one["message"] for one in said if one["location"][:1] == ["request"])


def as_prism_heeds_it(document: dict[str, Any]) -> dict[str, Any]:
    """The v2 document, put so that Prism heeds `unevaluatedProperties`, by which it refuses what it does not know.

    Prism does so only where a document names the dialect of its schemas; and then its validator forgets all it has
    seen beside an `if` that does not hold, so such an `if` moves into the `allOf`, where it means the same.
    """
    for schema in document["components"]["schemas"].values():
        if "unevaluatedProperties" in schema and "if" in schema:
            schema["allOf"].append({name: schema.pop(name) for name in ("if", "then")})
    return {**document, "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema"}


@contextmanager
def prism(dialect: str, folder: Path) -> Iterator[int]:
    """Prism on a free port; some examples of the documents break their schemas, so it is not told to stop at those."""
    port, words, played = free_port(), folder / "prism.txt", folder / "played.json"
    document = json.loads(DOCUMENTS[dialect].read_text("utf-8"))
    played.write_text(json.dumps(as_prism_heeds_it(document) if dialect == "v2" else document), "utf-8")
    line = [str(programs(PRISM) / "prism"), "mock", "-h", "127.0.0.1", "-p", str(port), str(played)]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_COLOR": "1"}
    with words.open("wb") as said:
        process = subprocess.Popen(line, cwd=folder, env=env, stdout=said, stderr=said)
        try:
            until = time.monotonic() + START_SECONDS
            while "listening on" not in words.read_text("utf-8", "replace"):
                assert process.poll() is None, words.read_text("utf-8", "replace")
                assert time.monotonic() < until, "Prism did not start"
                time.sleep(0.1)
            yield port
        finally:
            process.terminate()
            process.wait(START_SECONDS)


@asynccontextmanager
async def door_to(port: int, dialect: str, folder: Path) -> AsyncIterator[tuple[FrontDoor, ThroughPrism]]:
    """The front door with every toolset and no limits, and Prism behind it."""
    clock = SteppedClock()
    sim = Simulator(clock)
    (folder / "policy.toml").write_text(LIMITLESS, "utf-8")
    settings = Settings(
        api_key=SecretStr(KEY),
        api_key_from="a test",
        api_url=f"http://simulator/{dialect}",
        policy=folder / "policy.toml",
        policy_named=True,
        ledger=folder / "ledger.db",
    )
    through = ThroughPrism(port, dialect, SimulatorTransport(sim))
    house = make_house(settings, folder / "ledger.db", clock, through)
    server = build_server(house, toolsets=TOOLSETS)
    try:
        async with Client(server) as client:
            yield FrontDoor(client, server, house, sim, clock, folder), through
    finally:
        await house.api.close()
        await house.ledger.close()
