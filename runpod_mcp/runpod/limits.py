"""How long Runpod asks to be left alone, read from the headers of an answer."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 86_400
"""Runpod's longest window is a day (v2 document); a longer wait than that is a broken header."""

_REMAINING = re.compile(r";\s*r\s*=\s*(\d{1,12})\b")
_RESET = re.compile(r";\s*t\s*=\s*(\d{1,12})\b")


def seconds_to_wait(headers: Mapping[str, str], now: datetime) -> int | None:
    """Whole seconds to wait before calling again, or None when the headers do not say.

    `Retry-After` speaks for the window that overflowed; another may be exhausted too, so the longest reset `t` of a
    window with `r=0` in `RateLimit` counts as well (v2 document). Header names are expected in lower case.
    """
    waits = [
        wait
        for wait in (_retry_after(headers.get("retry-after"), now), _exhausted(headers))
        if wait is not None
    ]
    return min(max(waits), LONGEST_WAIT) if waits else None


def _retry_after(value: str | None, now: datetime) -> int | None:
    if value is None:
        return None
    if re.fullmatch(r"\s*\d{1,12}\s*", value):
        return int(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(math.ceil((moment - now).total_seconds()), 0)


def _exhausted(headers: Mapping[str, str]) -> int | None:
    resets = []
    for window in headers.get("ratelimit", "").split(","):
        remaining, reset = _REMAINING.search(window), _RESET.search(window)
        if remaining and reset and int(remaining[1]) == 0:
            resets.append(int(reset[1]))
    return max(resets, default=None)
