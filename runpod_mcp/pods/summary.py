"""A pod in few words: what an agent needs to use it, pay for it and end it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runpod_mcp.clock import iso
from runpod_mcp.money import Usd, as_dollars, show, show_dollars
from runpod_mcp.pods.pod import Pod, PodStatus
from runpod_mcp.pods.values import RESERVATION_TAG
from runpod_mcp.pods.words import clean

MOST_SHOWN = 20
"""Env names and addresses beyond this are left out: a pod made elsewhere can have thousands."""


@dataclass(frozen=True, slots=True)
class LeaseView:
    """What a summary says of a lease: when it ends (UTC), the price now, what may still be spent on it."""

    ends_at: datetime
    usd_per_hour: Usd
    usd_left: Usd


def summarize(pod: Pod, lease: LeaseView | None, now: datetime) -> dict[str, Any]:
    """A pod as a small JSON object; what is not known or does not apply is left out. Env values are never in it."""
    warnings = warnings_of(pod, lease, now)
    return {**_facts(pod, lease), **({"warnings": warnings} if warnings else {})}


def _facts(pod: Pod, lease: LeaseView | None) -> dict[str, Any]:
    rate = lease.usd_per_hour if lease else pod.usd_per_hour
    facts: dict[str, Any] = {
        "podId": pod.id,
        "name": clean(pod.name, 60) if pod.name else None,
        "status": pod.status.value,
        "why": why(pod),
        "gpuTypeId": pod.gpu_type_id,
        "gpuCount": pod.gpu_count,
        "cpuFlavorId": pod.cpu_flavor_id,
        "vcpuCount": pod.vcpu_count if pod.cpu_flavor_id else None,
        "cloudType": pod.cloud,
        "dataCenterId": pod.data_center_id,
        "image": clean(pod.image, 100) if pod.image else None,
        "usdPerHour": None if rate is None else as_dollars(rate),
        "leaseEndsAt": iso(lease.ends_at) if lease else None,
        "usdLeftOnLease": as_dollars(lease.usd_left) if lease else None,
        "managed": lease is not None,
        "ssh": ssh_line(pod),
        "http": http_urls(pod) or None,
        "envNames": [clean(name, 60) for name in pod.env_names if name != RESERVATION_TAG][:MOST_SHOWN]
        or None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def brief(pod: Pod, lease: LeaseView | None) -> dict[str, Any]:
    """A pod as one row of a list."""
    wanted = (
        "podId",
        "name",
        "status",
        "gpuTypeId",
        "gpuCount",
        "cpuFlavorId",
        "usdPerHour",
        "leaseEndsAt",
        "managed",
    )
    facts = _facts(pod, lease)
    return {name: facts[name] for name in wanted if name in facts}


def describe(facts: dict[str, Any]) -> str:
    """A summary as lines of text, with the same facts."""
    lines = [f"Pod {facts['podId']} ({_quoted(facts)}{facts['status']}): {hardware(facts)}{_place(facts)}"]
    if "why" in facts:
        lines.append(f"Why {facts['status']}: {facts['why']}")
    if "image" in facts:
        lines.append(f"Image {facts['image']}")
    lines.append(price_line(facts))
    if "ssh" in facts:
        lines.append(f"SSH: {facts['ssh']}")
    lines += [f"HTTP: {url}" for url in facts.get("http", ())]
    if "envNames" in facts:
        lines.append(f"Env set: {', '.join(facts['envNames'])} (values are not shown)")
    lines += [f"Note: {warning}" for warning in facts.get("warnings", ())]
    return "\n".join(lines)


def describe_brief(facts: dict[str, Any]) -> str:
    """A row of a list as one line of text."""
    price = f"{show_dollars(facts['usdPerHour'])}/h" if "usdPerHour" in facts else "price unknown"
    ends = f", until {facts['leaseEndsAt']}" if "leaseEndsAt" in facts else ""
    foreign = "" if facts["managed"] else ", not managed"
    return f"{facts['podId']} {_quoted(facts)}{facts['status']}, {hardware(facts)}, {price}{ends}{foreign}"


def hardware(facts: dict[str, Any]) -> str:
    """GPUs or vCPUs in words."""
    if "gpuTypeId" in facts:
        return f"{facts.get('gpuCount', '?')} x {facts['gpuTypeId']}"
    if "cpuFlavorId" in facts:
        return (
            f"{facts.get('vcpuCount', '?'):g} vCPU {facts['cpuFlavorId']}"
            if "vcpuCount" in facts
            else facts["cpuFlavorId"]
        )
    return "hardware unknown"


def price_line(facts: dict[str, Any]) -> str:
    """The price and the lease in words."""
    price = f"{show_dollars(facts['usdPerHour'])}/h" if "usdPerHour" in facts else "price unknown"
    if "leaseEndsAt" not in facts:
        return f"{price}; not managed by this server"
    return f"{price}; lease ends {facts['leaseEndsAt']}, up to {show_dollars(facts['usdLeftOnLease'])} still to be spent on it"


def ssh_line(pod: Pod) -> str | None:
    """How to log in, once Runpod has assigned a way."""
    if pod.ssh_direct:
        return f"ssh {pod.ssh_direct.username}@{pod.ssh_direct.host} -p {pod.ssh_direct.port}"
    public = next((m for m in pod.mappings if m.private == 22 and m.kind == "tcp" and m.public), None)
    host = (public.ip if public else None) or pod.public_ip
    return f"ssh root@{host} -p {public.public}" if public and host else None


def http_urls(pod: Pod) -> list[str]:
    """The proxy address of each http port (Runpod's expose-ports page)."""
    if not pod.bills_compute:
        return []
    numbers = [found[1] for port in pod.ports if (found := re.fullmatch(r"([0-9]{1,5})/http", port))]
    return [f"https://{pod.id}-{number}.proxy.runpod.net" for number in numbers[:MOST_SHOWN]]


_WHY = {
    PodStatus.PROVISIONING: "a machine is being found",
    PodStatus.STARTING: "the image is pulled or the container boots",
    PodStatus.ERROR: "its container failed; get_pod_logs tells more",
}
_WHO_STOPPED = (
    ("outbid", "outbid: a spot pod is stopped when somebody pays more"),
    ("exited by runpod", "stopped by Runpod"),
    ("exited by user", "stopped on request"),
)
"""What `lastStatusChange` says of a stopped pod, which is free text (runpodctl reads the same words)."""


def why(pod: Pod) -> str | None:
    """Why a pod is in the state it is in, where that is known; what a running one lacks is a warning."""
    if pod.status is PodStatus.STOPPED:
        said = (pod.last_change or "").casefold()
        return next((words for part, words in _WHO_STOPPED if part in said), None)
    return _WHY.get(pod.status)


def _unreachable(pod: Pod, now: datetime) -> str:
    minutes = int((now - pod.started_at).total_seconds() // 60) if pod.started_at else 0
    if minutes < 1:
        return "not reachable yet; it bills already. wait_for_pod tells when its ports are there"
    return f"not reachable after {minutes} min; it bills all the same. get_pod_logs may tell why"


def warnings_of(pod: Pod, lease: LeaseView | None, now: datetime) -> list[str]:
    """What the agent should know before it is surprised."""
    warnings = []
    if pod.status is PodStatus.UNKNOWN:
        warnings.append(
            f"Runpod's state {clean(pod.raw_status or 'missing', 30)!r} is not known here; it may be billing"
        )
    if pod.bills_compute and not pod.is_ready:
        warnings.append(_unreachable(pod, now))
    if pod.bills_compute and not pod.volume_gb and pod.network_volume is None:
        warnings.append("no volume: what is on it is lost when it is stopped or deleted")
    if pod.status is PodStatus.STOPPED and pod.volume_gb:
        warnings.append("stopped: its volume is billed at double rate until the pod is deleted")
    if pod.locked:
        warnings.append("locked: it cannot be stopped until it is unlocked")
    if lease and pod.usd_per_hour is not None and pod.usd_per_hour > lease.usd_per_hour:
        warnings.append(f"Runpod now bills {show(pod.usd_per_hour)}/h, more than its lease")
    return warnings


def _quoted(facts: dict[str, Any]) -> str:
    return f'"{facts["name"]}", ' if "name" in facts else ""


def _place(facts: dict[str, Any]) -> str:
    place = " ".join(facts[key] for key in ("cloudType", "dataCenterId") if key in facts)
    return f" in {place}" if place else ""
