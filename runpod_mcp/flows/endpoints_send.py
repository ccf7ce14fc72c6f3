"""Sending a change of a serverless endpoint, and looking what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.flows.endpoints import Seen, seen_as
from runpod_mcp.flows.endpoints_change import WORDS, fleet_after, is_seen, only_takes_away
from runpod_mcp.flows.endpoints_end import gone, is_gone
from runpod_mcp.flows.endpoints_price import Sold, count
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState
from runpod_mcp.policy.endpoint_rules import Fleet
from runpod_mcp.runpod.endpoints import Endpoint, EndpointChange
from runpod_mcp.runpod.results import EditOutcome, Gone, NoCapacity, Refused, Unknown


@dataclass(frozen=True, slots=True)
class Updated:
    """An endpoint after a change, what of it changed in Runpod's spelling, and whether it counts as much as before."""

    seen: Seen
    changed: tuple[str, ...]
    still_counts_as_before: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A change of an endpoint as it is; `ends` is the new end of its lease, if any."""

    endpoint: Endpoint
    lease: Lease
    change: EndpointChange
    new: frozenset[str]
    sold: Sold
    ends: int | None = None

    @property
    def less(self) -> bool:
        """Whether it makes nothing dearer, longer or wider."""
        earlier = self.ends is None or (self.runs and self.ends <= self.lease.lease_ends_at)
        return earlier and only_takes_away(self.endpoint, self.change, self.new)

    @property
    def runs(self) -> bool:
        """Whether it has a lease now, not one that is over."""
        return self.lease.state is LeaseState.RUNNING

    @property
    def after(self) -> Fleet | None:
        """The workers it may have then."""
        return fleet_after(self.endpoint, self.change, self.sold)

    @property
    def workers(self) -> int:
        """How many workers it may have then."""
        most = self.change.workers_max
        return (self.endpoint.workers_max or 0) if most is None else most

    @property
    def starts(self) -> bool:
        """Whether it gets workers after its lease was over."""
        return not self.runs and self.workers > 0


async def send_change(house: House, case: Case, held: Lease, *, writes: bool = True) -> Updated:
    """Send the change and look; what was not changed counts as before."""
    endpoint = await _sent(house, case, held) if case.new else case.endpoint
    lease = await count(house, held, endpoint, case.sold, lower_ceiling=True) if writes else held
    if case.ends is not None and case.ends < lease.lease_ends_at and lease.state is LeaseState.RUNNING:
        sooner = Entry(
            kind=EntryKind.EXTENDED, at=house.now(), lease_ends_at=case.ends, stopped_until=case.ends
        )
        lease = await house.ledger.write(lease.reservation.id, sooner)
    seen = seen_as(endpoint, case.sold, lease)
    above = seen.usd_per_hour is not None and lease.usd_per_hour > seen.usd_per_hour
    changed = tuple(WORDS.get(name, name) for name in sorted(case.new))
    return Updated(seen, changed, still_counts_as_before=above)


async def _sent(house: House, case: Case, held: Lease) -> Endpoint:
    """The endpoint once it is as asked.

    Raises:
        Failure: it was refused; it is gone; or `outcome_unknown`.
    """
    outcome = await house.api.resources.endpoints.update(case.endpoint.id, case.change)
    if isinstance(outcome, Gone) and await is_gone(house, case.endpoint.id):
        raise await gone(house, held)
    if isinstance(outcome, Refused | NoCapacity):
        raise await _refused(house, case, held, outcome)
    if seen := await _see(house, case):
        return seen
    if isinstance(outcome, Unknown) and outcome.looks_like:
        raise await _refused(house, case, held, outcome.looks_like)
    raise _not_seen(case, outcome)


async def _see(house: House, case: Case) -> Endpoint | None:
    for wait in (0.0, *house.confirm_after):
        if wait:
            await house.clock.sleep(wait)
        try:
            endpoint = await house.api.resources.endpoints.get(case.endpoint.id)
        except Failure:
            continue
        if endpoint is not None and is_seen(endpoint, case.change, case.sold):
            return endpoint
    return None


async def _refused(house: House, case: Case, held: Lease, outcome: Refused | NoCapacity) -> Failure:
    if held is not case.lease:
        await house.ledger.write(held.reservation.id, _as_before(house, case.lease))
    name = f"Endpoint {case.endpoint.id}"
    if isinstance(outcome, NoCapacity):
        return Failure(Code.NO_CAPACITY, f"{name} was not changed: no room for that.", Retry.LATER)
    message, retry = f"{name} was not changed: {outcome.message}", outcome.retry or Retry.CHANGED
    return Failure(outcome.code, message, retry, field=outcome.field)


def _as_before(house: House, before: Lease) -> Entry:
    """What the lease was, as an entry."""
    ran = before.state is LeaseState.RUNNING
    return Entry(
        kind=EntryKind.STARTED if ran else EntryKind.STOPPED,
        at=house.now(),
        usd_per_hour=before.usd_per_hour,
        ceiling_usd_per_hour=before.ceiling_usd_per_hour if ran else None,
        gpus=before.gpus if ran else None,
        lease_ends_at=before.lease_ends_at,
        stopped_until=before.stopped_until,
        note="it was not changed",
    )


def _not_seen(case: Case, outcome: EditOutcome[Endpoint]) -> Failure:
    lost = "may or may not have been" if isinstance(outcome, Unknown) else "was"
    return Failure(
        Code.OUTCOME_UNKNOWN,
        f"Endpoint {case.endpoint.id} {lost} changed but is not seen to be so. It counts as the dearer of both; look "
        "with get_endpoint before the call is repeated.",
        Retry.NEVER,
    )
