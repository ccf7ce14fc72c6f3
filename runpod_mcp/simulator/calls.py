"""A call and its answer, free of any dialect, and the record of what clients asked."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from runpod_mcp.simulator.refusals import Reason, Refusal

Facts = Mapping[str, Sequence[str]]
"""What a call is about, for faults to match: `gpuTypeId`, `cloudType`, `dataCenterId`, `name`, `imageName`, `podId`,
`id`."""


@dataclass(frozen=True)
class Call:
    """A call as it arrived. `ids` are the variables of its path; a query name sent twice keeps every value."""

    method: str
    path: str
    ids: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: it is no JSON.
        """
        return json.loads(self.body)

    def asked(self, name: str) -> str | None:
        """The last value of a query parameter."""
        values = self.query.get(name)
        return values[-1] if values else None

    def listed(self, name: str) -> tuple[str, ...]:
        """A query parameter that is a list, repeated or separated by commas."""
        return tuple(part for value in self.query.get(name, ()) for part in value.split(",") if part)


@dataclass(frozen=True)
class Wait:
    """An answer that is not there yet: after so many seconds of world time `then` is asked for a better one."""

    seconds: float
    then: Callable[[], Reply]


@dataclass
class Reply:
    """An answer: JSON in `body`, or `raw` text; neither for an empty one. With `wait` it is not the last word."""

    status: int
    body: Any = None
    raw: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
    wait: Wait | None = None

    def content(self) -> bytes:
        """The bytes of the answer."""
        if self.raw is not None:
            return self.raw.encode()
        return b"" if self.body is None else json.dumps(self.body).encode()


Work = Callable[[Call], Reply]


@dataclass(frozen=True)
class Route:
    """One operation of a dialect. `operation` names it for faults; a function where the body decides."""

    method: str
    path: str
    operation: str | Callable[[Call], str]
    work: Work

    def operation_of(self, call: Call) -> str:
        """The operation this call is."""
        return self.operation if isinstance(self.operation, str) else self.operation(call)


class Dialect(Protocol):
    """One of Runpod's interfaces: its routes, its door rules, and its words for a refusal."""

    name: str
    prefix: str

    def routes(self) -> Sequence[Route]:
        """Every operation it offers."""
        ...

    def admit(self, call: Call) -> None:
        """Look at a call before anything else (size, key, user agent); raises `Refusal`."""
        ...

    def facts(self, call: Call) -> Facts:
        """What the call is about."""
        ...

    def refuse(self, refusal: Refusal, operation: str, /) -> Reply:
        """A refusal in this dialect's status and words."""
        ...

    def finish(self, call: Call, reply: Reply) -> None:
        """Add the headers this dialect puts on every answer."""
        ...


@dataclass
class Seen:
    """One client call in the record; `status` is what it was answered with: a number, "dropped", "hangs" or null so far."""

    number: int
    at: str
    dialect: str
    operation: str
    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    body: Any
    faults: list[str] = field(default_factory=list)
    status: int | str | None = None


class Requests:
    """The last 10,000 calls of clients, oldest first, without their keys."""

    def __init__(self) -> None:
        self.seen: deque[Seen] = deque(maxlen=10_000)
        self._count = 0

    def clear(self) -> None:
        """Forget them."""
        self.seen.clear()

    def note(self, at: str, dialect: str, operation: str, call: Call) -> Seen:
        """Write down a call that arrived."""
        self._count += 1
        query = {name: values for name, values in call.query.items() if name != "api_key"}
        seen = Seen(self._count, at, dialect, operation, call.method, call.path, query, _readable(call))
        self.seen.append(seen)
        return seen


def _readable(call: Call) -> Any:
    try:
        return call.json() if call.body else None
    except ValueError:
        return call.body.decode("utf-8", "replace")


def bearer_key(call: Call) -> str | None:
    """The key a call carries in its Authorization header, or None."""
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def edge_answer() -> Reply:
    """What Cloudflare answers in front of Runpod: bare text, which says nothing about the key."""
    return Reply(403, raw="error code: 1010", media_type="text/plain; charset=UTF-8")


def block_urllib(call: Call) -> None:
    """Refuse Python's default user agent, as Cloudflare does in front of api.runpod.io."""
    if call.headers.get("user-agent", "").lower().startswith("python-urllib"):
        raise Refusal(Reason.EDGE_BLOCKED)
