"""What can come of a change at Runpod, as values: nothing here is raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from runpod_mcp.errors import Code, Failure, Retry

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NoCapacity:
    """Runpod has no machine for this order right now; nothing was made."""

    detail: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Runpod, or the dialect, said no for a reason that another machine does not change; nothing was made or changed."""

    code: Code
    message: str
    detail: str = ""
    retry_after: int | None = None
    retry: Retry | None = None
    """Whether the same call can pass later, where the answer told."""
    field: str | None = None
    """What to change in the order, where it is known."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer was lost or unreadable: what was to be made or changed may or may not be.

    `looks_like` is set when the words are those of a refusal but the status is one that also follows a thing that
    was made (v1 answers 500 to both): it may be believed once nothing carries the tag, or the name.
    """

    reason: str
    looks_like: NoCapacity | Refused | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such thing (any more), or none that this key may see."""


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """Runpod made the thing."""

    thing: T


@dataclass(frozen=True, slots=True)
class Changed(Generic[T]):
    """The change was accepted; `thing` is the answer's view of it, where there was one."""

    thing: T | None = None


MakeOutcome = Made[T] | NoCapacity | Refused | Unknown
EditOutcome = Changed[T] | Gone | Refused | NoCapacity | Unknown


def refused(gaps: Sequence[Failure]) -> Refused:
    """An order that was not sent, since the dialect cannot express it: all there is to change, in one refusal."""
    message = " ".join(dict.fromkeys(gap.message for gap in gaps))
    return Refused(gaps[0].code, f"{message} Nothing was sent.", retry=gaps[0].retry, field=gaps[0].field)
