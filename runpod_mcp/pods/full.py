"""Everything Runpod tells of a pod, except the values of env variables and what looks like a secret in its command."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from runpod_mcp.clock import iso
from runpod_mcp.money import as_dollars
from runpod_mcp.pods.blotted import blotted_words
from runpod_mcp.pods.pod import Pod
from runpod_mcp.pods.words import clean

LONGEST_TEXT = 300
LONGEST_LIST = 50
_COMMANDS = ("entrypoint", "start_command")


def everything(pod: Pod) -> dict[str, Any]:
    """A pod's fields that are known, as JSON; prices in US dollars per hour, text from outside cleaned and cut."""
    shown = {item.name: _json(item.name, getattr(pod, item.name)) for item in fields(pod)}
    return {name: value for name, value in shown.items() if value is not None and value != []}


def _json(name: str, value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int) and "usd" in name:
        return as_dollars(value)  # type: ignore[arg-type]
    if isinstance(value, str):
        return clean(value, LONGEST_TEXT)
    if isinstance(value, datetime):
        return iso(value)
    if name in _COMMANDS:
        return [clean(word, LONGEST_TEXT) for word in blotted_words(value[:LONGEST_LIST])]
    if isinstance(value, tuple):
        return [_json(name, item) for item in value[:LONGEST_LIST]]
    if is_dataclass(value):
        inner = {
            item.name: _json(_money_name(name, item.name), getattr(value, item.name))
            for item in fields(value)
        }
        return {key: shown for key, shown in inner.items() if shown is not None}
    return value


def _money_name(parent: str, name: str) -> str:
    """The prices inside `gpu_prices` are money though their names do not say so."""
    return f"usd_{name}" if parent == "gpu_prices" else name
