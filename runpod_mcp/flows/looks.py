"""Looking for what Runpod does not list: how often, how long, and when it is taken to be gone or never to have been."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from runpod_mcp.flows.context import House
from runpod_mcp.flows.unmanaged import rate_of
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseKind, LeaseState
from runpod_mcp.money import Usd
from runpod_mcp.pods.pod import Pod

CREATE_SETTLES_WITHIN = 600
"""Seconds after which no create can still be under way; an open reservation that old lost its server."""
LISTED_WITHIN = 120
"""Seconds for which a new pod may be missing from Runpod's list (60 were seen)."""
SIGHTING_APART = 60
"""Seconds between two looks that count as two."""
LOOKS_TO_GIVE_UP = 5
GIVE_UP_AFTER = 900
"""Seconds an unknown create is looked for at least before its money is freed."""
LOOKS_TO_CLOSE = 3

NOT_LISTED = "not listed by Runpod"
SEEN_AGAIN = "listed again"

_WORDS = {LeaseKind.POD: "pod", LeaseKind.VOLUME: "network volume", LeaseKind.ENDPOINT: "endpoint"}


@dataclass(slots=True)
class Report:
    """What a pass found and did, as sentences; `unmanaged` are pods that nobody here rented."""

    adopted: list[str] = field(default_factory=list)
    corrected: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    not_ended: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    unmanaged: list[Pod] = field(default_factory=list)

    @property
    def unmanaged_usd_per_hour(self) -> Usd:
        """What the unmanaged pods cost per hour together, as far as Runpod says."""
        return Usd(sum(rate_of(pod) or 0 for pod in self.unmanaged))


async def still_waiting(house: House, lease: Lease, report: Report) -> None:
    """A create of which nothing shows: unknown once it is old, given up after several clean listings."""
    if lease.state is LeaseState.OPEN:
        if house.now() - lease.reservation.opened_at > CREATE_SETTLES_WITHIN:
            await write(house, lease, EntryKind.UNKNOWN, "the server that made the call did not finish it")
            report.waiting.append(f"{lease.reservation.id}: outcome unknown")
        return
    looks, since = await _looks(house, lease)
    if looks >= LOOKS_TO_GIVE_UP and since >= GIVE_UP_AFTER:
        await write(house, lease, EntryKind.VOIDED, f"given up: not listed in {looks} looks over {since} s")
        report.given_up.append(f"{lease.reservation.id}: nothing came of it")
    else:
        report.waiting.append(f"{lease.reservation.id}: outcome unknown, looked for {looks} times")


async def not_listed(
    house: House, lease: Lease, reads: Callable[[House, str], Awaitable[bool]], report: Report
) -> None:
    """What Runpod does not list: closed after several looks, because a list may lag and a 404 may lie."""
    thing_id, what = lease.pod_id or "", _WORDS[lease.kind]
    if house.now() - lease.reservation.opened_at < LISTED_WITHIN:
        return
    if await reads(house, thing_id):
        await seen_again(house, lease)
        return
    looks, _ = await _looks(house, lease)
    if looks >= LOOKS_TO_CLOSE:
        await write(house, lease, EntryKind.ENDED, f"gone: neither listed nor found in {looks} looks")
        report.closed.append(f"{what} {thing_id}")
    else:
        report.waiting.append(f"{what} {thing_id}: {NOT_LISTED}, looked for {looks} times")


async def seen_again(house: House, lease: Lease) -> None:
    """Looks in vain start over once it was seen: three lies in a week are no proof."""
    if lease.notes and lease.notes[-1].startswith(NOT_LISTED):
        await write(house, lease, EntryKind.NOTED, SEEN_AGAIN)


async def _looks(house: House, lease: Lease) -> tuple[int, int]:
    """Note that it was looked for in vain; how often now, and over how many seconds. Looks too close are one."""
    entries = await house.ledger.entries(lease.reservation.id)
    looks: list[Entry] = []
    for entry in entries:
        looks = [*looks, entry] if entry.note.startswith(NOT_LISTED) else []
    now = house.now()
    if not looks or now - looks[-1].at >= SIGHTING_APART:
        number = 1 + sum(
            entry.note.startswith(NOT_LISTED) for entry in entries
        )  # a note said twice is not written
        note = Entry(kind=EntryKind.NOTED, at=now, note=f"{NOT_LISTED} ({number})")
        await house.ledger.write(lease.reservation.id, note)
        looks.append(note)
    return len(looks), now - looks[0].at


async def write(house: House, lease: Lease, kind: EntryKind, note: str) -> None:
    """Append an entry that needs no facts, now."""
    await house.ledger.write(lease.reservation.id, Entry(kind=kind, at=house.now(), note=note))
