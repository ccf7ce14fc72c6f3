"""What Runpod billed over a time, and what the ledger holds for the same time.

Runpod's billing lags, so a time is looked at only as far as it is billed for sure; what is later is in neither sum.
Times are whole seconds since 1970, UTC; money is micro-dollars.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from runpod_mcp.clock import epoch, from_epoch
from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.context import House
from runpod_mcp.ledger.entries import Lease, LeaseKind
from runpod_mcp.money import ZERO, Usd, total
from runpod_mcp.policy.spending import Window, day_of, month_of
from runpod_mcp.runpod.billing import BillingGroup, BillingQuestion, BillingRow, BillingSubject

By = Literal["pod", "gpu_type", "endpoint", "network_volume"]
Bucket = Literal["month", "day", "hour"]

BILLED_AFTER = 5400
"""Seconds: Runpod's billing lags by about an hour (observed live in August and September 2026); half of one to be sure."""
MOST_BUCKETS = 100
UNKNOWN = "unknown"
"""The GPU type of a pod that is gone and nobody remembers."""

_SIZES: tuple[Bucket, ...] = ("month", "day", "hour")
_SUBJECTS: Mapping[By, BillingSubject] = {
    "pod": "pods",
    "gpu_type": "pods",
    "endpoint": "serverless",
    "network_volume": "network_volumes",
}
_KINDS: Mapping[By, LeaseKind] = {
    "pod": LeaseKind.POD,
    "endpoint": LeaseKind.ENDPOINT,
    "network_volume": LeaseKind.VOLUME,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which spending: by what, of which time, in which buckets, and of one thing only where `only` names it."""

    by: By = "pod"
    start: int
    end: int
    bucket: Bucket = "day"
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What one thing cost; `ledger` is None for what this ledger does not manage. Without an id it is a sum of all."""

    id: str | None
    billed: Usd
    ledger: Usd | None

    @property
    def difference(self) -> Usd | None:
        """What Runpod billed above what the ledger holds, below zero where it billed less."""
        return None if self.ledger is None else Usd(self.billed - self.ledger)


@dataclass(frozen=True, slots=True)
class Spend:
    """What was billed in [start, end), the dearest first; `buckets` are what each cost, by the time it begins.

    `compared` says whether the ledger was held beside it.
    """

    start: int
    end: int
    rows: tuple[Row, ...]
    buckets: tuple[tuple[int, Usd], ...]
    compared: bool

    @property
    def billed(self) -> Usd:
        """All that Runpod billed."""
        return total(row.billed for row in self.rows)

    @property
    def managed(self) -> Row:
        """What is managed here, in one."""
        ours = [row for row in self.rows if row.ledger is not None]
        return Row(None, total(row.billed for row in ours), total(row.ledger or ZERO for row in ours))


async def get_spending(house: House, asked: Asked) -> Spend:
    """What was billed, and what the ledger holds for it, over whole buckets around the time that was asked for.

    Raises:
        Failure: `invalid_arguments`: the time is none, or too long for its buckets; Runpod or the ledger cannot be read.
    """
    start, end = _whole_buckets(asked, house.now())
    charges = [charge async for charge in _charges(house, asked, start, end)]
    leases = await house.ledger.leases_between(start, end) if start < end else ()
    named = await _named(house, asked, charges, leases)
    if asked.only is not None:
        named = [(name, charge) for name, charge in named if name == asked.only]
    billed: Counter[str | None] = Counter()
    buckets: Counter[int] = Counter()
    for name, charge in named:
        billed[name] += charge.amount
        buckets[_bucket_of(epoch(charge.start), asked.bucket)[0]] += charge.amount
    compared = asked.by in _KINDS and not (asked.by == "network_volume" and house.api.dialect == "v1")
    held = _held(house, asked, leases, Window("", start, end)) if compared else {}
    return Spend(start, end, _rows(billed, held), _sorted(buckets), compared)


def _whole_buckets(asked: Asked, now: int) -> tuple[int, int]:
    """The time in whole buckets, cut to the hour where what is billed ends; it begins and ends at once where nothing is."""
    if asked.end <= asked.start:
        raise Failure(Code.INVALID_ARGUMENTS, "until must be after since.", field="until")
    if asked.start > now:
        raise Failure(Code.INVALID_ARGUMENTS, "since is in the future.", field="since")
    start, last = _bucket_of(asked.start, asked.bucket)[0], min(asked.end, now) - 1
    end = min(_bucket_of(last, asked.bucket)[1], _bucket_of(now - BILLED_AFTER, "hour")[0])
    begins, buckets = start, 0
    while begins < end:
        begins, buckets = _bucket_of(begins, asked.bucket)[1], buckets + 1
        if buckets > MOST_BUCKETS:
            message = f"That is more than {MOST_BUCKETS} buckets; ask for a larger bucket or a shorter time."
            raise Failure(Code.INVALID_ARGUMENTS, message, field="bucket", limit=MOST_BUCKETS)
    return start, max(start, end)


def _bucket_of(moment: int, size: Bucket) -> tuple[int, int]:
    """When the bucket of a moment begins, and when the next one does."""
    if size == "hour":
        start = moment - moment % 3600
        return start, start + 3600
    window = day_of(moment) if size == "day" else month_of(moment)
    assert window.end
    return window.start, window.end


async def _charges(house: House, asked: Asked, start: int, end: int) -> AsyncIterator[BillingRow]:
    """What Runpod billed in [start, end): in buckets as asked, the rest in smaller ones, since Runpod rounds outwards."""
    grouped: BillingGroup = "gpu_type" if asked.by == "gpu_type" and house.api.dialect == "v1" else "resource"
    for size in _SIZES[_SIZES.index(asked.bucket) :]:
        until = _bucket_of(end, size)[0]
        if until <= start:
            continue
        question = BillingQuestion(
            subject=_SUBJECTS[asked.by],
            start=from_epoch(start),
            end=from_epoch(until),
            bucket=size,
            group=grouped,
            resource_id=None if asked.by == "gpu_type" else asked.only,
        )
        for charge in await house.api.resources.billing.read(question):
            if start <= epoch(charge.start) < until:
                yield charge
        start = until


async def _named(
    house: House, asked: Asked, charges: list[BillingRow], leases: Sequence[Lease]
) -> list[tuple[str | None, BillingRow]]:
    """Each charge with what it is for."""
    if asked.by != "gpu_type":
        return [(charge.resource_id, charge) for charge in charges]
    if house.api.dialect == "v1":
        return [(charge.gpu_type_id or UNKNOWN, charge) for charge in charges]
    types = await _gpu_types(house, leases)
    return [(types.get(charge.resource_id or "", UNKNOWN), charge) for charge in charges]


async def _gpu_types(house: House, leases: Sequence[Lease]) -> Mapping[str, str]:
    """The GPU types of pods by their ids: of those that live, and of those that one type only was asked for."""
    asked = {lease.pod_id: json.loads(lease.reservation.request).get("gpuTypeIds") for lease in leases}
    ended = {pod_id: types[0] for pod_id, types in asked.items() if pod_id and types and len(types) == 1}
    living = {pod.id: pod.gpu_type_id or pod.cpu_flavor_id for pod in await house.api.list_pods()}
    return ended | {pod_id: gpu_type for pod_id, gpu_type in living.items() if gpu_type}


def _held(house: House, asked: Asked, leases: Sequence[Lease], window: Window) -> Mapping[str, Usd]:
    held: Counter[str] = Counter()
    for lease in leases:
        name = lease.pod_id or lease.reservation.id
        if lease.kind is _KINDS[asked.by] and asked.only in (None, name):
            held[name] += window.cost_of(lease.stretches(house.now()))
    return {name: Usd(amount) for name, amount in held.items()}


def _rows(billed: Mapping[str | None, int], held: Mapping[str, Usd]) -> tuple[Row, ...]:
    names: dict[str | None, None] = dict.fromkeys([*billed, *held])
    rows = (Row(name, Usd(billed.get(name, 0)), held.get(name or "")) for name in names)
    return tuple(sorted(rows, key=lambda row: (-max(row.billed, row.ledger or 0), row.id or "")))


def _sorted(buckets: Mapping[int, int]) -> tuple[tuple[int, Usd], ...]:
    return tuple((begins, Usd(amount)) for begins, amount in sorted(buckets.items()))
