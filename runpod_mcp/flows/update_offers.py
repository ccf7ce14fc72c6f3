"""What would pass instead of a change of a pod that was refused: what its rules allow, and disks that fit the budgets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runpod_mcp.errors import Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.offers import BY_SIZE, most_that_fits
from runpod_mcp.ledger.entries import Entry, Lease
from runpod_mcp.money import ZERO, as_dollars
from runpod_mcp.pods.pod import Pod
from runpod_mcp.pods.update_input import PodUpdate
from runpod_mcp.policy.alternatives import MOST_OFFERED, Change
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy

_DISKS = {"volumeInGb": "volume_in_gb", "containerDiskInGb": "container_disk_in_gb"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A change that was refused, and how another one would be judged.

    `broken` is the rule that a change breaks, `gaps` whether the API has no words for it, `paid` the lease as it would
    count, `dearer` whether that is more than now, and `asks` whether a person would be asked.
    """

    house: House
    policy: Policy
    lease: Lease
    pod: Pod
    update: PodUpdate
    broken: Callable[[PodUpdate], Deny | None]
    gaps: Callable[[PodUpdate], bool]
    paid: Callable[[PodUpdate], Entry]
    dearer: Callable[[Entry], bool]
    asks: Callable[[Entry], str | None]


async def with_what_passes(refused: Refused, failure: Failure) -> Failure:
    """The refusal with the nearest changes that would pass now."""
    if failure.code not in BY_SIZE and not failure.alternatives:
        return failure
    try:
        found = [one async for base in _bases(refused, failure) for one in await _passing(refused, base)]
    except Failure:
        found = []
    return replace(failure, alternatives=found[:MOST_OFFERED])


async def _bases(refused: Refused, failure: Failure) -> AsyncIterator[Change]:
    """What mends every rule that is broken; nothing where only a price is too high."""
    for remedy in failure.alternatives or [{}]:
        whole = dict(remedy)
        while denied := refused.broken(_applied(refused.update, whole)):
            if not denied.alternatives:
                break
            whole |= denied.alternatives[0]
        else:
            yield whole


async def _passing(refused: Refused, base: Change) -> list[Change]:
    """The change if it passes, or else the same with one of its disks as large as it may be."""
    if whole := await _priced(refused, base):
        return [whole]
    found = []
    for name, field in _DISKS.items():
        if (most := await _largest(refused, base, name, field)) is not None:
            found += [one] if (one := await _priced(refused, {**base, name: most})) else []
    return found


async def _priced(refused: Refused, change: Change) -> Change | None:
    """The change with its price, if it passes."""
    update = _applied(refused.update, change)
    paid = refused.paid(update)
    if refused.gaps(update) or refused.asks(paid):
        return None
    fits = not refused.dearer(paid) or await most_that_fits(
        refused.house, refused.policy, refused.lease, range(1, 2), lambda _: paid
    )
    return {**change, "usdPerHour": as_dollars(paid.usd_per_hour or ZERO)} if fits else None


async def _largest(refused: Refused, base: Change, name: str, field: str) -> int | None:
    """The largest size of a disk above the one that is there and below the one that was asked for."""
    asked = getattr(_applied(refused.update, base), field)
    there = refused.pod.volume_gb if field == "volume_in_gb" else refused.pod.container_disk_gb
    if field not in refused.update.wanted or asked is None or there is None:
        return None

    def entry_of(size: int) -> Entry:
        return refused.paid(_applied(refused.update, {**base, name: size}))

    def asks(size: int) -> str | None:
        return refused.asks(entry_of(size))

    sizes = range(there + 1, asked)
    return await most_that_fits(refused.house, refused.policy, refused.lease, sizes, entry_of, asks)


def _applied(update: PodUpdate, change: Mapping[str, Any]) -> PodUpdate:
    names = {field.alias or name: name for name, field in PodUpdate.model_fields.items()}
    return update.model_copy(update={names[alias]: value for alias, value in change.items()})
