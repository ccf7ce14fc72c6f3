"""How long to wait is read from headers that may be anything."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runpod_mcp.runpod.limits import seconds_to_wait

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "99999999999"}, 86_400),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 GMT"}, 30),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:30 -0000"}, 30),
        ({"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"}, 0),
        ({"ratelimit": '"minute";r=0;t=12, "hour";r=2800;t=1812'}, 12),
        ({"ratelimit": '"minute";r=0;t=12, "hour";r=0;t=1812'}, 1812),
        ({"ratelimit": '"minute";r=5;t=12'}, None),
        ({"ratelimit": '"minute"; t=4 ; r=0'}, 4),
        ({"ratelimit": '"minute";r=0'}, None),
        ({"retry-after": "30", "ratelimit": '"minute";r=0;t=12'}, 30),
    ],
)
def test_known_headers(headers: dict[str, str], seconds: int | None) -> None:
    assert seconds_to_wait(headers, NOW) == seconds


@given(st.text(), st.text())
def test_no_header_crashes(retry_after: str, ratelimit: str) -> None:
    seconds = seconds_to_wait({"retry-after": retry_after, "ratelimit": ratelimit}, NOW)
    assert seconds is None or 0 <= seconds <= 86_400
