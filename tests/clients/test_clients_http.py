"""Clients over Streamable HTTP."""

from __future__ import annotations

import pytest
from clients_pinned import FASTMCP, SDK_1, SDK_2, Pinned, programs
from clients_servers import served_over_http
from clients_stage import HERE, WHOLE_STORY, Stage, check_story, facts_of

pytestmark = pytest.mark.clients

DRIVERS = {
    FASTMCP: ("drive_fastmcp.py", "2026-07-28"),
    SDK_2: ("drive_sdk2.py", "2026-07-28"),
    SDK_1: ("drive_sdk.py", "2025-11-25"),
}


@pytest.mark.parametrize("client", DRIVERS, ids=str)
def test_a_client_over_http_looks_rents_is_refused_and_ends(client: Pinned, stage: Stage) -> None:
    driver, era = DRIVERS[client]
    python = str(programs(client) / "python")
    with served_over_http(stage.server, stage.folder) as (url, seconds):
        done = stage.run(client, [python, str(HERE / "drivers" / driver), "http", url])
    check_story(client, facts_of(client, done))
    stage.tell(client, f"{era} over HTTP", WHOLE_STORY, seconds)
