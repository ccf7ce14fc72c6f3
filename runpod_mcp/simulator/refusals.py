"""How the world says no, before a dialect puts it into its own words, and how a line breaks."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Reason(StrEnum):
    """Why a call was refused."""

    NO_CAPACITY = "no_capacity"
    LOST_RACE = "lost_race"
    NO_GPUS_ON_HOST = "no_gpus_on_host"
    RULE = "rule"
    INVALID = "invalid"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    EDGE_BLOCKED = "edge_blocked"
    BALANCE = "balance"
    NOT_FOUND = "not_found"
    NO_PATH = "no_path"
    NO_METHOD = "no_method"
    CONFLICT = "conflict"
    GONE = "gone"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    BROKEN = "broken"
    UNAVAILABLE = "unavailable"


class Refusal(Exception):
    """A call that was answered with an error. `detail` replaces the dialect's usual words for the reason."""

    def __init__(
        self,
        reason: Reason,
        detail: str | None = None,
        *,
        errors: Sequence[str] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail or reason.value)
        self.reason = reason
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers or {}


class LineDropped(Exception):
    """The connection is to be closed without an answer; `after` when the work was done first."""

    def __init__(self, after: bool) -> None:
        super().__init__("the line was dropped")
        self.after = after


class NeverAnswers(Exception):
    """The call is to stay without an answer until the client gives up."""
