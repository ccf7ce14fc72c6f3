"""Parts of a pod that both dialects write the same way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from runpod_mcp.pods.pod import PodStatus
from runpod_mcp.pods.values import RESERVATION_TAG
from runpod_mcp.runpod.reading import fields, items, text

_STATUS = {
    "PROVISIONING": PodStatus.PROVISIONING,
    "STARTING": PodStatus.STARTING,
    "RUNNING": PodStatus.RUNNING,
    "EXITED": PodStatus.STOPPED,
    "ERROR": PodStatus.ERROR,
    "TERMINATED": PodStatus.TERMINATED,
}


def status(word: object) -> PodStatus:
    """A state in Runpod's words, of either dialect; one that is missing or new is UNKNOWN."""
    return _STATUS.get(text(word) or "", PodStatus.UNKNOWN)


def has_ports(state: PodStatus) -> bool:
    """Whether a pod in this state can be reached: a stopped pod may still show the ports it had (observed live)."""
    return state not in (PodStatus.STOPPED, PodStatus.TERMINATED)


def env_names(value: object) -> tuple[str, ...]:
    """The names of env variables; their values are secrets and are dropped here."""
    return tuple(text(name) or "" for name in env(value))


def reservation(value: object) -> str | None:
    """The value of our tag, the one env value that is kept."""
    return text(env(value).get(RESERVATION_TAG))


def cpu_flavor(identity: str) -> str:
    """The flavor in an instance id: the v2 document's example lists `cpu3c-2-4` where a create takes `cpu3c`."""
    return re.sub(r"^(cpu\d+[a-z]+)-\d+-\d+$", r"\1", identity)


def env(value: object) -> Mapping[str, Any]:
    """Env as a mapping; Runpod's v1 document calls it an object with items, so `["NAME=value"]` is read too."""
    pairs = (item.partition("=") for item in items(value) if isinstance(item, str))
    return fields(value) or {name: rest for name, separator, rest in pairs if separator}
