"""How v2 reads a body: strict JSON, every violation named at once."""

from __future__ import annotations

from typing import Any

from runpod_mcp.simulator.bodies import Schema, violations
from runpod_mcp.simulator.calls import Call
from runpod_mcp.simulator.refusals import Reason, Refusal


def read_body(call: Call, schema: Schema) -> dict[str, Any]:
    """The body of a call; 400 when it is no JSON, 422 with every field that the schema does not allow."""
    try:
        body = call.json()
    except ValueError:
        raise Refusal(Reason.RULE, "request body is not valid JSON") from None
    errors = violations(body, schema)
    if errors:
        raise Refusal(Reason.INVALID, errors=errors)
    return dict(body)
