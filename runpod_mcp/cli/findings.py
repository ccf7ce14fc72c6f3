"""What a look at something found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is: as it should be; a person should know; it does not work, or the limits can be gone round."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, in one line, and what to do about it; `what` is a stable word for programs."""

    what: str
    state: State
    line: str
    do: str = ""


def ok(what: str, line: str) -> Finding:
    """As it should be."""
    return Finding(what, State.OK, line)


def warn(what: str, line: str, do: str = "") -> Finding:
    """A person should know."""
    return Finding(what, State.WARN, line, do)


def bad(what: str, line: str, do: str = "") -> Finding:
    """It does not work, or the limits can be gone round."""
    return Finding(what, State.BAD, line, do)
