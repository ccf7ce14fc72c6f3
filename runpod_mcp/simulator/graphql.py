"""Runpod's GraphQL at `/graphql`: a catalogue without a key, the account with one, and the verbs of pods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from runpod_mcp.simulator.calls import Call, Facts, Reply, Route, bearer_key, block_urllib, edge_answer
from runpod_mcp.simulator.graphql_create import read_order
from runpod_mcp.simulator.graphql_query import Operation, QueryError, parse, pick
from runpod_mcp.simulator.graphql_views import Node, cpu_flavors, data_centers, gpu_types, myself, pod_node
from runpod_mcp.simulator.pods import Pod
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.world import World

_OPERATIONS = {
    "gpuTypes": "catalog",
    "dataCenters": "catalog",
    "cpuFlavors": "catalog",
    "myself": "account",
    "pod": "get",
    "podFindAndDeployOnDemand": "create",
    "podRentInterruptable": "create",
    "podResume": "start",
    "podStop": "stop",
    "podTerminate": "delete",
}
_NO_CAPACITY = "There are no longer any instances available with the requested specifications. Please refresh and try again."
_ANSWERS: Mapping[Reason, tuple[int, str, str]] = {
    Reason.NO_CAPACITY: (200, _NO_CAPACITY, "RUNPOD"),
    Reason.LOST_RACE: (200, "This machine does not have the resources to deploy your pod.", "RUNPOD"),
    Reason.NO_GPUS_ON_HOST: (
        200,
        "There are not enough free GPUs on the host machine to start this pod.",
        "RUNPOD",
    ),
    Reason.RULE: (200, "invalid input", "RUNPOD"),
    Reason.BALANCE: (200, "insufficient balance", "RUNPOD"),
    Reason.NOT_FOUND: (200, "pod not found", "RUNPOD"),
    Reason.CONFLICT: (200, "pod is locked", "RUNPOD"),
    Reason.INVALID: (400, "invalid query", "GRAPHQL_VALIDATION_FAILED"),
    Reason.UNAUTHORIZED: (401, "Unauthorized", "UNAUTHENTICATED"),
    Reason.FORBIDDEN: (200, "Forbidden", "FORBIDDEN"),
    Reason.NO_PATH: (404, "not found", "NOT_FOUND"),
    Reason.NO_METHOD: (405, "method not allowed", "BAD_REQUEST"),
    Reason.GONE: (410, "GraphQL has been retired", "GONE"),
    Reason.RATE_LIMITED: (429, "too many requests", "RATE_LIMITED"),
    Reason.BROKEN: (
        500,
        "Something went wrong. Please try again later or contact support.",
        "INTERNAL_SERVER_ERROR",
    ),
    Reason.UNAVAILABLE: (503, "service unavailable", "INTERNAL_SERVER_ERROR"),
}


class GraphQL:
    """The GraphQL dialect: one path, the operation named by the first field of the query."""

    name = "graphql"
    prefix = "/graphql"

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """POST with `{"query": …, "variables": …}`."""
        return [Route("POST", "", _operation, self._answer)]

    def admit(self, call: Call) -> None:
        """Cloudflare's rule, retirement, and a key that was never valid; no key at all may read the catalogue."""
        block_urllib(call)
        if self._world.settings.graphql_retired:
            raise Refusal(Reason.GONE)
        if _key(call) == "sim_wrong":
            raise Refusal(Reason.UNAUTHORIZED)

    def facts(self, call: Call) -> Facts:
        """What the `input` of a pod mutation names."""
        found = _input(call)
        names = {"gpuTypeId": "gpuTypeId", "cloudType": "cloudType", "name": "name", "imageName": "imageName"}
        names |= {"podId": "podId", "dataCenterId": "dataCenterId"}
        return {fact: [str(found[name])] for fact, name in names.items() if name in found}

    def refuse(self, refusal: Refusal, _: str) -> Reply:
        """HTTP 200 with `errors`, or the status that was seen for the reason."""
        if refusal.reason is Reason.EDGE_BLOCKED:
            return edge_answer()
        status, text, code = _ANSWERS.get(refusal.reason, (200, refusal.reason.value, "RUNPOD"))
        return _errors(status, refusal.detail or text, code, refusal.headers)

    def finish(self, call: Call, reply: Reply) -> None:
        """GraphQL sends no quota headers."""

    def _answer(self, call: Call) -> Reply:
        try:
            operation = _parse(call)
            roots = self._mutations(call) if operation.kind == "mutation" else self._queries(call)
            return Reply(200, {"data": pick(operation.fields, roots, operation.kind.capitalize())})
        except QueryError as error:
            return _errors(400, str(error), error.code)

    def _queries(self, call: Call) -> Node:
        return {
            "gpuTypes": lambda arguments: gpu_types(self._world, arguments),
            "dataCenters": lambda _: data_centers(self._world),
            "cpuFlavors": lambda _: cpu_flavors(self._world),
            "myself": lambda _: myself(self._world) if self._allowed(call) else None,
            "pod": lambda arguments: self._pod(call, arguments),
        }

    def _allowed(self, call: Call) -> bool:
        if _key(call) == "sim_forbidden":
            raise Refusal(Reason.FORBIDDEN)
        return _key(call) is not None

    def _pod(self, call: Call, arguments: Node) -> Node | None:
        if not self._allowed(call):
            return None
        pod = self._world.pods.get(str((arguments.get("input") or {}).get("podId")))
        return None if pod is None or pod.ended_at else pod_node(pod, self._world)

    def _mutations(self, call: Call) -> Node:
        if not self._allowed(call):
            raise Refusal(Reason.UNAUTHORIZED)
        return {
            "podFindAndDeployOnDemand": self._create,
            "podRentInterruptable": lambda arguments: self._create(arguments, spot=True),
            "podResume": self._verb(self._world.start),
            "podStop": self._verb(self._world.stop),
            "podTerminate": self._terminate,
        }

    def _create(self, arguments: Node, *, spot: bool = False) -> Node:
        try:
            order = read_order(arguments.get("input") or {}, self._world, spot=spot)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise QueryError("input has a value of the wrong type") from None
        return pod_node(self._world.create(order), self._world)

    def _verb(self, act: Callable[[Pod], None]) -> Callable[[Node], Node]:
        def work(arguments: Node) -> Node:
            pod = self._world.pod(str((arguments.get("input") or {}).get("podId")))
            act(pod)
            return pod_node(pod, self._world)

        return work

    def _terminate(self, arguments: Node) -> None:
        pod = self._world.pods.get(str((arguments.get("input") or {}).get("podId")))
        if pod is None or pod.ended_at is not None:
            raise Refusal(Reason.NOT_FOUND, "pod not found to terminate")
        self._world.end(pod)


def _errors(status: int, message: str, code: str, headers: Mapping[str, str] | None = None) -> Reply:
    body = {"errors": [{"message": message, "extensions": {"code": code}}], "data": None}
    return Reply(status, body, headers=dict(headers or {}))


def _key(call: Call) -> str | None:
    return bearer_key(call) or call.asked("api_key")


def _parse(call: Call) -> Operation:
    try:
        body = call.json()
    except ValueError:
        raise QueryError("request body is not valid JSON", "GRAPHQL_PARSE_FAILED") from None
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        raise QueryError("expected a query", "GRAPHQL_PARSE_FAILED")
    variables = body.get("variables")
    return parse(body["query"], variables if isinstance(variables, dict) else {})


def _operation(call: Call) -> str:
    try:
        first = _parse(call).fields[0].name
    except (QueryError, IndexError):
        return "unknown"
    return _OPERATIONS.get(first, "unknown")


def _input(call: Call) -> Mapping[str, Any]:
    try:
        found = _parse(call).fields[0].arguments.get("input")
    except (QueryError, IndexError):
        return {}
    return found if isinstance(found, dict) else {}
