"""The rows behind a ledger in SQLite, read and written inside a transaction that someone else holds."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import groupby

from runpod_mcp.errors import Code, Failure
from runpod_mcp.ledger.entries import Entry, EntryKind, Lease, LeaseState, Reservation
from runpod_mcp.ledger.sqlite_audit import add_record, of_entry, of_reservation
from runpod_mcp.money import ZERO, Usd
from runpod_mcp.policy.spending import Spending, Window, day_of

_RESERVATION_FIELDS = tuple(field.name for field in fields(Reservation))
_ENTRY_FIELDS = tuple(field.name for field in fields(Entry))

_ADD_RESERVATION = """
INSERT INTO reservation (
    id, principal, tool, request_id, request_hash, request, opened_at, lease_ends_at, stopped_until,
    usd_per_hour, disk_usd_per_hour, stopped_usd_per_hour, gpus
) VALUES (
    :id, :principal, :tool, :request_id, :request_hash, :request, :opened_at, :lease_ends_at, :stopped_until,
    :usd_per_hour, :disk_usd_per_hour, :stopped_usd_per_hour, :gpus
)
"""
_ADD_ENTRY = """
INSERT INTO entry (
    reservation_id, kind, at, pod_id, usd_per_hour, gpus, lease_ends_at, stopped_until, stopped_usd_per_hour,
    ceiling_usd_per_hour, note
) VALUES (
    :reservation_id, :kind, :at, :pod_id, :usd_per_hour, :gpus, :lease_ends_at, :stopped_until,
    :stopped_usd_per_hour, :ceiling_usd_per_hour, :note
)
"""
_ADD_SPENT = """
INSERT INTO spent (window_key, usd) VALUES (?, ?)
ON CONFLICT (window_key) DO UPDATE SET usd = spent.usd + excluded.usd
"""
_CLAIM = """
INSERT INTO claim (work, holder, until) VALUES (:work, :holder, :until)
ON CONFLICT (work) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE claim.holder = excluded.holder OR claim.until <= :now OR claim.until > :until + :seconds
"""
_LATEST_REQUEST = """
SELECT id FROM reservation WHERE principal = ? AND request_id = ? ORDER BY seq DESC LIMIT 1
"""
_LATEST_OF_POD = """
SELECT entry.reservation_id FROM entry LEFT JOIN holding ON holding.pod_id = entry.pod_id
    AND holding.reservation_id = entry.reservation_id
WHERE entry.pod_id = ? ORDER BY holding.pod_id IS NULL, entry.seq DESC LIMIT 1
"""
# CROSS JOIN binds SQLite to begin with the few rows that count; left free, it walks all that was ever written.
_HELD_RESERVATIONS = """
SELECT reservation.* FROM holding CROSS JOIN reservation WHERE reservation.id = holding.reservation_id
ORDER BY reservation.seq
"""
_HELD_ENTRIES = """
SELECT entry.* FROM holding CROSS JOIN entry WHERE entry.reservation_id = holding.reservation_id
ORDER BY entry.reservation_id, entry.seq
"""
_FOUND = """
WITH found AS (
    SELECT reservation_id FROM past WHERE day BETWEEN :first AND :last AND reservation_id > :after
    UNION SELECT reservation_id FROM holding WHERE reservation_id > :after ORDER BY 1 LIMIT :most
)
"""
_FOUND_RESERVATIONS = (
    _FOUND  # noqa: S608  only constants
    + "SELECT reservation.* FROM found CROSS JOIN reservation WHERE reservation.id = found.reservation_id "
    "ORDER BY reservation.seq"
)
_FOUND_ENTRIES = (
    _FOUND  # noqa: S608  only constants
    + "SELECT entry.* FROM found CROSS JOIN entry WHERE entry.reservation_id = found.reservation_id "
    "ORDER BY entry.reservation_id, entry.seq"
)


def latest(db: sqlite3.Connection) -> int:
    """The latest moment the ledger has seen."""
    return int(db.execute("SELECT value FROM meta WHERE key = 'latest'").fetchone()["value"])


def advance(db: sqlite3.Connection, now: int) -> int:
    """Note that this moment was seen, and return the latest one."""
    known = latest(db)
    if now > known:
        db.execute("UPDATE meta SET value = ? WHERE key = 'latest'", (now,))
    return max(now, known)


def claim(db: sqlite3.Connection, work: str, holder: str, now: int, seconds: int) -> bool:
    """Write down who is at work, unless another one still is; one far ahead had a clock that was since set back."""
    db.execute("DELETE FROM claim WHERE until <= ? AND work <> ?", (now, work))
    if not seconds:  # given up, whatever the clock was when it was taken on
        gone = db.execute("DELETE FROM claim WHERE work = ? AND holder = ?", (work, holder))
        return gone.rowcount == 1
    facts = {"work": work, "holder": holder, "now": now, "until": now + seconds, "seconds": seconds}
    done = db.execute(_CLAIM, facts)
    return done.rowcount == 1


def find_lease(db: sqlite3.Connection, reservation_id: str) -> Lease | None:
    """One lease, whatever its state."""
    row = db.execute("SELECT * FROM reservation WHERE id = ?", (reservation_id,)).fetchone()
    return None if row is None else Lease.read(as_reservation(row), entries_of(db, reservation_id))


def entries_of(db: sqlite3.Connection, reservation_id: str) -> list[Entry]:
    """What was written about one reservation, oldest first."""
    rows = db.execute("SELECT * FROM entry WHERE reservation_id = ? ORDER BY seq", (reservation_id,))
    return [as_entry(row) for row in rows]


def find_repeated(db: sqlite3.Connection, principal: str, request_id: str | None) -> Lease | None:
    """The latest lease of a request id, unless nothing came of it."""
    row = db.execute(_LATEST_REQUEST, (principal, request_id)).fetchone()
    lease = find_lease(db, row["id"]) if row else None
    return None if lease is None or lease.state is LeaseState.VOID else lease


def find_lease_of_pod(db: sqlite3.Connection, pod_id: str) -> Lease | None:
    """The living lease of a pod, else the one that named it last."""
    row = db.execute(_LATEST_OF_POD, (pod_id,)).fetchone()
    return find_lease(db, row["reservation_id"]) if row else None


def holder_of_pod(db: sqlite3.Connection, pod_id: str) -> str | None:
    """The reservation whose living lease holds a pod."""
    row = db.execute("SELECT reservation_id FROM holding WHERE pod_id = ?", (pod_id,)).fetchone()
    return row["reservation_id"] if row else None


def live_leases(db: sqlite3.Connection) -> tuple[Lease, ...]:
    """Everything that still counts, oldest first."""
    return _leases(db.execute(_HELD_RESERVATIONS), db.execute(_HELD_ENTRIES))


def leases_between(db: sqlite3.Connection, start: int, end: int, most: int) -> tuple[Lease, ...]:
    """The leases that were in the sums at any time of [start, end), oldest first.

    Raises:
        Failure: INVALID_ARGUMENTS, there are more than `most` on these days.
    """
    found = _found(db, start, end, "", most + 1)
    if len(found) > most:
        message = f"There are more than {most:,} leases in this time; ask for a shorter one."
        raise Failure(Code.INVALID_ARGUMENTS, message, field="since", limit=most)
    return tuple(lease for lease in found if _was_there(lease, start, end))


def page_of_leases(
    db: sqlite3.Connection, start: int, end: int, after: str, most: int
) -> tuple[tuple[Lease, ...], str | None]:
    """At most so many of them by the ids of reservations, behind one, and behind which the next part begins."""
    found = _found(db, start, end, after, most)
    last = max(lease.reservation.id for lease in found) if len(found) == most else None
    return tuple(lease for lease in found if _was_there(lease, start, end)), last


def _found(db: sqlite3.Connection, start: int, end: int, after: str, most: int) -> tuple[Lease, ...]:
    """The leases that have to do with the days of [start, end), the first by the ids of reservations, oldest first."""
    wanted = {
        "first": day_of(start).key,
        "last": day_of(max(start, end - 1)).key,
        "after": after,
        "most": most,
    }
    return _leases(db.execute(_FOUND_RESERVATIONS, wanted), db.execute(_FOUND_ENTRIES, wanted))


def _was_there(lease: Lease, start: int, end: int) -> bool:
    if lease.still_counts:
        return lease.reservation.opened_at < end
    return any(stretch.seconds_within(start, end) for stretch in lease.stretches(0))


def _leases(
    reservations: Iterable[sqlite3.Row], entries_by_reservation: Iterable[sqlite3.Row]
) -> tuple[Lease, ...]:
    entries = {key: list(rows) for key, rows in _by_reservation(entries_by_reservation)}
    return tuple(Lease.read(found, entries.get(found.id, ())) for found in map(as_reservation, reservations))


def _by_reservation(rows: Iterable[sqlite3.Row]) -> Iterator[tuple[str, Iterator[Entry]]]:
    for key, group in groupby(rows, lambda row: row["reservation_id"]):
        yield key, map(as_entry, group)


def spending(db: sqlite3.Connection, now: int, windows: Iterable[Window], but: str | None = None) -> Spending:
    """The sums for these windows, with every living lease but one."""
    held = tuple(lease.holding(now) for lease in live_leases(db) if lease.reservation.id != but)
    return Spending(now, held, _spent(db, [window.key for window in windows]))


def _spent(db: sqlite3.Connection, keys: list[str]) -> dict[str, Usd]:
    places = ", ".join("?" * len(keys))
    found = db.execute(f"SELECT window_key, usd FROM spent WHERE window_key IN ({places})", keys)  # noqa: S608  only ?
    return {**dict.fromkeys(keys, ZERO), **{row["window_key"]: Usd(row["usd"]) for row in found}}


def add_reservation(db: sqlite3.Connection, reservation: Reservation) -> Lease:
    """Write a reservation down, and count it."""
    db.execute(_ADD_RESERVATION, {name: getattr(reservation, name) for name in _RESERVATION_FIELDS})
    db.execute(
        "INSERT INTO holding (reservation_id, state) VALUES (?, ?)", (reservation.id, LeaseState.OPEN.value)
    )
    add_record(db, of_reservation(reservation))
    return Lease.read(reservation, ())


def add_entry(db: sqlite3.Connection, entry: Entry, after: Lease) -> None:
    """Write an entry down, and bring what is derived to where the lease stands after it."""
    facts = {name: getattr(entry, name) for name in _ENTRY_FIELDS}
    db.execute(_ADD_ENTRY, {**facts, "reservation_id": after.reservation.id})
    add_record(db, of_entry(entry, after))
    if after.still_counts:
        _hold(db, after)
    elif entry.kind is not EntryKind.NOTED:
        _let_go(db, after)


def _hold(db: sqlite3.Connection, lease: Lease) -> None:
    db.execute(
        "UPDATE holding SET state = ?, pod_id = ? WHERE reservation_id = ?",
        (lease.state.value, lease.pod_id, lease.reservation.id),
    )


def _let_go(db: sqlite3.Connection, lease: Lease) -> None:
    db.execute("DELETE FROM holding WHERE reservation_id = ?", (lease.reservation.id,))
    costs = lease.costs()
    db.executemany(_ADD_SPENT, costs.items())
    db.executemany(
        "INSERT INTO past (day, reservation_id) VALUES (?, ?)", past_rows(lease.reservation.id, costs)
    )


def past_rows(reservation_id: str, costs: Iterable[str]) -> list[tuple[str, str]]:
    """The rows of `past` for an ended lease; `costs` are the windows in which it cost anything."""
    return [(key, reservation_id) for key in costs if key.startswith("day:")]


def as_reservation(row: sqlite3.Row) -> Reservation:
    """A row of `reservation`."""
    return Reservation(**{name: row[name] for name in _RESERVATION_FIELDS})


def as_entry(row: sqlite3.Row) -> Entry:
    """A row of `entry`."""
    facts = {name: row[name] for name in _ENTRY_FIELDS}
    return Entry(**{**facts, "kind": EntryKind(row["kind"])})
