"""Requests held against Runpod's own documents: paths, query, bodies."""

from __future__ import annotations

import copy
import json
from functools import cache

import httpx2
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest
from runpod_documents import V2_DOCUMENT, document

NEWER_IN_BODY = {"cmd", "entrypoint"}
NEWER_IN_GPU = {"minRamPerGpu", "minVcpuCountPerGpu"}
"""In v2 since September 2026; the August document would refuse them."""


@cache
def rules(name: str) -> OpenAPI:
    if name == V2_DOCUMENT:
        return OpenAPI.from_dict(document(name), config=Config(spec_validator_cls=None))
    strict = Config(spec_validator_cls=None, additional_properties_default_policy="forbid")
    whole = copy.deepcopy(document(name))
    for schema in whole["components"]["schemas"].values():
        for part in [schema, *schema.get("allOf", [])]:
            env, ports = (part.get("properties", {}).get(name, {}) for name in ("env", "ports"))
            if "items" in env:
                # v1 writes a map of strings as an object with `items`, which says nothing about its values.
                env["additionalProperties"] = env.pop("items")
            # Its default for the list of ports is one string, which its own schema refuses.
            ports.pop("default", None)
            ports.get("items", {}).pop("default", None)
    return OpenAPI.from_dict(whole, config=strict)


def as_the_august_document_knows_it(body: bytes) -> bytes:
    """A v2 body without the four fields that came later."""
    if not body:
        return body
    found = {key: value for key, value in json.loads(body).items() if key not in NEWER_IN_BODY}
    if "gpu" in found:
        found["gpu"] = {key: value for key, value in found["gpu"].items() if key not in NEWER_IN_GPU}
    return json.dumps(found).encode()


def check(name: str, request: httpx2.Request) -> None:
    """Hold one request against a document; query parameters it does not name are refused here."""
    body = as_the_august_document_knows_it(request.content) if name == V2_DOCUMENT else request.content
    root = "/v1" if name != V2_DOCUMENT else ""
    found = rules(name).unmarshal_request(
        MockRequest(
            f"https://{request.url.host}",
            request.method,
            request.url.raw_path.decode().partition("?")[0],
            args=dict(request.url.params.multi_items()),
            headers={"Authorization": request.headers["authorization"]},
            data=body or None,
            content_type="application/json" if body else "",
        )
    )
    found.raise_for_errors()
    path = request.url.raw_path.decode().partition("?")[0].removeprefix(root)
    known = known_parameters(name, path, request.method.lower())
    assert set(request.url.params) <= known, f"{request.url}: the document names only {sorted(known)}"


def known_parameters(name: str, path: str, method: str) -> set[str]:
    whole = document(name)
    found: set[str] = set()
    for template, item in whole["paths"].items():
        parts = zip(template.split("/"), path.split("/"), strict=False)
        if template.count("/") == path.count("/") and all(a == b or a.startswith("{") for a, b in parts):
            for one in item.get(method, {}).get("parameters", []):
                if "$ref" in one:
                    one = whole["components"]["parameters"][one["$ref"].rpartition("/")[2]]
                if one["in"] == "query":
                    found.add(one["name"])
    return found
