"""What the ledger's tests share: a reservation, entries, and judges."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from runpod_mcp.clock import epoch
from runpod_mcp.errors import Code
from runpod_mcp.ledger.entries import Entry, EntryKind, Reservation
from runpod_mcp.money import Usd
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.spending import Plan, Spending

NOON = epoch(datetime(2026, 11, 23, 12, tzinfo=UTC))
HOUR = 3600
DAY = 86_400
CEILING, BILLED, STOPPED_RATE = Usd(1_000_000), Usd(900_000), Usd(20_000)

TOO_MUCH = Deny(code=Code.OVER_TOTAL_BUDGET, message="Too much.")


def reservation(id: str = "r1", opened_at: int = NOON, **other: Any) -> Reservation:
    """Two hours at a dollar, then a day stopped; `other` replaces what is said here."""
    facts: dict[str, Any] = {
        "principal": "local",
        "tool": "create_pod",
        "request_id": None,
        "request_hash": "hash",
        "request": "{}",
        "opened_at": opened_at,
        "lease_ends_at": opened_at + 2 * HOUR,
        "stopped_until": opened_at + 2 * HOUR + DAY,
        "usd_per_hour": CEILING,
        "disk_usd_per_hour": Usd(10_000),
        "stopped_usd_per_hour": STOPPED_RATE,
        "gpus": 1,
    }
    return Reservation(id=id, **{**facts, **other})


def entry(kind: EntryKind, at: int = NOON, **facts: Any) -> Entry:
    return Entry(kind=kind, at=at, **facts)


def settled(at: int = NOON, pod_id: str = "pod-1", usd_per_hour: Usd = BILLED, **facts: Any) -> Entry:
    return entry(EntryKind.SETTLED, at, pod_id=pod_id, usd_per_hour=usd_per_hour, **facts)


def repriced(at: int, usd_per_hour: int, **facts: Any) -> Entry:
    return entry(EntryKind.REPRICED, at, usd_per_hour=Usd(usd_per_hour), **facts)


def stopped(at: int, usd_per_hour: Usd = STOPPED_RATE, **facts: Any) -> Entry:
    return entry(EntryKind.STOPPED, at, usd_per_hour=usd_per_hour, **facts)


def started(at: int, usd_per_hour: Usd = BILLED, **facts: Any) -> Entry:
    return entry(EntryKind.STARTED, at, usd_per_hour=usd_per_hour, **facts)


def extended(at: int, lease_ends_at: int, **facts: Any) -> Entry:
    return entry(EntryKind.EXTENDED, at, lease_ends_at=lease_ends_at, **facts)


def ended(at: int) -> Entry:
    return entry(EntryKind.ENDED, at)


def voided(at: int = NOON, **facts: Any) -> Entry:
    return entry(EntryKind.VOIDED, at, **facts)


def unknown(at: int = NOON) -> Entry:
    return entry(EntryKind.UNKNOWN, at)


def noted(note: str, at: int = NOON) -> Entry:
    return entry(EntryKind.NOTED, at, note=note)


def allow(_: Spending) -> None:
    """A judge without objections."""


def allow_change(_: Spending, __: Plan) -> None:
    """The same for a change."""


def deny(_: Spending) -> Deny:
    return TOO_MUCH
