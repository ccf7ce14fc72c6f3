"""The audit trail as rows. Every function is called inside a transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from runpod_mcp.ledger.audit import FIRST, Record
from runpod_mcp.ledger.entries import Entry, Lease, Reservation
from runpod_mcp.money import Usd, as_dollars

MOST_RECORDS = 10_000

_ADD = """
INSERT INTO audit (seq, at, kind, principal, tool, reservation_id, pod_id, facts, previous, seal)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def add_record(db: sqlite3.Connection, record: Record) -> None:
    """Put a record at the end of the chain."""
    last = db.execute("SELECT seq, seal FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    seq, previous = (last["seq"] + 1, last["seal"]) if last else (1, FIRST)
    one = record.sealed(seq, previous)
    db.execute(
        _ADD,
        (
            one.seq,
            one.at,
            one.kind,
            one.principal,
            one.tool,
            one.reservation_id,
            one.pod_id,
            one.facts_json,
            one.previous,
            one.seal,
        ),
    )


def add_news(db: sqlite3.Connection, record: Record) -> bool:
    """Put a record at the end of the chain, unless the newest of its kind says the same."""
    newest = db.execute(
        "SELECT facts FROM audit WHERE kind = ? ORDER BY seq DESC LIMIT 1", (record.kind,)
    ).fetchone()
    if newest and newest["facts"] == record.facts_json:
        return False
    add_record(db, record)
    return True


def of_reservation(reservation: Reservation) -> Record:
    """That money was set aside: for what, how much, and how long."""
    return Record(
        at=reservation.opened_at,
        kind="reserved",
        principal=reservation.principal,
        tool=reservation.tool,
        reservation_id=reservation.id,
        facts={
            "request": json.loads(reservation.request),
            "requestId": reservation.request_id,
            "usdPerHour": as_dollars(reservation.usd_per_hour),
            "diskUsdPerHour": as_dollars(reservation.disk_usd_per_hour),
            "stoppedUsdPerHour": as_dollars(reservation.stopped_usd_per_hour),
            "leaseEndsAt": reservation.lease_ends_at,
            "keptUntil": reservation.stopped_until,
            "gpus": reservation.gpus,
        },
    )


def of_entry(entry: Entry, after: Lease) -> Record:
    """That something happened to a lease."""
    facts = {
        "what": entry.kind.value,
        "usdPerHour": _dollars(entry.usd_per_hour),
        "stoppedUsdPerHour": _dollars(entry.stopped_usd_per_hour),
        "ceilingUsdPerHour": _dollars(entry.ceiling_usd_per_hour),
        "leaseEndsAt": entry.lease_ends_at,
        "keptUntil": entry.stopped_until,
        "gpus": entry.gpus,
        "note": entry.note or None,
    }
    return Record(
        at=entry.at,
        kind="lease",
        principal=after.reservation.principal,
        reservation_id=after.reservation.id,
        pod_id=after.pod_id or "",
        facts={name: value for name, value in facts.items() if value is not None},
    )


def _dollars(amount: Usd | None) -> float | None:
    return None if amount is None else as_dollars(amount)


def records(db: sqlite3.Connection, since: int, pod_id: str | None, most: int) -> Iterator[Record]:
    """The newest records since a time, oldest first; those of one pod, with what led to it, where one is named."""
    if pod_id is None:
        rows = db.execute(
            "SELECT * FROM audit WHERE at >= ? ORDER BY seq DESC LIMIT ?", (since, most)
        ).fetchall()
    else:
        rows = db.execute(
            "SELECT * FROM audit WHERE at >= :since AND (pod_id = :pod OR reservation_id IN ("
            "SELECT reservation_id FROM entry WHERE pod_id = :pod)) ORDER BY seq DESC LIMIT :most",
            {"since": since, "pod": pod_id, "most": most},
        ).fetchall()
    return map(as_record, reversed(rows))


def was_made(db: sqlite3.Connection, tool: str, thing_id: str) -> bool:
    """Whether a record says that this tool made a thing of this id."""
    found = db.execute(
        "SELECT 1 FROM audit WHERE kind = 'made' AND tool = ? AND pod_id = ? LIMIT 1", (tool, thing_id)
    )
    return found.fetchone() is not None


def as_record(row: sqlite3.Row) -> Record:
    """A row of `audit`."""
    return Record(
        at=row["at"],
        kind=row["kind"],
        principal=row["principal"],
        tool=row["tool"],
        reservation_id=row["reservation_id"],
        pod_id=row["pod_id"],
        facts=_facts(row["facts"]),
        seq=row["seq"],
        previous=row["previous"],
        seal=row["seal"],
    )


def _facts(text: str) -> dict[str, Any]:
    """The facts of a record; of one that somebody wrote over, what stands there, which has another seal."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        facts = text
    return facts if isinstance(facts, dict) else {"unreadable": text[:200]}
