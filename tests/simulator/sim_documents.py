"""Runpod's own documents, where they are at hand, and whether a value fits one of their schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

_SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs"
V1, V2 = "runpod-rest-v1.openapi.json", "runpod-rest-v2.openapi.json"
only_with_documents = pytest.mark.skipif(not _SPECS.is_dir(), reason="Runpod's documents are not here")


@cache
def document(name: str) -> Any:
    """A document, with the `nullable` of v1's older OpenAPI said in JSON Schema's own way."""
    return _with_nulls(json.loads((_SPECS / name).read_text("utf-8")))


def _with_nulls(part: Any) -> Any:
    if isinstance(part, list):
        return [_with_nulls(each) for each in part]
    if not isinstance(part, dict):
        return part
    part = {name: _with_nulls(value) for name, value in part.items()}
    if part.get("nullable") is True and isinstance(part.get("type"), str):
        part["type"] = [part["type"], "null"]
    return part


def fits(name: str, schema: str | Mapping[str, Any], value: object) -> None:
    """Fail unless a value fits a schema of a document, named or given whole."""
    chosen = {"$ref": f"#/components/schemas/{schema}"} if isinstance(schema, str) else schema
    whole = {**chosen, "components": document(name)["components"]}
    jsonschema.Draft202012Validator(whole).validate(value)


def operations() -> Iterator[tuple[str, str, Any]]:
    """Every operation of both documents as `GET /v2/pods/{id}`, its document, and what that says of it."""
    for name, root in ((V2, ""), (V1, "/v1")) if _SPECS.is_dir() else ():
        for path, item in document(name)["paths"].items():
            for method in ("get", "post", "put", "patch", "delete"):
                if method in item:
                    yield f"{method.upper()} {root}{path}", name, item[method]
