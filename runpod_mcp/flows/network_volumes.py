"""Network volumes: listed with what they cost, made and grown under the same policy and budgets, deleted on request.

A volume has no end, so it is promised until the next calendar month is over, and all of them together must fit into
any day and any month. The total has no such bound: a volume goes on costing when `usd_total` is used up, since nobody
here deletes data. Then nothing else is rented, and get_budget shows the total as over its limit.
"""

from __future__ import annotations

from dataclasses import dataclass

from runpod_mcp.catalog.quote import network_volume_usd_per_hour, network_volume_usd_per_month
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.approval import need_yes, need_yes_to
from runpod_mcp.flows.claims import changing
from runpod_mcp.flows.context import House
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.flows.standing import (
    asked_of,
    make,
    naming,
    raise_if,
    raised,
    refuse_taken_name,
    set_aside,
)
from runpod_mcp.flows.volume_rules import (
    LONGEST_MONTH,
    TOOL,
    asks_about,
    denied_by_rule,
    fit_for_good,
    terms_of,
    too_large,
    with_less_growth,
    with_smaller,
)
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseKind
from runpod_mcp.money import Usd, cost
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.document import Policy
from runpod_mcp.runpod.results import Gone, NoCapacity, Refused
from runpod_mcp.runpod.volumes import NetworkVolume, VolumeChange, VolumeOrder


@dataclass(frozen=True, slots=True)
class Volume:
    """A network volume, what it costs per hour (None where its tier's price is not known), and its lease if managed."""

    volume: NetworkVolume
    usd_per_hour: Usd | None
    lease: Lease | None

    @property
    def usd_per_month(self) -> Usd | None:
        """What it costs in a month of 720 hours, as Runpod's bills count."""
        size = self.volume.size_gb
        return None if size is None or self.usd_per_hour is None else network_volume_usd_per_month(size)


async def list_volumes(house: House) -> list[Volume]:
    """Every network volume of the account, by name.

    Raises:
        Failure: Runpod or the ledger cannot be read.
    """
    volumes = await house.api.resources.volumes.list_all()
    leases = {lease.pod_id: lease for lease in await house.ledger.leases() if lease.kind is LeaseKind.VOLUME}
    seen = [Volume(one, rate_of(one), leases.get(one.id)) for one in volumes]
    return sorted(seen, key=lambda one: (one.volume.name or "", one.volume.id))


async def get_volume(house: House, volume_id: str) -> Volume:
    """One network volume.

    Raises:
        Failure: `not_found`.
    """
    volume = await house.api.resources.volumes.get(volume_id)
    if volume is None:
        raise not_found(volume_id)
    return Volume(volume, rate_of(volume), await _lease(house, volume_id))


async def create_volume(house: House, name: str, size_gb: int, data_center_id: str) -> Volume:
    """Rent a network volume of the standard tier, the only one whose price is known; it costs until it is deleted.

    Raises:
        Failure: the policy or the budgets say no; `conflict`: the name is taken; `outcome_unknown`.
    """
    policy = house.policies.current()
    order = VolumeOrder(name=name, size_gb=size_gb, data_center_id=data_center_id, tier="STANDARD")
    for gap in house.api.resources.volumes.gaps(order):
        raise _only_through_v2() if gap.field == "tier" else gap
    if denied := denied_by_rule(policy, size_gb, data_center_id):
        raise await with_smaller(house, policy, order, denied.as_failure())
    volumes = house.api.resources.volumes
    listed = await volumes.list_all()
    await _ask(house, policy, TOOL, network_volume_usd_per_hour(size_gb))
    async with naming(house, TOOL, order.name, listed):
        asked = {"name": order.name, "sizeGb": order.size_gb, "dataCenterId": order.data_center_id}
        terms, fits = terms_of(house, size_gb), await fit_for_good(house, policy)
        try:
            lease = await set_aside(house, policy, TOOL, asked, terms, fits)
        except Failure as refused:
            raise await with_smaller(house, policy, order, refused) from None

        def matches(seen: NetworkVolume) -> bool:
            return is_as_asked(lease, seen)

        sent = make(house, lease, lambda: volumes.create(order), volumes.list_all, matches)
        volume, lease = await to_the_end(sent)
    return Volume(volume, rate_of(volume), lease)


async def update_volume(house: House, volume_id: str, change: VolumeChange) -> Volume:
    """Rename a volume that was made here, or let it grow.

    Raises:
        Failure: the policy or the budgets say no; `not_managed`; `not_found`; `invalid_arguments`: it would shrink.
    """
    policy = house.policies.current()
    for gap in house.api.resources.volumes.gaps(change):
        raise gap
    volume, lease = await _managed(house, volume_id)
    if change.name is not None and change.name != volume.name:
        refuse_taken_name(change.name, await house.api.resources.volumes.list_all())
    if change.size_gb is None or change.size_gb == volume.size_gb:
        await need_yes_to(house, policy, "update_network_volume")
        return await to_the_end(_update(house, lease, lease, volume, change))
    _refuse_growth(volume, change.size_gb)
    if denied := too_large(policy, change.size_gb):
        raise await with_less_growth(house, policy, lease, volume, change.size_gb, denied.as_failure())
    rate = network_volume_usd_per_hour(change.size_gb)
    await _ask(house, policy, "update_network_volume", rate)
    async with changing(house, lease):
        dearer = raised(house, max(rate, lease.usd_per_hour))
        try:
            held = await raise_if(house, policy, lease, dearer, await fit_for_good(house, policy))
        except Failure as refused:
            raise await with_less_growth(house, policy, lease, volume, change.size_gb, refused) from None
        return await to_the_end(_update(house, lease, held, volume, change))


async def delete_volume(house: House, volume_id: str) -> None:
    """Delete a volume that was made here, with all it holds.

    Raises:
        Failure: `not_managed`; `not_found`; `conflict` while pods use it; `runpod_unavailable` when that cannot be seen.
    """
    policy = house.policies.current()
    _, lease = await _managed(house, volume_id)
    await need_yes_to(house, policy, "delete_network_volume")
    await to_the_end(_delete(house, lease, volume_id))


def rate_of(volume: NetworkVolume) -> Usd | None:
    """What a volume costs per hour; None where its size or its tier's price is not known."""
    if volume.size_gb is None or volume.tier != "STANDARD":
        return None
    return network_volume_usd_per_hour(volume.size_gb)


def is_as_asked(lease: Lease, volume: NetworkVolume) -> bool:
    """Whether a volume can be what a create asked for, as far as Runpod tells; its name is not looked at."""
    asked = asked_of(lease)
    size, place = (None, asked["sizeGb"]), (None, asked["dataCenterId"])
    return volume.size_gb in size and volume.data_center_id in place


def not_found(volume_id: str) -> Failure:
    """What to say of a volume that Runpod does not have."""
    message = (
        f"There is no network volume {clean(volume_id, 40)!r}. list_network_volumes shows what there is."
    )
    return Failure(Code.NOT_FOUND, message)


async def _lease(house: House, volume_id: str) -> Lease | None:
    lease = await house.ledger.lease_of_pod(volume_id)
    return lease if lease and lease.still_counts and lease.kind is LeaseKind.VOLUME else None


async def _managed(house: House, volume_id: str) -> tuple[NetworkVolume, Lease]:
    volume = await house.api.resources.volumes.get(volume_id)
    lease = await _lease(house, volume_id)
    if volume is None:
        raise not_found(volume_id)
    if lease is None:
        message = (
            f"Network volume {clean(volume_id, 40)} was not made through this server, so it is left alone."
        )
        raise Failure(Code.NOT_MANAGED, message, Retry.NEVER)
    return volume, lease


def _refuse_growth(volume: NetworkVolume, size_gb: int) -> None:
    if volume.size_gb is None or rate_of(volume) is None:
        raise _price_unknown()
    if size_gb < volume.size_gb:
        message = f"A network volume can only grow; this one has {volume.size_gb} GB."
        raise Failure(Code.INVALID_ARGUMENTS, message, field="sizeGb", limit=volume.size_gb)


def _only_through_v2() -> Failure:
    return Failure(
        Code.PRICE_UNKNOWN,
        "Only Runpod's v2 API tells the tier of a network volume, and so its price, so volumes can only be made through "
        "it; nothing was made. A person can set RUNPOD_API_URL to https://api.runpod.io/v2.",
        Retry.NEVER,
    )


def _price_unknown() -> Failure:
    return Failure(
        Code.PRICE_UNKNOWN,
        "Only the price of a STANDARD network volume is known, and only Runpod's v2 API tells the tier; nothing was changed.",
        Retry.NEVER,
    )


async def _ask(house: House, policy: Policy, tool: str, rate: Usd) -> None:
    if reason := asks_about(policy, tool, rate):
        await need_yes(house, policy, reason, rate, cost(rate, LONGEST_MONTH))


async def _update(
    house: House, before: Lease, held: Lease, volume: NetworkVolume, change: VolumeChange
) -> Volume:
    """Send the change and look; where it was refused the money is free again."""
    outcome = await house.api.resources.volumes.update(volume.id, change)
    if isinstance(outcome, Refused | NoCapacity | Gone):
        if held is not before:
            await _reprice(house, held, before.usd_per_hour)
        raise _not_changed(volume, outcome)
    seen = await house.api.resources.volumes.get(volume.id)
    if seen is None or not _is_as_asked(seen, change):
        message = f"Network volume {volume.id} was told to change but is not seen to have changed yet. It counts as if it had."
        raise Failure(Code.OUTCOME_UNKNOWN, message, Retry.LATER)
    rate = rate_of(seen)
    return Volume(seen, rate, held if rate is None else await _reprice(house, held, rate))


def _is_as_asked(volume: NetworkVolume, change: VolumeChange) -> bool:
    return change.name in (None, volume.name) and change.size_gb in (None, volume.size_gb)


def _not_changed(volume: NetworkVolume, outcome: Refused | NoCapacity | Gone) -> Failure:
    if isinstance(outcome, Gone):
        return not_found(volume.id)
    if isinstance(outcome, NoCapacity):
        return Failure(Code.NO_CAPACITY, f"Network volume {volume.id} was not changed: no room.", Retry.LATER)
    return Failure(
        outcome.code, f"{outcome.message} Nothing was changed.", Retry.CHANGED, field=outcome.field
    )


async def _reprice(house: House, lease: Lease, rate: Usd) -> Lease:
    entry = Entry(kind=EntryKind.REPRICED, at=house.now(), usd_per_hour=rate)
    return await house.ledger.write(lease.reservation.id, entry)


async def _delete(house: House, lease: Lease, volume_id: str) -> None:
    outcome = await house.api.resources.volumes.delete(volume_id)
    if isinstance(outcome, Refused | NoCapacity):
        message = outcome.message if isinstance(outcome, Refused) else outcome.detail
        code = outcome.code if isinstance(outcome, Refused) else Code.CONFLICT
        raise Failure(code, f"{message} The volume still counts; pods that use it must be deleted first.")
    if not await _is_gone(house, volume_id):
        message = f"The end of network volume {volume_id} cannot be seen yet, so it still counts. Call again in a moment."
        raise Failure(Code.RUNPOD_UNAVAILABLE, message, Retry.LATER)
    await house.ledger.write(lease.reservation.id, Entry(kind=EntryKind.ENDED, at=house.now()))


async def _is_gone(house: House, volume_id: str) -> bool:
    """Whether both reading it and the list say that it is not there."""
    volumes = house.api.resources.volumes
    if await volumes.get(volume_id) is not None:
        return False
    return all(volume.id != volume_id for volume in await volumes.list_all())
