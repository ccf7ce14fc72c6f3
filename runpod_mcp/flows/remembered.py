"""What of a call's arguments the ledger and the audit trail may remember, and a person be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runpod_mcp.pods.blotted import blotted, blotted_words
from runpod_mcp.pods.words import clean

SECRET = frozenset({"env", "password", "username", "input"})
"""Arguments whose values nobody is shown and nothing remembers."""
COMMANDS = frozenset({"dockerEntrypoint", "dockerStartCmd"})
NOT_SHOWN = "(not shown)"
MOST_ITEMS, LONGEST_NAME, LONGEST_ITEM, LONGEST_TEXT = 100, 60, 200, 300


def without_secrets(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as they may be remembered: of an env its names, of other secrets that they were there, and of texts
    and lists what is not shaped like a secret, as far as it is not longer than a person reads."""
    return {name: _shown(name, value) for name, value in arguments.items() if value is not None}


def _shown(name: str, value: Any) -> Any:
    if name == "env" and isinstance(value, Mapping):
        return sorted(clean(str(key).partition("=")[0], LONGEST_NAME) for key in value)[:MOST_ITEMS]
    if name in SECRET or (name in COMMANDS and not isinstance(value, list)):
        return NOT_SHOWN
    if not isinstance(value, str | list | bool | int | float):
        return NOT_SHOWN
    if isinstance(value, list):
        texts = [str(one) if isinstance(one, str | int | float) else NOT_SHOWN for one in value[:MOST_ITEMS]]
        shown = blotted_words(texts) if name in COMMANDS else map(blotted, texts)
        return [clean(one, LONGEST_ITEM) for one in shown]
    return clean(blotted(value), LONGEST_TEXT) if isinstance(value, str) else value
