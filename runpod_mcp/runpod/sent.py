"""What became of a request: answered, lost on the way, or never sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runpod_mcp.errors import Code


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: header names in lower case, `body` the parsed JSON or None, `text` what was sent instead.

    `body` and `text` may hold env values, so neither is in the repr.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Any = field(default=None, repr=False)
    text: str = field(default="", repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Lost:
    """The request may have arrived; its answer did not."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request surely never left this machine."""

    code: Code
    reason: str


Sent = Answer | Lost | NotSent
