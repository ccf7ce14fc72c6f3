"""Every operation of both documents is called by the method that the table names, as the document wants it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import httpx2
import pytest
from operations_table import OPERATIONS, LeftOut
from pydantic import SecretStr
from runpod_documents import V1_DOCUMENT, V2_DOCUMENT, document, needs_documents
from runpod_helpers import V1, V2, FakeRunpod, api, order_of
from runpod_rules import check

from runpod_mcp.pods.update_input import PodUpdate
from runpod_mcp.runpod.api import PodChange
from runpod_mcp.runpod.billing import BillingQuestion
from runpod_mcp.runpod.endpoints import EndpointChange, EndpointOrder
from runpod_mcp.runpod.registries import RegistryOrder
from runpod_mcp.runpod.templates import TemplateChange, TemplateOrder
from runpod_mcp.runpod.v1_pod import read_pod
from runpod_mcp.runpod.volumes import VolumeChange, VolumeOrder

pytestmark = needs_documents

DOCUMENTS = {"v2": V2_DOCUMENT, "v1": V1_DOCUMENT}
URLS = {"v2": V2, "v1": V1}
LEFT_OUT = {key: what for key, what in OPERATIONS.items() if isinstance(what, LeftOut)}
CALLED = {key: what for key, what in OPERATIONS.items() if isinstance(what, str)}
METHODS = {"get", "post", "put", "patch", "delete"}

POD = read_pod({"id": "abc", "desiredStatus": "RUNNING"})
ORDERED = EndpointOrder(name="e", template_id="t", gpu_type_ids=("NVIDIA L4",), workers_max=1)
ARGUMENTS: dict[str, Sequence[Any]] = {
    "list_pods": (),
    "create_pod": (order_of(),),
    "update_pod": (PodChange(update=PodUpdate(name="new"), pod=POD),) if POD else (),
    "resources.volumes.create": (VolumeOrder(name="v", size_gb=10, data_center_id="EU-RO-1"),),
    "resources.volumes.update": ("abc", VolumeChange(size_gb=20)),
    "resources.templates.create": (TemplateOrder(name="t", image="i"),),
    "resources.templates.update": ("abc", TemplateChange(name="t")),
    "resources.templates.list_public": ("official",),
    "resources.registries.create": (
        RegistryOrder(name="r", username=SecretStr("u"), password=SecretStr("p")),
    ),
    "resources.endpoints.create": (ORDERED,),
    "resources.endpoints.update": ("abc", EndpointChange(workers_max=2)),
    "resources.endpoints.worker_logs": ("abc", "worker"),
}
SUBJECTS = {
    "": "everything",
    "/pods": "pods",
    "/serverless": "serverless",
    "/endpoints": "public_endpoints",
    "/network-volumes": "network_volumes",
    "/networkvolumes": "network_volumes",
    "/clusters": "clusters",
}


def operations(dialect: str) -> set[str]:
    paths = document(DOCUMENTS[dialect])["paths"]
    return {f"{verb.upper()} {path}" for path, item in paths.items() for verb in item if verb in METHODS}


def arguments(dialect: str, operation: str, method: str) -> tuple[Sequence[Any], dict[str, Any]]:
    if method == "read_catalog":
        return (), {"cloud": "SECURE", "gpu_count": 1}
    if method == "resources.billing.read":
        subject: Any = SUBJECTS[operation.partition("/billing")[2]]
        v1_endpoints = dialect == "v1" and subject == "public_endpoints"
        return (BillingQuestion(subject="serverless" if v1_endpoints else subject),), {}
    if method.endswith("list_all"):
        return (), {}
    return ARGUMENTS.get(method, ("abc",)), {}


def anything(request: httpx2.Request) -> httpx2.Response:
    """A good answer to every question."""
    path = request.url.path
    if path.endswith("/logs"):
        return httpx2.Response(200, headers={"Content-Type": "text/event-stream"}, content=b"")
    if request.method == "GET" and re.fullmatch(r"/v1/([a-z]+|billing/[a-z]+)", path):
        return httpx2.Response(200, json=[])
    lists = ["pods", "cpus", "dataCenters", "templates", "networkVolumes", "registries", "endpoints"]
    more = ["workers", "releases", "records"]
    gpus = [{"id": "NVIDIA L4", "pool": "ADA_24"}]
    return httpx2.Response(200, json={"id": "abc", "gpus": gpus, **{name: [] for name in lists + more}})


def matches(operation: str, request: httpx2.Request, dialect: str) -> bool:
    verb, _, template = operation.partition(" ")
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
    path = request.url.path if dialect == "v2" else request.url.path.removeprefix("/v1")
    return verb == request.method and re.fullmatch(pattern, path) is not None


@pytest.mark.parametrize("dialect", ["v2", "v1"])
def test_the_table_names_every_operation_of_the_document_and_no_other(dialect: str) -> None:
    assert {operation for of, operation in OPERATIONS if of == dialect} == operations(dialect)


@pytest.mark.parametrize(("dialect", "operation"), CALLED)
async def test_the_method_of_the_table_calls_the_operation(dialect: str, operation: str) -> None:
    method = CALLED[dialect, operation]
    fake = FakeRunpod(anything)
    positional, named = arguments(dialect, operation, method)
    await attrgetter(method)(api(fake, URLS[dialect]))(*positional, **named)
    assert any(matches(operation, request, dialect) for request in fake.requests), fake.calls
    for request in fake.requests:
        check(DOCUMENTS[dialect], request)


@pytest.mark.parametrize("key", LEFT_OUT)
def test_an_operation_that_is_left_out_has_a_reason(key: tuple[str, str]) -> None:
    assert len(LEFT_OUT[key].why) > 15
