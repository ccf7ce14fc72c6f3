"""A judgement as a value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.policy.offer import Offer


@dataclass(frozen=True, slots=True)
class Allow:
    """The policy has room for this offer."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class AskHuman:
    """The policy has room for this offer once a person said yes; `reason` says which of their limits asks for it."""

    offer: Offer
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """The policy says no: which rule, its limit, what is used, what was asked, and what would pass."""

    code: Code
    message: str
    field: str | None = None
    limit: str | int | float | None = None
    used: str | int | float | None = None
    requested: str | int | float | None = None
    alternatives: Sequence[Any] = ()
    retry: Retry = Retry.CHANGED

    def as_failure(self) -> Failure:
        """The same, to be raised."""
        return Failure(
            self.code,
            self.message,
            self.retry,
            self.field,
            self.limit,
            self.used,
            self.requested,
            self.alternatives,
        )


Decision = Allow | AskHuman | Deny
