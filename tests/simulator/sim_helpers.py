"""Bodies and shortcuts that the simulator's tests share."""

from __future__ import annotations

from typing import Any

import httpx2

KEY = {"authorization": "Bearer sim_key", "user-agent": "tests/1"}
L4 = "NVIDIA L4"


def v2_body(**changes: Any) -> dict[str, Any]:
    """A v2 create of one L4 with 20 GB of container disk; a change to None leaves a field out."""
    body = {
        "name": "trial",
        "image": "ubuntu:24.04",
        "disk": 20,
        "gpu": {"id": L4, "count": 1},
        "ports": ["22/tcp", "8888/http"],
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


async def create(http: httpx2.AsyncClient, **changes: Any) -> dict[str, Any]:
    """Create a pod by v2 and return it."""
    answer = await http.post("/v2/pods", json=v2_body(**changes))
    assert answer.status_code == 201, answer.text
    pod: dict[str, Any] = answer.json()
    return pod


async def books(http: httpx2.AsyncClient) -> dict[str, Any]:
    """What the books say."""
    said: dict[str, Any] = (await http.get("/_sim/books")).json()
    return said
