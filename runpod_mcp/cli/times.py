"""Times as a person types and reads them, always UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import click

from runpod_mcp.clock import epoch, from_epoch

_DAY = 86_400
TIME_FORMS = "a day (2026-11-23), a time (2026-11-23T14:00), Nd (N days ago) or Nh (N hours ago)"


def moment(text: str, now: int, flag: str, *, ends: bool = False) -> int:
    """Seconds since 1970 for a day, a time, `7d` or `12h`; a day begins at midnight, and `ends` means its last moment.

    Raises:
        click.BadParameter: it is none of these.
    """
    if back := re.fullmatch(r"(\d{1,5})([dh])", text.strip().lower()):
        number = int(back[1])
        if back[2] == "h":
            return max(0, now - number * 3600)
        return max(0, _whole_day(now - number * _DAY, ends))
    try:
        said = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not {TIME_FORMS}.", param_hint=flag) from error
    seconds = epoch(said if said.tzinfo else said.replace(tzinfo=UTC))
    is_day = re.fullmatch(r"[\d-]+", text.strip())
    return max(0, _whole_day(seconds, ends) if is_day else seconds)


def _whole_day(seconds: int, ends: bool) -> int:
    start = seconds - seconds % _DAY
    return start + _DAY if ends else start


def when(seconds: int) -> str:
    """A time for a reader: `2026-11-23 14:00`, UTC."""
    return f"{from_epoch(seconds):%Y-%m-%d %H:%M}"
