"""Every tool of every toolset called against Prism, in an order in which each can be: what it must send, how it may end.

Prism forgets: what was changed looks unchanged when it is looked at again, so our confirmations fail there, in words of
ours. Its example of a new endpoint can cost more than was asked for, so ours is ended at once. What is not sent for
such reasons is sent by the layer below (`BELOW`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from front_door import IMAGE, RTX_4090

from runpod_mcp.runpod.api import RunpodApi
from runpod_mcp.runpod.endpoints import EndpointChange, EndpointOrder
from runpod_mcp.runpod.volumes import VolumeChange, VolumeOrder

OF_THE_JOB_HOST = ("run_endpoint_job", "get_job", "cancel_job", "purge_endpoint_queue", "get_endpoint_health")
"""Tools for the jobs of endpoints, which neither document describes."""


@dataclass(frozen=True)
class Step:
    """A call: what it sends by dialect (nothing where the dialect is not named), and the codes it may end with."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    v2: str | None = None
    v1: str | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    keeps: str | None = None
    """Under which name later steps find the id of what was made."""

    def sends(self, dialect: str) -> str | None:
        return self.v2 if dialect == "v2" else self.v1


def either(code: str) -> dict[str, str]:
    """The same code in both dialects."""
    return dict.fromkeys(("v2", "v1"), code)


POD, VOLUME, TEMPLATE, REGISTRY = "<pod>", "<volume>", "<template>", "<registry>"
STILL_THERE, STILL_THE_SAME = either("runpod_unavailable"), either("outcome_unknown")
NOT_OURS = {"v1": "not_managed"}
NO_LOGS = {"v1": "invalid_request"}
WIDE = {
    "name": "everything",
    "imageName": IMAGE,
    "gpuTypeIds": [RTX_4090],
    "gpuCount": 1,
    "env": {"MODE": "train"},
    "ports": ["8888/http", "22/tcp"],
    "containerDiskInGb": 60,
    "volumeInGb": 30,
    "volumeMountPath": "/workspace",
    "leaseHours": 2,
}

PODS = [
    Step("list_gpu_types", {"allowedOnly": False}, v2="GET /v2/catalog/gpus"),
    Step("list_data_centers"),
    Step("list_pods", {}, "GET /v2/pods", "GET /pods"),
    Step("get_budget"),
    Step("create_pod", WIDE, "POST /v2/pods", "POST /pods", keeps=POD),
    Step("get_pod", {"podId": POD, "detail": "full"}, "GET /v2/pods/{id}", "GET /pods/{id}"),
    Step("wait_for_pod", {"podId": POD, "timeoutSeconds": 5}, "GET /v2/pods/{id}", "GET /pods/{id}"),
    Step("get_pod_logs", {"podId": POD, "tail": 5}, "GET /v2/pods/{id}/logs", codes=NO_LOGS),
    Step(
        "update_pod",
        {"podId": POD, "name": "other"},
        "PATCH /v2/pods/{id}",
        "PATCH /pods/{id}",
        STILL_THE_SAME,
    ),
    Step(
        "restart_pod",
        {"podId": POD},
        "POST /v2/pods/{id}/action",
        "POST /pods/{id}/restart",
        {"v1": "invalid_request"},
    ),
    Step("extend_lease", {"podId": POD, "leaseHours": 3}),
    Step("stop_pod", {"podId": POD}, "POST /v2/pods/{id}/action", "POST /pods/{id}/stop", STILL_THERE),
    Step("start_pod", {"podId": POD}, "GET /v2/pods/{id}", "GET /pods/{id}", either("conflict")),
    Step("delete_pod", {"podId": POD}, "DELETE /v2/pods/{id}", "DELETE /pods/{id}", STILL_THERE),
]
SHELVES = [
    Step("list_network_volumes", {}, "GET /v2/network-volumes", "GET /networkvolumes"),
    Step(
        "get_network_volume",
        {"networkVolumeId": "abc"},
        "GET /v2/network-volumes/{id}",
        "GET /networkvolumes/{id}",
    ),
    Step(
        "create_network_volume",
        {"name": "v", "sizeGb": 20, "dataCenterId": "EU-RO-1"},
        "POST /v2/network-volumes",
        codes={"v1": "price_unknown"},
        keeps=VOLUME,
    ),
    Step(
        "update_network_volume",
        {"networkVolumeId": VOLUME, "name": "w"},
        "PATCH /v2/network-volumes/{id}",
        codes=STILL_THE_SAME | NOT_OURS,
    ),
    Step(
        "delete_network_volume",
        {"networkVolumeId": VOLUME},
        "DELETE /v2/network-volumes/{id}",
        codes=STILL_THERE | NOT_OURS,
    ),
    Step("list_templates", {}, "GET /v2/templates", "GET /templates"),
    Step("list_templates", {"public": True}, "GET /v2/catalog/templates", "GET /templates"),
    Step("get_template", {"templateId": "abc"}, "GET /v2/templates/{id}", "GET /templates/{id}"),
    Step(
        "create_template",
        {"name": "t", "imageName": IMAGE},
        "POST /v2/templates",
        "POST /templates",
        keeps=TEMPLATE,
    ),
    Step(
        "update_template",
        {"templateId": TEMPLATE, "name": "u"},
        "PATCH /v2/templates/{id}",
        "PATCH /templates/{id}",
        STILL_THE_SAME,
    ),
    Step(
        "delete_template",
        {"templateId": TEMPLATE},
        "DELETE /v2/templates/{id}",
        "DELETE /templates/{id}",
        STILL_THERE,
    ),
    Step("list_registries", {}, "GET /v2/registries", "GET /containerregistryauth"),
    Step(
        "create_registry",
        {"name": "r", "username": "u", "password": "secret-word"},
        "POST /v2/registries",
        "POST /containerregistryauth",
        keeps=REGISTRY,
    ),
    Step(
        "delete_registry",
        {"containerRegistryAuthId": REGISTRY},
        "DELETE /v2/registries/{id}",
        "DELETE /containerregistryauth/{id}",
        STILL_THERE,
    ),
    Step("get_spending", {"by": "pod"}, "GET /v2/billing/pods", "GET /billing/pods"),
    Step("get_spending", {"by": "gpu_type"}, "GET /v2/billing/pods", "GET /billing/pods"),
    Step("get_spending", {"by": "endpoint"}, "GET /v2/billing/serverless", "GET /billing/endpoints"),
    Step(
        "get_spending",
        {"by": "network_volume"},
        "GET /v2/billing/network-volumes",
        "GET /billing/networkvolumes",
    ),
]
ENDPOINTS = [
    Step("list_endpoints", {}, "GET /v2/serverless", "GET /endpoints"),
    Step("get_endpoint", {"endpointId": "abc"}, "GET /v2/serverless/{id}", "GET /endpoints/{id}"),
    Step(
        "create_endpoint",
        {"name": "e", "workersMax": 1, "imageName": IMAGE, "gpuTypeIds": [RTX_4090]},
        "POST /v2/serverless",
        codes={"v2": "price_above_quote", "v1": "price_unknown"},
    ),
    Step(
        "update_endpoint",
        {"endpointId": "abc", "idleTimeout": 7},
        "GET /v2/serverless/{id}",
        "GET /endpoints/{id}",
        either("not_managed"),
    ),
    Step(
        "list_endpoint_workers",
        {"endpointId": "abc"},
        "GET /v2/serverless/{id}/workers",
        "GET /endpoints/{id}",
    ),
    Step(
        "get_endpoint_logs",
        {"endpointId": "abc", "workerId": "w1"},
        "GET /v2/serverless/{id}/workers/{id}/logs",
        codes=NO_LOGS,
    ),
    Step(
        "delete_endpoint",
        {"endpointId": "abc"},
        "GET /v2/serverless/{id}",
        "GET /endpoints/{id}",
        either("not_managed"),
    ),
]
STORIES = {"pods": PODS, "shelves": SHELVES, "endpoints": ENDPOINTS}

NO_GOOD_ANSWER = {"POST /pods/{id}/restart"}
"""v1 describes no answer to this but refusals, so Prism refuses what it finds nothing wrong with."""

POD_OF_ONE = {"gpuTypeIds": [RTX_4090], "imageName": IMAGE}
PLAIN_TEMPLATE = {"name": "t", "imageName": IMAGE}
NEWER: list[tuple[str, str, dict[str, Any]]] = [
    ("entrypoint", "create_pod", {**POD_OF_ONE, "dockerEntrypoint": ["bash"]}),
    ("cmd", "create_pod", {**POD_OF_ONE, "dockerStartCmd": ["sleep", "60"]}),
    ("minRamPerGpu", "create_pod", {**POD_OF_ONE, "minRAMPerGPU": 16}),
    ("minVcpuCountPerGpu", "create_pod", {**POD_OF_ONE, "minVCPUPerGPU": 4}),
    ("entrypoint", "create_template", {**PLAIN_TEMPLATE, "dockerEntrypoint": ["bash"]}),
    ("cmd", "create_template", {**PLAIN_TEMPLATE, "dockerStartCmd": ["sleep", "60"]}),
]
"""What v2 takes since September 2026 and its August document refuses, and a call that sends it."""

ORDER = EndpointOrder(name="e", workers_max=1, template_id="t", gpu_type_ids=(RTX_4090,))

BELOW: dict[str, tuple[Callable[[RunpodApi], Awaitable[Any]], str, str]] = {
    "start a pod": (lambda api: api.start_pod("abc"), "POST /v2/pods/{id}/action", "POST /pods/{id}/start"),
    "reset a pod": (lambda api: api.reset_pod("abc"), "", "POST /pods/{id}/reset"),
    "make a volume": (
        lambda api: api.resources.volumes.create(VolumeOrder(name="v", size_gb=20, data_center_id="EU-RO-1")),
        "POST /v2/network-volumes",
        "POST /networkvolumes",
    ),
    "grow a volume": (
        lambda api: api.resources.volumes.update("abc", VolumeChange(size_gb=60)),
        "PATCH /v2/network-volumes/{id}",
        "PATCH /networkvolumes/{id}",
    ),
    "delete a volume": (
        lambda api: api.resources.volumes.delete("abc"),
        "DELETE /v2/network-volumes/{id}",
        "DELETE /networkvolumes/{id}",
    ),
    "look at a credential": (
        lambda api: api.resources.registries.get("abc"),
        "GET /v2/registries/{id}",
        "GET /containerregistryauth/{id}",
    ),
    "make an endpoint": (
        lambda api: api.resources.endpoints.create(ORDER),
        "POST /v2/serverless",
        "POST /endpoints",
    ),
    "change an endpoint": (
        lambda api: api.resources.endpoints.update(
            "abc", EndpointChange(idle_timeout_seconds=7, workers_max=2)
        ),
        "PATCH /v2/serverless/{id}",
        "PATCH /endpoints/{id}",
    ),
    "delete an endpoint": (
        lambda api: api.resources.endpoints.delete("abc"),
        "DELETE /v2/serverless/{id}",
        "DELETE /endpoints/{id}",
    ),
    "look at an endpoint's releases": (
        lambda api: api.resources.endpoints.releases("abc"),
        "GET /v2/serverless/{id}/releases",
        "",
    ),
}
"""Calls of the layer below the tools that no step reaches here, and what each sends by dialect."""
