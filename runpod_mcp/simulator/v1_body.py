"""How v1 reads a body: loose about names it does not know, 400 for a value its document does not allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from runpod_mcp.simulator.bodies import Schema, violations
from runpod_mcp.simulator.calls import Call
from runpod_mcp.simulator.refusals import Reason, Refusal

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
FLAG: Schema = {"type": "boolean"}
ENV: Schema = {"type": "object", "additional": TEXT}
_LONGEST_NAME = 191


def read_json(call: Call) -> Any:
    """The body as JSON, refused with 400 when it is none."""
    try:
        return call.json()
    except ValueError:
        raise Refusal(Reason.RULE, "request body is not valid JSON") from None


def read_body(call: Call, schema: Mapping[str, Schema], required: Sequence[str] = ()) -> dict[str, Any]:
    """The known fields of a body that are not null; 400 when one is missing or of the wrong kind."""
    body = read_json(call)
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name in schema and value is not None}
    errors = violations(body, {"type": "object", "required": required, "properties": schema})
    if isinstance(body, dict) and len(str(body.get("name", ""))) > _LONGEST_NAME:
        errors.append(f"$.name: maxLength: want at most {_LONGEST_NAME}")
    if errors:
        raise Refusal(Reason.INVALID, errors=errors)
    return dict(body)
