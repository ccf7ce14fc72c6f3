"""Runpod's API documents, where the checkout has them beside it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

SPECS = Path(__file__).resolve().parents[3] / "shared" / "specs"

needs_documents = pytest.mark.skipif(not SPECS.is_dir(), reason="Runpod's API documents are not here")


@cache
def document(name: str) -> dict[str, Any]:
    """One document, parsed; empty where the documents are absent, so that parametrize finds nothing."""
    path = SPECS / name
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8")
    parsed: dict[str, Any] = json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
    return parsed


CREATE_POD = "create-pod.openapi.yaml"
V1_DOCUMENT = "runpod-rest-v1.openapi.json"
V2_DOCUMENT = "runpod-rest-v2.openapi.json"


def resolve(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with its reference followed and its `allOf` laid into one; enough for walking properties."""
    if "$ref" in schema:
        target: Any = document(name)
        for key in schema["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        return resolve(name, target)
    merged: dict[str, Any] = {**schema, "properties": dict(schema.get("properties", {}))}
    for part in [*schema.get("allOf", []), *schema.get("anyOf", [])]:
        found = resolve(name, part)
        merged["properties"] |= found["properties"]
        merged.setdefault("type", found.get("type"))
        if "items" in found:
            merged.setdefault("items", found["items"])
        if "enum" in found:
            merged.setdefault("enum", found["enum"])
    return merged


def leaves(
    name: str, schema: dict[str, Any], path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every property of a schema that holds no properties itself, as its path and its schema; `*` is a list's item."""
    found: list[tuple[tuple[str, ...], dict[str, Any]]] = []
    whole = resolve(name, schema)
    if whole["properties"]:
        for key, part in whole["properties"].items():
            found += leaves(name, part, (*path, key))
    elif whole.get("type") == "array" and resolve(name, whole.get("items", {}))["properties"]:
        found += leaves(name, whole["items"], (*path, "*"))
    else:
        found.append((path, whole))
    return found
