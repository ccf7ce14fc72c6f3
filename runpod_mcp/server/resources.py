"""Resources: the same facts as the reading tools, for clients that show or attach them without a call."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows import read_pods
from runpod_mcp.flows.budget import get_budget
from runpod_mcp.flows.budget_view import budget_facts
from runpod_mcp.flows.context import House
from runpod_mcp.policy.document import Policy
from runpod_mcp.server.arguments import is_an_id

JSON = "application/json"


def add_resources(server: MCPServer[None], house: House) -> None:
    """Give a server the resources `runpod://policy`, `runpod://budget` and `runpod://pods/{podId}`."""

    @server.resource(
        "runpod://policy",
        name="policy",
        title="The policy",
        description="What the person allows; dollars, GB, hours. Only they can change it.",
        mime_type=JSON,
    )
    async def policy() -> str:
        return await _json(lambda: _policy(house))

    @server.resource(
        "runpod://budget",
        name="budget",
        title="The budget",
        description="What is spent, promised and left.",
        mime_type=JSON,
    )
    async def budget() -> str:
        return await _json(lambda: _budget(house))

    @server.resource(
        "runpod://pods/{pod_id}",
        name="pod",
        title="A pod",
        description="One pod: status, how to connect, price, lease, warnings.",
        mime_type=JSON,
    )
    async def pod(pod_id: str) -> str:
        if not is_an_id(pod_id):
            raise ResourceNotFoundError("invalid_arguments: That is not a pod id; list_pods shows them.")
        return await _json(lambda: _pod(house, pod_id))


async def _json(read: Callable[[], Awaitable[dict[str, Any]]]) -> str:
    try:
        return json.dumps(await read(), ensure_ascii=False, indent=1)
    except Failure as failure:
        kind = ResourceNotFoundError if failure.code is Code.NOT_FOUND else ResourceError
        raise kind(f"{failure.code.value}: {failure.message}") from failure


async def _policy(house: House) -> dict[str, Any]:
    return policy_facts(house.policies.current())


def policy_facts(policy: Policy) -> dict[str, Any]:
    """A policy as a person wrote it, money in dollars; the webhook's address may hold a secret and is left out."""
    tables = policy.model_dump(mode="json", exclude={"notify", "version"}, exclude_none=True)
    shown = {name: _in_dollars(table) for name, table in tables.items()}
    return {"policy": policy.origin, **{name: table for name, table in shown.items() if table}}


def _in_dollars(table: dict[str, Any]) -> dict[str, Any]:
    return {key: value / 1_000_000 if "usd_" in key else value for key, value in table.items()}


async def _budget(house: House) -> dict[str, Any]:
    return budget_facts(await get_budget(house))


async def _pod(house: House, pod_id: str) -> dict[str, Any]:
    seen = await read_pods.get_pod(house, pod_id)
    return read_pods.shown(house, seen.pod, seen.lease)
