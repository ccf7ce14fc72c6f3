"""The promise under a cloud that lies, judged on the cloud's own books and on what the agent is told."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from front_door import KEY
from lying import FIGURES, HUSH, NEVER, broken
from lying_story import tell

STORIES = 30
DIALECTS = ["v2", "v1"]


@pytest.fixture(scope="module", autouse=True)
def figures() -> Iterator[None]:
    yield
    print(f"\n{ {promise: FIGURES[promise] for promise in NEVER} }\n{dict(sorted(FIGURES.items()))}")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("seed", range(STORIES))
async def test_no_story_about_a_lying_cloud_breaks_a_promise(
    seed: int, dialect: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="runpod_mcp")
    await tell(seed, dialect)
    if HUSH in caplog.text or KEY in caplog.text:
        raise broken("leaks", "a secret is in the log")


@pytest.mark.deep
async def test_no_story_in_hours_of_them_breaks_a_promise() -> None:
    first = int(os.environ.get("RUNPOD_MCP_DEEP_SEED", "1000"))
    for seed in range(first, first + int(os.environ.get("RUNPOD_MCP_DEEP_STORIES", "2000"))):
        await tell(seed, DIALECTS[seed % 2])
