"""The way of every call: record it, admit it, spoil it as scripted, do the work, answer."""

from __future__ import annotations

import random
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from runpod_mcp.simulator.calls import Call, Dialect, Reply, Requests, Route, Seen
from runpod_mcp.simulator.faults import Fault, Kind
from runpod_mcp.simulator.holds import Holds
from runpod_mcp.simulator.refusals import LineDropped, NeverAnswers, Reason, Refusal
from runpod_mcp.simulator.world import World

_INSTEAD = {
    Kind.NO_CAPACITY: Reason.NO_CAPACITY,
    Kind.LOST_RACE: Reason.LOST_RACE,
    Kind.ERROR_BEFORE: Reason.BROKEN,
    Kind.RATE_LIMITED: Reason.RATE_LIMITED,
    Kind.UNAUTHORIZED: Reason.UNAUTHORIZED,
    Kind.FORBIDDEN: Reason.FORBIDDEN,
    Kind.INSUFFICIENT_BALANCE: Reason.BALANCE,
    Kind.INVALID: Reason.INVALID,
    Kind.NOT_FOUND: Reason.NOT_FOUND,
    Kind.CLOUDFLARE_1010: Reason.EDGE_BLOCKED,
    Kind.UNAVAILABLE: Reason.UNAVAILABLE,
}
_GARBAGE = "<html><body>upstream connect error or disconnect/reset before headers</body></html>"


class Switchboard:
    """Takes calls for the dialects and lets faults and holds act on them."""

    def __init__(self, world: World, requests: Requests, holds: Holds, seed: int) -> None:
        self.world = world
        self.requests = requests
        self.holds = holds
        self._random = random.Random(seed)  # noqa: S311 - request ids, repeatable

    async def answer(self, dialect: Dialect, route: Route | Refusal, call: Call) -> Reply:
        """Answer one call; `route` is a refusal where no operation matches it.

        Raises:
            LineDropped: the connection is to be closed without an answer.
            NeverAnswers: the call is to stay open without an answer.
        """
        operation = "unknown" if isinstance(route, Refusal) else route.operation_of(call)
        seen = self.requests.note(self.world.advance().isoformat(), dialect.name, operation, call)
        try:
            reply = await self._work(dialect, route, call, seen)
        except Refusal as refusal:
            reply = dialect.refuse(refusal, operation)
        except (LineDropped, NeverAnswers) as cut:
            seen.status = "dropped" if isinstance(cut, LineDropped) else "hangs"
            raise
        dialect.finish(call, reply)
        reply.headers["x-request-id"] = f"{self._random.getrandbits(128):032x}"
        seen.status = reply.status
        return reply

    async def _work(self, dialect: Dialect, route: Route | Refusal, call: Call, seen: Seen) -> Reply:
        if seen.operation == "create":
            self.world.books.note_create_call(self.world.now(), dialect.name)
        dialect.admit(call)
        if isinstance(route, Refusal):
            raise route
        taken = self.world.faults.take(seen.operation, {**dialect.facts(call), "dialect": [dialect.name]})
        seen.faults = [fault.kind.value for fault in taken]
        hold = next((fault for fault in taken if fault.kind is Kind.HOLD), None)
        spoil = next((fault for fault in taken if fault.kind is not Kind.HOLD), None)
        await self._hold(hold, "before", seen)
        _before(spoil, seen.operation)
        with self.world.bent_by(spoil):
            self.world.advance()
            reply = _done(dialect, route, call, seen.operation)
        reply = await self._last_word(reply)
        await self._hold(hold, "after", seen)
        return _after(spoil, reply)

    async def _last_word(self, reply: Reply) -> Reply:
        """Let time pass until an answer is whole; with the clock stopped, the answer so far."""
        while reply.wait is not None and (speed := self.world.clock.speed) > 0:
            await self.world.clock.base.sleep(reply.wait.seconds / speed)
            self.world.advance()
            reply = reply.wait.then()
        return reply

    async def _hold(self, hold: Fault | None, at: str, seen: Seen) -> None:
        if hold is not None and hold.at == at:
            await self.holds.wait(seen.number, seen.operation, at)


def _done(dialect: Dialect, route: Route, call: Call, operation: str) -> Reply:
    try:
        return route.work(call)
    except Refusal as refusal:
        return dialect.refuse(refusal, operation)


def _before(fault: Fault | None, operation: str) -> None:
    if fault is None:
        return
    if fault.kind is Kind.DROP_BEFORE:
        raise LineDropped(after=False)
    if fault.kind is Kind.HANG:
        raise NeverAnswers
    if fault.kind in _INSTEAD:
        headers = {"Retry-After": str(fault.retry_after)} if fault.kind is Kind.RATE_LIMITED else {}
        about_pods = "_" not in operation
        detail = "pod not found" if fault.kind is Kind.NOT_FOUND and about_pods else None
        raise Refusal(_INSTEAD[fault.kind], fault.detail or detail, headers=headers)


def _after(fault: Fault | None, reply: Reply) -> Reply:
    if fault is None:
        return reply
    if fault.kind is Kind.ERROR_AFTER:
        raise Refusal(Reason.BROKEN, fault.detail)
    if fault.kind is Kind.DROP_AFTER:
        raise LineDropped(after=True)
    if fault.kind is Kind.HANG_AFTER:
        raise NeverAnswers
    if fault.kind is Kind.GARBAGE:
        return Reply(_with_body(reply.status), raw=_GARBAGE)
    if fault.kind is Kind.TRUNCATED:
        text = reply.content().decode()
        return Reply(_with_body(reply.status), raw=text[: len(text) // 2] or "{")
    return reply


def _with_body(status: int) -> int:
    return 200 if status == 204 else status


class Door:
    """The ASGI endpoint of one path of a dialect: picks the operation by method and puts the answer on the wire."""

    def __init__(self, switchboard: Switchboard, dialect: Dialect, routes: Sequence[Route]) -> None:
        self._switchboard = switchboard
        self._dialect = dialect
        self._routes = {route.method: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        call = await _read(request)
        reply = await self._switchboard.answer(self._dialect, self._pick(call.method), call)
        headers = {**reply.headers, "content-type": reply.media_type}
        if reply.status == 204:
            del headers["content-type"]
        await Response(reply.content(), reply.status, headers)(scope, receive, send)

    def _pick(self, method: str) -> Route | Refusal:
        if not self._routes:
            return Refusal(Reason.NO_PATH)
        allowed = {"Allow": ", ".join(self._routes)}
        return self._routes.get(method) or Refusal(Reason.NO_METHOD, headers=allowed)


async def _read(request: Request) -> Call:
    query = {name: request.query_params.getlist(name) for name in request.query_params}
    body = await request.body()
    return Call(request.method, request.url.path, request.path_params, query, request.headers, body)
