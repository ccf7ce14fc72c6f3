"""What a person was asked, and what they said: one row for the question, one for each thing that came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from runpod_mcp.money import Usd

GOOD_FOR = 600
"""Seconds for which a question can be answered, and an answer used."""


class ApprovalState(StrEnum):
    """Where a question stands."""

    WAITING = "waiting"
    APPROVED = "approved"
    DENIED = "denied"
    USED = "used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question to a person about one exact request, as it is written down.

    `request_hash` is salted with the code; `request` is the request as JSON without secrets. `usd_per_hour` is the
    ceiling that a yes is good for, `usd_at_most` what the whole can cost. Times are seconds since 1970, UTC.
    """

    code: str
    principal: str
    tool: str
    request_hash: str
    request: str
    words: str
    usd_per_hour: Usd
    usd_at_most: Usd
    asked_at: int
    good_until: int


@dataclass(frozen=True, slots=True)
class Approval:
    """A question and where it stands; `by` is how it was answered: `cli`, `dialog` or `dashboard`."""

    question: Question
    state: ApprovalState = ApprovalState.WAITING
    by: str = ""
    answered_at: int | None = None

    @property
    def code(self) -> str:
        """What a person types to answer it."""
        return self.question.code

    def is_open(self, now: int) -> bool:
        """Whether it can still be answered, or its yes used."""
        return now < self.question.good_until and self.state is not ApprovalState.USED
