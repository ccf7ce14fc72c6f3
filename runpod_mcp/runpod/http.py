"""One wire to Runpod: questions that may be asked again, and changes that are sent once.

A change ends in a value, never in an exception: `Answer` when Runpod answered, `NotSent` when the request surely never
left, `Lost` when nobody can say. No layer below sends anything twice: no transport retries, no redirects followed.
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import anyio
import httpx2
from pydantic import SecretStr

from runpod_mcp import __version__
from runpod_mcp.clock import Clock
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.runpod.event_stream import Limits, hear
from runpod_mcp.runpod.limits import seconds_to_wait
from runpod_mcp.runpod.sent import Answer, Lost, NotSent, Sent

log = logging.getLogger(__name__)

SHORTEST_KEY = 8
"""Letters below which a key is taken for a placeholder: blotting it out would spoil every answer."""

USER_AGENT = f"runpod-mcp/{__version__}"
"""Runpod's edge turns the default agent of some libraries away with 403 (observed live in August 2026)."""

EVENTS = "text/event-stream"

WORTH_WAITING = 10
"""Seconds that a change may be put off when Runpod asks for it; a longer wait is the caller's to decide."""
MAX_BYTES = 20_000_000
NO_KEY = "No Runpod API key is set. Set RUNPOD_API_KEY (or RUNPOD_API_KEY_FILE) and start the server again."

_NEVER_LEFT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to open a connection, to have one answer to a question, and to have the answer to a change."""

    connect: float = 10.0
    read: float = 20.0
    change: float = 30.0
    create: float = 30.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a question is asked, and how many seconds may be spent waiting between, all waits together.

    `jitter` gives a number from 0 to 1: each wait is between half and the whole of its backoff.
    """

    attempts: int = 4
    total_wait: float = 20.0
    first_wait: float = 0.5
    jitter: Callable[[], float] = random.random


class Wire:
    """A connection pool to one base URL, with or without a bearer key."""

    def __init__(
        self,
        base_url: str,
        key: SecretStr | None,
        clock: Clock,
        *,
        needs_key: bool = True,
        transport: httpx2.AsyncBaseTransport | None = None,
        timeouts: Timeouts | None = None,
        patience: Patience | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """`transport` replaces the network; `max_bytes` caps the decoded body that is read of one answer."""
        self.base_url = base_url.rstrip("/")
        self.timeouts = timeouts or Timeouts()
        self.clock = clock
        self._key = key
        self._needs_key = needs_key
        self._transport = transport
        self._patience = patience or Patience()
        self._max_bytes = max_bytes

    async def read(
        self, path: str, *, query: Mapping[str, str] | None = None, question: Mapping[str, Any] | None = None
    ) -> Answer:
        """Ask with a GET (or, with `question`, a POST that changes nothing) until there is an answer worth having.

        Raises:
            Failure: unauthorized without a key; rate_limited when Runpod asks for a longer wait than is left;
                runpod_unavailable when no answer came. Every other status is returned.
        """
        method = "GET" if question is None else "POST"
        once = partial(self._once, method, path, query, question, self.timeouts.read)
        return await self._patiently(once, f"{method} {path}")

    async def listen(self, path: str, *, query: Mapping[str, str] | None = None, limits: Limits) -> Answer:
        """Ask with a GET for a stream of events: a good answer's `body` is what was `Heard` of it within the limits.

        Raises:
            Failure: as `read` does.
        """
        deadline = self.timeouts.read + limits.seconds
        once = partial(self._once, "GET", path, query, None, deadline, limits)
        return await self._patiently(once, f"GET {path}")

    async def _patiently(self, once: Callable[[], Awaitable[Sent]], what: str) -> Answer:
        waited, attempt = 0.0, 0
        while True:
            got = await once()
            pause, attempt = self._pause(got, attempt), attempt + 1
            if (
                pause is None
                or attempt >= self._patience.attempts
                or waited + pause > self._patience.total_wait
            ):
                return self._worth_having(got)
            log.info("asking again in %.1f s: %s", pause, what)
            waited += pause
            await self.clock.sleep(pause)

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        deadline: float | None = None,
    ) -> Sent:
        """Send a change, exactly once; `deadline` bounds the whole exchange in seconds."""
        return await self._once(
            method, path, query, body, self.timeouts.change if deadline is None else deadline
        )

    async def send_when_let(self, method: str, path: str, *, body: Mapping[str, Any] | None = None) -> Sent:
        """Send a change of what exists; where Runpod only asks for a short wait first, wait and send it then.

        A 429 says that nothing was done. A create is not sent so: once is all it ever gets.
        """
        sent = await self.send(method, path, body=body)
        if not isinstance(sent, Answer) or sent.status != 429:
            return sent
        wait = seconds_to_wait(sent.headers, self.clock.now())
        if wait is None or wait > WORTH_WAITING:
            return sent
        log.info("sending in %d s, as Runpod asks: %s %s", wait, method, path)
        await self.clock.sleep(wait)
        return await self.send(method, path, body=body)

    async def close(self) -> None:
        """Close connections."""
        if "_client" in self.__dict__:
            await self._client.aclose()

    @cached_property
    def _client(self) -> httpx2.AsyncClient:
        # Built on first use: loading certificates costs time that start-up should not pay.
        return httpx2.AsyncClient(
            transport=self._transport,
            follow_redirects=False,
            headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
        )

    async def _once(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        deadline: float,
        limits: Limits | None = None,
    ) -> Sent:
        if self._needs_key and self._key is None:
            return NotSent(Code.UNAUTHORIZED, NO_KEY)
        request = self._request(method, path, query, body, deadline)
        if isinstance(request, NotSent):
            return request
        if limits is not None:
            request.headers["Accept"] = EVENTS
        with anyio.move_on_after(deadline):
            try:
                return await self._exchange(request, limits)
            except _NEVER_LEFT as error:
                return NotSent(Code.RUNPOD_UNAVAILABLE, f"No connection to Runpod ({type(error).__name__}).")
            except (
                Exception
            ) as error:  # whatever broke, the request may have arrived; its text may hold the key
                return Lost(f"the connection broke ({type(error).__name__})")
        return Lost(f"no answer within {deadline:g} seconds")

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        deadline: float,
    ) -> httpx2.Request | NotSent:
        headers = {"Authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {}
        try:
            content = None if body is None else json.dumps(body, allow_nan=False).encode()
            return self._client.build_request(
                method,
                self.base_url + path,
                params=query,
                content=content,
                headers=headers if content is None else {**headers, "Content-Type": "application/json"},
                timeout=httpx2.Timeout(deadline, connect=self.timeouts.connect, pool=self.timeouts.connect),
            )
        except (ValueError, TypeError, RecursionError, httpx2.InvalidURL) as error:
            return NotSent(
                Code.INVALID_REQUEST, f"The request cannot be written down ({type(error).__name__})."
            )

    async def _exchange(self, request: httpx2.Request, limits: Limits | None) -> Answer:
        response = await self._client.send(request, stream=True)
        try:
            if (
                limits is not None
                and response.is_success
                and EVENTS in response.headers.get("content-type", "")
            ):
                heard = await hear(response.aiter_bytes(), limits, self._without_key)
                return Answer(response.status_code, _headers(response), heard)
            return self._answer(response, await self._content(response))
        finally:
            await response.aclose()

    async def _content(self, response: httpx2.Response) -> bytes | None:
        """The decoded body, or None when it is larger than we read."""
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > self._max_bytes:
                return None
        return bytes(content)

    def _answer(self, response: httpx2.Response, raw: bytes | None) -> Answer:
        text = (
            self._without_key(raw.decode("utf-8", "replace"))
            if raw is not None
            else "(a body too large to read)"
        )
        body = _parse(text)
        return Answer(response.status_code, _headers(response), body, "" if body is not None else text[:2000])

    def _without_key(self, text: str) -> str:
        """The text with our key blotted out, should anything on the way echo it; a word of a few letters is no key."""
        secret = self._key.get_secret_value() if self._key else ""
        return text.replace(secret, "[key]") if len(secret) >= SHORTEST_KEY else text

    def _pause(self, got: Sent, attempt: int) -> float | None:
        """Seconds to wait before asking again, or None when asking again is of no use."""
        if isinstance(got, NotSent) and got.code is not Code.RUNPOD_UNAVAILABLE:
            return None
        if isinstance(got, Answer):
            if got.status not in (408, 425, 429) and got.status < 500:
                return None
            asked = seconds_to_wait(got.headers, self.clock.now())
            if asked is not None:
                return float(asked)
        backoff = self._patience.first_wait * 2.0**attempt
        return backoff * (0.5 + self._patience.jitter() / 2)

    def _worth_having(self, got: Sent) -> Answer:
        if isinstance(got, Answer):
            return got
        if isinstance(got, NotSent):
            retry = Retry.LATER if got.code is Code.RUNPOD_UNAVAILABLE else Retry.NEVER
            raise Failure(got.code, got.reason, retry)
        raise Failure(Code.RUNPOD_UNAVAILABLE, f"Runpod did not answer: {got.reason}.", Retry.LATER)


def _headers(response: httpx2.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _parse(text: str) -> Any:
    """The text as JSON, or None when it is not; NaN and infinities, which JSON does not have, become None."""
    try:
        return json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
