"""Whether there is room for a request, worked out beside the program: for moments when nothing is in doubt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from model_books import NO_LIMIT, by_day
from model_world import World

from runpod_mcp.ledger.entries import OVERDUE_SECONDS, Lease, LeaseState
from runpod_mcp.money import MICRO
from runpod_mcp.policy.spending import TOTAL, Window, day_of, month_of

DISK, STOPPED_VOLUME = 0.10 / 720, 0.20 / 720
Span = tuple[float, float, float]
"""From, to, dollars per hour."""


async def room_for(world: World, asked: dict[str, Any], leases: tuple[Lease, ...]) -> bool:
    """Whether a request fits beside what is spent and what these leases still promise; a near miss counts as no."""
    policy = world.policies.policy
    asked_spans = list(_spans_of(world, asked))
    running = [lease for lease in leases if lease.state is LeaseState.RUNNING]
    gpus = sum(lease.gpus for lease in running) + asked["gpuCount"]
    hourly = sum(_dearest(list(_promised(world, lease))) for lease in leases) + _dearest(asked_spans)
    counts = [(len(running) + 1, policy.pods.max_running), (gpus, policy.gpus.max_running)]
    if any(limit is not None and count > limit for count, limit in counts):
        return False
    if hourly > _dollars(policy.budget.usd_per_hour) - 1e-4:
        return False
    return await _windows_have_room(world, leases, asked_spans)


def _spans_of(world: World, asked: dict[str, Any]) -> Iterator[Span]:
    policy, now = world.policies.policy, world.now
    prices = [world.sim.stock.price(gpu, "SECURE") or 0 for gpu in asked["gpuTypeIds"]]
    volume = asked["volumeInGb"]
    running = float(max(prices)) * asked["gpuCount"] + (asked["containerDiskInGb"] + volume) * DISK
    ends = now + asked["leaseHours"] * 3600
    yield now, ends, max(running, volume * STOPPED_VOLUME)
    if volume and policy.lease.on_expiry == "stop":
        yield ends, ends + policy.lease.keep_stopped_hours * 3600, volume * STOPPED_VOLUME


def _promised(world: World, lease: Lease) -> Iterator[Span]:
    now, rate = world.now, lease.usd_per_hour / MICRO
    if lease.state is LeaseState.STOPPED:
        yield now, lease.stopped_until if lease.stopped_until > now else now + OVERDUE_SECONDS, rate
        return
    ends = lease.lease_ends_at if lease.lease_ends_at > now else now + OVERDUE_SECONDS
    stopped = lease.stopped_usd_per_hour / MICRO
    yield now, ends, max(rate, stopped)
    if lease.stopped_until > ends:
        yield ends, lease.stopped_until, stopped


def _dearest(spans: list[Span]) -> float:
    return max(rate for _, _, rate in spans)


def _dollars(limit: int | None) -> float:
    return NO_LIMIT if limit is None else limit / MICRO


async def _windows_have_room(world: World, leases: tuple[Lease, ...], asked: list[Span]) -> bool:
    needed = _by_window(asked)
    promised = _by_window([span for lease in leases for span in _promised(world, lease)])
    budget = world.policies.policy.budget
    for key, need in needed.items():
        window, limit = _window_of(key, budget)
        spent = (await world.house.ledger.spending(world.now, (window,))).spent_within(window) / MICRO
        if spent + promised.get(key, 0.0) + need > _dollars(limit) - 1e-3:
            return False
    return True


def _by_window(spans: list[Span]) -> dict[str, float]:
    sums = defaultdict[str, float](float)
    for start, end, rate in spans:
        for day, seconds in by_day(start, end):
            for key in (day, day[:7], "total"):
                sums[key] += rate * seconds / 3600
    return sums


def _window_of(key: str, budget: Any) -> tuple[Window, int | None]:
    if key == "total":
        return TOTAL, budget.usd_total
    first = datetime.fromisoformat(key if len(key) == 10 else f"{key}-01").replace(tzinfo=UTC)
    moment = int(first.timestamp())
    return (
        (day_of(moment), budget.usd_per_day) if len(key) == 10 else (month_of(moment), budget.usd_per_month)
    )
