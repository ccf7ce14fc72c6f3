"""What a tool answers: short text, and the same facts as structure."""

from __future__ import annotations

from typing import Any

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ConfigDict

from runpod_mcp.errors import Failure, Retry
from runpod_mcp.money import show_dollars


class Reply(BaseModel):
    """An object whose fields are published and checked; what does not apply is left out."""

    model_config = ConfigDict(extra="forbid")


class PodFacts(Reply):
    """A pod."""

    podId: str
    name: str | None = None
    status: str
    gpuTypeId: str | None = None
    gpuCount: int | None = None
    cpuFlavorId: str | None = None
    vcpuCount: float | None = None
    cloudType: str | None = None
    dataCenterId: str | None = None
    image: str | None = None
    usdPerHour: float | None = None
    leaseEndsAt: str | None = None
    usdLeftOnLease: float | None = None
    managed: bool
    ssh: str | None = None
    http: list[str] | None = None
    envNames: list[str] | None = None
    warnings: list[str] | None = None


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


def _words(failure: Failure) -> str:
    parts = [f"{failure.code.value}: {failure.message}"]
    if failure.alternatives:
        parts.append(f"Would pass: {'; '.join(_alternative(one) for one in failure.alternatives)}.")
    parts.append(_RETRY[failure.retry])
    return " ".join(parts)


def _alternative(one: Any) -> str:
    if not isinstance(one, dict):
        return str(one)
    price = f" ({show_dollars(one['usdPerHour'])}/h)" if "usdPerHour" in one else ""
    return ", ".join(f"{name} {_value(value)}" for name, value in one.items() if name != "usdPerHour") + price


def _value(value: Any) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
