"""What someone else does to the account: pods made and changed past every client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from runpod_mcp.simulator.bodies import Schema, violations
from runpod_mcp.simulator.pods import Order, Pod
from runpod_mcp.simulator.price_list import CLOUDS
from runpod_mcp.simulator.world import World

_DEFAULTS = {
    "name": "made by hand",
    "imageName": "ubuntu:24.04",
    "cloudType": "SECURE",
    "gpuTypeId": "NVIDIA L4",
    "gpuCount": 1,
    "containerDiskInGb": 10,
    "volumeInGb": 0,
    "env": {},
    "ports": [],
}
_CREATE: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "imageName": {"type": "string"},
        "cloudType": {"type": "string", "enum": CLOUDS},
        "gpuTypeId": {"type": "string"},
        "gpuCount": {"type": "integer", "least": 1},
        "dataCenterId": {"type": "string"},
        "containerDiskInGb": {"type": "integer", "least": 0},
        "volumeInGb": {"type": "integer", "least": 0},
        "env": {"type": "object", "additional": {"type": "string"}},
        "ports": {"type": "array", "items": {"type": "string"}},
    },
}
_VERBS = ("create", "end", "stop", "start", "interrupt", "fail", "reprice")


def act_by_hand(world: World, body: object) -> Pod:
    """Do one thing: `{"create": {…}}`, `{"end": id}` (also stop, start, interrupt, fail), or
    `{"reprice": id, "usd_per_hour": 1.5}` for another compute rate. Answers the pod.

    A pod made by hand needs stock but passes no balance or spend limit, and is no create call in the books.

    Raises:
        ValueError: says what was expected.
        Refusal: there is no room, or no such pod.
    """
    verbs = [verb for verb in _VERBS if isinstance(body, Mapping) and verb in body]
    if not isinstance(body, Mapping) or len(verbs) != 1:
        raise ValueError(f"expected an object with exactly one of {', '.join(_VERBS)}")
    if verbs == ["create"]:
        return world.create(_order(body["create"], world), by_hand=True)
    pod = world.pod(str(body[verbs[0]]))
    if verbs == ["reprice"]:
        world.reprice(pod, _rate(body.get("usd_per_hour")))
    else:
        deeds: dict[str, Callable[[Pod], None]] = {
            "end": world.end,
            "stop": world.stop,
            "start": world.start,
            "interrupt": world.interrupt,
            "fail": world.fail,
        }
        deeds[verbs[0]](pod)
    return pod


def _rate(value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError("usd_per_hour: expected dollars per hour as a number from 0")
    return Fraction(str(value))


def _order(wanted: Any, world: World) -> Order:
    if errors := violations(wanted, _CREATE, "create"):
        raise ValueError("; ".join(errors))
    given: dict[str, Any] = {**_DEFAULTS, **wanted}
    if given["gpuTypeId"] not in world.price_list.gpus:
        raise ValueError(f"create: unknown gpuTypeId {given['gpuTypeId']!r}")
    return Order(
        name=given["name"],
        image=given["imageName"],
        cloud=given["cloudType"],
        gpu_type_ids=(given["gpuTypeId"],),
        gpu_count=given["gpuCount"],
        data_center_ids=(wanted["dataCenterId"],) if "dataCenterId" in wanted else (),
        disk=given["containerDiskInGb"],
        volume=given["volumeInGb"],
        mount_path="/workspace" if given["volumeInGb"] else "",
        env=given["env"],
        ports=tuple(given["ports"]),
    )
