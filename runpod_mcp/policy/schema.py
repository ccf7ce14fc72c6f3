"""The policy file as a JSON Schema, for editors: made from the model that reads it, in the words people write. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runpod_mcp.policy.document import Policy

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The edition that editors of TOML read."""

NOT_IN_THE_SCHEMA = (
    "lease.default_hours may not be above lease.max_hours",
    "a number may not be nan or inf, which TOML has and JSON has not",
    "a whole number may not be written with a point (2.0)",
)
"""What the reader refuses although the schema lets it through, each because JSON Schema cannot say it."""


def policy_schema() -> dict[str, Any]:
    """The schema of a policy file, as JSON."""
    whole = Policy.model_json_schema()
    tables = whole.pop("$defs")
    del whole["properties"]["origin"]
    return {
        "$schema": DRAFT,
        "title": "Policy of runpod-mcp",
        "description": "What an agent may rent and spend. A key that is left out is no limit.",
        **_plain(
            {name: part for name, part in whole.items() if name not in ("title", "description")}, tables
        ),
    }


def _plain(part: Any, tables: Mapping[str, Any]) -> Any:
    """Tables in their places, no null (TOML has none), and none of pydantic's own titles."""
    if isinstance(part, list):
        return [_plain(one, tables) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        table = tables[part["$ref"].rpartition("/")[2]]
        return _plain({**table, **{name: one for name, one in part.items() if name != "$ref"}}, tables)
    if "anyOf" in part:
        (kind,) = (one for one in part["anyOf"] if one != {"type": "null"})
        rest = {name: one for name, one in part.items() if name not in ("anyOf", "default")}
        return _plain({**kind, **rest}, tables)
    return {
        name: _plain(one, tables)
        for name, one in part.items()
        if name != "title" and not (name == "default" and isinstance(one, dict))
    }
