"""Every operation of Runpod's two documents, and the method of `RunpodApi` that calls it, or why nothing does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LeftOut:
    """An operation that no method calls, and why."""

    why: str


_TWIN = LeftOut("v1 has it under PATCH as well, which is called instead")
_CLUSTERS = LeftOut("a cluster is many machines at once; its price and lease have no place in the policy")
_DELEGATIONS = LeftOut("it gives an AWS role of the person's away; no rule of the policy can judge that")
_SSH_KEYS = LeftOut(
    "the account's keys open every pod; PUT replaces them all, and pods get PUBLIC_KEY in env"
)
_ONE_OF_THE_CATALOG = LeftOut("the list holds the same facts, and one list is read for all")

V2 = {
    "GET /v2/account/ssh-keys": _SSH_KEYS,
    "PUT /v2/account/ssh-keys": _SSH_KEYS,
    "GET /v2/pods": "list_pods",
    "POST /v2/pods": "create_pod",
    "GET /v2/pods/{id}": "get_pod",
    "PATCH /v2/pods/{id}": "update_pod",
    "DELETE /v2/pods/{id}": "delete_pod",
    "GET /v2/pods/{id}/logs": "read_logs",
    "POST /v2/pods/{id}/action": "stop_pod",
    "GET /v2/clusters": _CLUSTERS,
    "POST /v2/clusters": _CLUSTERS,
    "GET /v2/clusters/{id}": _CLUSTERS,
    "PATCH /v2/clusters/{id}": _CLUSTERS,
    "DELETE /v2/clusters/{id}": _CLUSTERS,
    "GET /v2/clusters/{id}/pods": _CLUSTERS,
    "GET /v2/serverless": "resources.endpoints.list_all",
    "POST /v2/serverless": "resources.endpoints.create",
    "GET /v2/serverless/{id}": "resources.endpoints.get",
    "PATCH /v2/serverless/{id}": "resources.endpoints.update",
    "DELETE /v2/serverless/{id}": "resources.endpoints.delete",
    "GET /v2/serverless/{id}/workers": "resources.endpoints.workers",
    "GET /v2/serverless/{id}/releases": "resources.endpoints.releases",
    "GET /v2/serverless/{id}/workers/{workerId}/logs": "resources.endpoints.worker_logs",
    "GET /v2/templates": "resources.templates.list_all",
    "POST /v2/templates": "resources.templates.create",
    "GET /v2/templates/{id}": "resources.templates.get",
    "PATCH /v2/templates/{id}": "resources.templates.update",
    "DELETE /v2/templates/{id}": "resources.templates.delete",
    "GET /v2/network-volumes": "resources.volumes.list_all",
    "POST /v2/network-volumes": "resources.volumes.create",
    "GET /v2/network-volumes/{id}": "resources.volumes.get",
    "PATCH /v2/network-volumes/{id}": "resources.volumes.update",
    "DELETE /v2/network-volumes/{id}": "resources.volumes.delete",
    "GET /v2/registries": "resources.registries.list_all",
    "POST /v2/registries": "resources.registries.create",
    "GET /v2/registries/{id}": "resources.registries.get",
    "DELETE /v2/registries/{id}": "resources.registries.delete",
    "GET /v2/registries/delegations": _DELEGATIONS,
    "POST /v2/registries/delegations": _DELEGATIONS,
    "DELETE /v2/registries/delegations/{id}": _DELEGATIONS,
    "GET /v2/catalog/gpus": "read_catalog",
    "GET /v2/catalog/gpus/{id}": _ONE_OF_THE_CATALOG,
    "GET /v2/catalog/cpus": "read_catalog",
    "GET /v2/catalog/cpus/{id}": _ONE_OF_THE_CATALOG,
    "GET /v2/catalog/datacenters": "read_catalog",
    "GET /v2/catalog/datacenters/{id}": _ONE_OF_THE_CATALOG,
    "GET /v2/catalog/templates": "resources.templates.list_public",
    "GET /v2/billing": "resources.billing.read",
    "GET /v2/billing/pods": "resources.billing.read",
    "GET /v2/billing/serverless": "resources.billing.read",
    "GET /v2/billing/endpoints": "resources.billing.read",
    "GET /v2/billing/network-volumes": "resources.billing.read",
    "GET /v2/billing/clusters": "resources.billing.read",
}

V1 = {
    "GET /openapi.json": LeftOut("the document itself"),
    "GET /docs": LeftOut("the document as a page"),
    "POST /pods": "create_pod",
    "GET /pods": "list_pods",
    "GET /pods/{podId}": "get_pod",
    "PATCH /pods/{podId}": "update_pod",
    "DELETE /pods/{podId}": "delete_pod",
    "POST /pods/{podId}/update": _TWIN,
    "POST /pods/{podId}/start": "start_pod",
    "POST /pods/{podId}/stop": "stop_pod",
    "POST /pods/{podId}/reset": "reset_pod",
    "POST /pods/{podId}/restart": "restart_pod",
    "POST /endpoints": "resources.endpoints.create",
    "GET /endpoints": "resources.endpoints.list_all",
    "GET /endpoints/{endpointId}": "resources.endpoints.get",
    "PATCH /endpoints/{endpointId}": "resources.endpoints.update",
    "DELETE /endpoints/{endpointId}": "resources.endpoints.delete",
    "POST /endpoints/{endpointId}/update": _TWIN,
    "POST /templates": "resources.templates.create",
    "GET /templates": "resources.templates.list_all",
    "GET /templates/{templateId}": "resources.templates.get",
    "PATCH /templates/{templateId}": "resources.templates.update",
    "DELETE /templates/{templateId}": "resources.templates.delete",
    "POST /templates/{templateId}/update": _TWIN,
    "POST /networkvolumes": "resources.volumes.create",
    "GET /networkvolumes": "resources.volumes.list_all",
    "GET /networkvolumes/{networkVolumeId}": "resources.volumes.get",
    "PATCH /networkvolumes/{networkVolumeId}": "resources.volumes.update",
    "DELETE /networkvolumes/{networkVolumeId}": "resources.volumes.delete",
    "POST /networkvolumes/{networkVolumeId}/update": _TWIN,
    "POST /containerregistryauth": "resources.registries.create",
    "GET /containerregistryauth": "resources.registries.list_all",
    "GET /containerregistryauth/{containerRegistryAuthId}": "resources.registries.get",
    "DELETE /containerregistryauth/{containerRegistryAuthId}": "resources.registries.delete",
    "GET /billing/pods": "resources.billing.read",
    "GET /billing/endpoints": "resources.billing.read",
    "GET /billing/networkvolumes": "resources.billing.read",
}

OPERATIONS: dict[tuple[str, str], str | LeftOut] = {
    **{("v2", operation): what for operation, what in V2.items()},
    **{("v1", operation): what for operation, what in V1.items()},
}
"""(dialect, `METHOD path` as the document writes it) to a method's dotted name below the API, or a reason."""
