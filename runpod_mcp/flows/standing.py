"""What is rented besides pods and stands until somebody ends it: network volumes and serverless endpoints.

Money is set aside for them through the same gate as for a pod. They carry no tag, so they are found again by their
name, which must be theirs alone, and only where they are as they were asked for: a person's own may bear that name too.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.flows.gate import let_cost_more, reserve_judge
from runpod_mcp.flows.unmanaged import unmanaged_holdings
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, Reservation
from runpod_mcp.ledger.store import Reserved
from runpod_mcp.money import Usd
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.spending import Plan, Spending
from runpod_mcp.runpod.results import Made, MakeOutcome, NoCapacity, Refused, Unknown

NAMING_TAKES = 120
"""Seconds for which a create keeps its name to itself; a server that died in it is waited for no longer."""


class Named(Protocol):
    """A thing at Runpod with an id and a name."""

    @property
    def id(self) -> str:
        """Runpod's id."""
        ...

    @property
    def name(self) -> str | None:
        """The name it was given."""
        ...


Thing = TypeVar("Thing", bound=Named)
Fits = Callable[[Spending, Usd], Deny | None]
"""What else must hold beside the budgets, of all that counts and what a thing is to cost in micro-dollars per hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a thing may cost: micro-dollars per hour, until when (seconds since 1970), and the GPUs it may use."""

    usd_per_hour: Usd
    ends_at: int
    gpus: int = 0


def _always_fits(_: Spending, __: Usd) -> None:
    """For what has an end of its own."""


async def set_aside(
    house: House,
    policy: Policy,
    tool: str,
    asked: Mapping[str, Any],
    terms: Terms,
    fits: Fits = _always_fits,
) -> Lease:
    """Reserve what a thing may cost; `asked` is the request without secrets, with its `name`.

    Raises:
        Failure: a budget or a count has no room; the ledger cannot be written.
    """
    reservation = reservation_of(house, tool, asked, terms)
    judge = reserve_judge(policy, await unmanaged_holdings(house, policy), reservation)

    def both(spending: Spending) -> Deny | None:
        return fits(spending, terms.usd_per_hour) or judge(spending)

    answer = await house.ledger.reserve(reservation, both)
    if isinstance(answer, Deny):
        raise answer.as_failure()
    assert isinstance(answer, Reserved)
    return answer.lease


def reservation_of(house: House, tool: str, asked: Mapping[str, Any], terms: Terms) -> Reservation:
    """What would be set aside for a thing; nothing is yet."""
    request, now = json.dumps(asked, sort_keys=True), house.now()
    return Reservation(
        id=f"r-{secrets.token_hex(8)}",
        principal=house.principal,
        tool=tool,
        request_id=None,
        request_hash="",
        request=request,
        opened_at=now,
        lease_ends_at=max(now, terms.ends_at),
        stopped_until=max(now, terms.ends_at),
        usd_per_hour=terms.usd_per_hour,
        disk_usd_per_hour=Usd(0),
        stopped_usd_per_hour=Usd(0),
        gpus=terms.gpus,
    )


async def make(
    house: House,
    lease: Lease,
    create: Callable[[], Awaitable[MakeOutcome[Thing]]],
    list_all: Callable[[], Awaitable[Sequence[Thing]]],
    matches: Callable[[Thing], bool],
) -> tuple[Thing, Lease]:
    """Send one create and settle its reservation, or free the money where nothing was made.

    Where the answer was lost, what bears the name is it only if it `matches` what was asked for.

    Raises:
        Failure: Runpod said no; or `outcome_unknown`, and the money stays set aside until the thing is found.
    """
    name = name_of(lease)
    outcome = await create()
    if isinstance(outcome, Unknown):
        found = await _find(house, name, list_all, matches)
        outcome = Made(found) if found else outcome.looks_like or outcome
    if isinstance(outcome, Made):
        return outcome.thing, await settle(house, lease, outcome.thing.id)
    if isinstance(outcome, Unknown):
        await _write(house, lease, EntryKind.UNKNOWN, outcome.reason)
        raise _unknown(lease, name)
    failure = _refusal(outcome, name)
    await _write(house, lease, EntryKind.VOIDED, failure.message)
    raise failure


async def settle(house: House, lease: Lease, thing_id: str) -> Lease:
    """Start the lease of a thing that was made, at the price that was set aside for it."""
    entry = Entry(
        kind=EntryKind.SETTLED,
        at=lease.reservation.opened_at,
        pod_id=thing_id,
        usd_per_hour=lease.reservation.usd_per_hour,
    )
    return await house.ledger.write(lease.reservation.id, entry)


def raised(house: House, usd_per_hour: Usd, kind: EntryKind = EntryKind.REPRICED, **more: Any) -> Entry:
    """The entry that lets a thing cost more from now on."""
    return Entry(
        kind=kind, at=house.now(), usd_per_hour=usd_per_hour, ceiling_usd_per_hour=usd_per_hour, **more
    )


async def raise_if(house: House, policy: Policy, lease: Lease, entry: Entry, fits: Fits) -> Lease:
    """Write an entry that makes a thing dearer, if the budgets have room and it fits besides.

    Raises:
        Failure: they have not, or it does not.
    """

    def besides(others: Spending, plan: Plan) -> Deny | None:
        return fits(others, plan.usd_per_hour)

    return await let_cost_more(house, policy, lease, entry, besides)


def refuse_taken_name(name: str, things: Sequence[Named]) -> None:
    """A name must be its bearer's alone, or a create whose answer was lost could not be told from an older one.

    Raises:
        Failure: `conflict`.
    """
    if any(is_called(thing, name) for thing in things):
        message = f"The name {clean(name, 60)!r} is taken; names must differ, so that a lost answer can be looked up."
        raise Failure(Code.CONFLICT, message, field="name", requested=clean(name, 60))


@asynccontextmanager
async def naming(house: House, tool: str, name: str, things: Sequence[Named]) -> AsyncIterator[None]:
    """Keep a name to oneself until the ledger knows who asked for it.

    Raises:
        Failure: `conflict`, it is taken, by a thing that is there or by a create whose outcome is not known yet.
    """
    refuse_taken_name(name, things)
    work, holder = f"name {tool} {name}", f"{house.holder}-{secrets.token_hex(4)}"
    if not await house.ledger.claim(work, holder, house.now(), NAMING_TAKES):
        raise _asked_for(name)
    try:
        waiting = (one for one in await house.ledger.leases() if one.pod_id is None)
        if any(one.reservation.tool == tool and name_of(one) == name for one in waiting):
            raise _asked_for(name)
        yield
    finally:
        await house.ledger.claim(work, holder, house.now(), 0)


def _asked_for(name: str) -> Failure:
    message = f"Another create asked for the name {clean(name, 60)!r}, and its outcome is not known yet; choose another."
    return Failure(Code.CONFLICT, message, field="name", requested=clean(name, 60))


def is_called(thing: Named, name: str) -> bool:
    """Whether a thing bears a name; Runpod adds ` -fb` to the names of some endpoints (seen live in v1)."""
    return (thing.name or "").removesuffix(" -fb") == name


def name_of(lease: Lease) -> str:
    """The name that a thing was asked for under."""
    return str(asked_of(lease)["name"])


def asked_of(lease: Lease) -> Mapping[str, Any]:
    """What a create asked for, without secrets, as the ledger remembers it."""
    asked: Mapping[str, Any] = json.loads(lease.reservation.request)
    return asked


async def _find(
    house: House,
    name: str,
    list_all: Callable[[], Awaitable[Sequence[Thing]]],
    matches: Callable[[Thing], bool],
) -> Thing | None:
    for wait in (0.0, *house.look_again_after):
        if wait:
            await house.clock.sleep(wait)
        try:
            things = await list_all()
        except Failure:
            continue
        if found := next((thing for thing in things if is_called(thing, name) and matches(thing)), None):
            return found
    return None


async def _write(house: House, lease: Lease, kind: EntryKind, note: str) -> None:
    await house.ledger.write(lease.reservation.id, Entry(kind=kind, at=house.now(), note=note))


def _unknown(lease: Lease, name: str) -> Failure:
    return Failure(
        Code.OUTCOME_UNKNOWN,
        f"Runpod's answer was lost, so {clean(name, 60)!r} may or may not have been made; its money stays set aside as "
        f"{lease.reservation.id} until it is found or given up.",
        Retry.NEVER,
        requested=lease.reservation.id,
    )


def _refusal(outcome: Refused | NoCapacity, name: str) -> Failure:
    if isinstance(outcome, NoCapacity):
        message = f"Runpod has no room for {clean(name, 60)!r} right now; nothing was made. Try another data center."
        return Failure(Code.NO_CAPACITY, message, Retry.LATER)
    return Failure(
        outcome.code,
        f"{outcome.message} Nothing was made.",
        outcome.retry or Retry.CHANGED,
        field=outcome.field,
    )
