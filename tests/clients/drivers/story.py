"""What every client that can call a tool does: look, rent, be refused, look again, end.

A driver runs in its client's own environment, so this needs nothing but Python. It prints one line, `FACTS` and JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

CREATE = {"imageName": "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404", "name": "from a client"}
L4, H100 = "NVIDIA L4", "NVIDIA H100 80GB HBM3"

Call = Callable[[str, dict[str, Any]], Awaitable[tuple[bool, str]]]
"""Calls a tool; gives whether the client saw an error, and everything it was shown as text."""


async def tell(tools: list[str], call: Call) -> None:
    """Drive the tools and print what the client saw."""
    rent_error, rented = await call("create_pod", {**CREATE, "gpuTypeIds": [L4]})
    pod_id = pod_id_in(rented)
    refuse_error, refused = await call("create_pod", {**CREATE, "gpuTypeIds": [H100]})
    _, during = await call("list_pods", {})
    end_error, ended = await call("delete_pod", {"podId": pod_id})
    _, after = await call("list_pods", {})
    report(
        tools=sorted(tools),
        pod_id=pod_id,
        rented=rented,
        refused=refused,
        ended=ended,
        errors=[rent_error, refuse_error, end_error],
        seen_during=pod_id in during,
        seen_after=pod_id in after,
    )


def pod_id_in(text: str) -> str:
    """The id of the pod, from the structure or from the words, whichever the client shows."""
    found = re.search(r'\\?"podId\\?":\s*\\?"([a-z0-9]{8,})', text) or re.search(r"\b([a-z0-9]{14})\b", text)
    return found[1] if found else "none"


def report(**facts: Any) -> None:
    print("FACTS " + json.dumps(facts), flush=True)


def words_of(result: Any) -> str:
    """Whatever a result holds, as text."""
    return (
        result
        if isinstance(result, str)
        else json.dumps(result, default=lambda one: getattr(one, "__dict__", repr(one)))
    )
