"""What a tool answers: short text, and the same facts as structure."""

from __future__ import annotations

from typing import Any

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ConfigDict

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.money import show_dollars


class Reply(BaseModel):
    """An object whose fields are published and checked; what does not apply is left out."""

    model_config = ConfigDict(extra="forbid")


def said(text: str, facts: dict[str, Any]) -> CallToolResult:
    """A reply: text for clients that show text, the same facts for those that show structure."""
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=facts)


def failed(failure: Failure) -> CallToolResult:
    """A refusal or failure: one or two sentences, then what can be done, and the same as structure."""
    facts = failure.as_structure()
    return CallToolResult(
        content=[TextContent(type="text", text=_words(failure))], structured_content=facts, is_error=True
    )


_RETRY = {
    Retry.NEVER: "Do not repeat the call.",
    Retry.CHANGED: "Call again only with changes.",
    Retry.LATER: "The same call may pass later.",
}
_A_PERSON_MUST_ACT = {
    Code.UNAUTHORIZED,
    Code.RUNPOD_UNAVAILABLE,
    Code.LEDGER_UNAVAILABLE,
    Code.POLICY_BROKEN,
    Code.SETTINGS_BROKEN,
    Code.INTERNAL_ERROR,
}
_CAN_BE_SEEN = {
    Code.DATA_CENTER_NOT_ALLOWED: "list_data_centers shows what is allowed.",
    Code.PRICE_UNKNOWN: "list_gpu_types shows what has a price.",
    Code.CLOUD_NOT_ALLOWED: "list_gpu_types shows what is allowed.",
}


def _words(failure: Failure) -> str:
    """What happened, what would pass instead, and whether to call again."""
    return " ".join(
        part
        for part in (
            f"{failure.code.value}: {failure.message}",
            _instead(failure),
            _CAN_BE_SEEN.get(failure.code, ""),
            _next(failure),
        )
        if part
    )


def _instead(failure: Failure) -> str:
    if failure.alternatives:
        return f"Would pass: {'; '.join(_alternative(one) for one in failure.alternatives)}."
    if isinstance(failure.limit, str) and failure.limit not in failure.message:
        return f"Allowed: {failure.limit}."
    return ""


def _next(failure: Failure) -> str:
    if failure.retry is Retry.NEVER and failure.code in _A_PERSON_MUST_ACT:
        return "Do not repeat the call; tell the person."
    if failure.retry is Retry.CHANGED and failure.used:
        return "Call again with changes, or once delete_pod has made room."
    return _RETRY[failure.retry]


def _alternative(one: Any) -> str:
    if not isinstance(one, dict):
        return str(one)
    price = f" ({show_dollars(one['usdPerHour'])}/h)" if "usdPerHour" in one else ""
    return ", ".join(f"{name} {_value(value)}" for name, value in one.items() if name != "usdPerHour") + price


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value) or "[]"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)  # all its digits, for they are a limit
    return str(value).lower() if isinstance(value, bool) else str(value)
