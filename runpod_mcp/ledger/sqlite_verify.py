"""Computing everything that is derived anew, from all that was ever written, and saying what differs."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import groupby

from runpod_mcp.errors import Failure
from runpod_mcp.ledger.entries import Entry, Lease, LeaseState
from runpod_mcp.ledger.sqlite_chain import counted
from runpod_mcp.ledger.sqlite_rows import as_entry, as_reservation, past_rows
from runpod_mcp.ledger.store import Tell
from runpod_mcp.ledger.transitions import step

_EVERYTHING = """
SELECT reservation.seq AS place, entry.* FROM reservation JOIN entry ON entry.reservation_id = reservation.id
ORDER BY place, entry.seq
"""


def problems(db: sqlite3.Connection, tell: Tell) -> Iterator[str]:
    """What is wrong with the ledger, one sentence each."""
    yield from _damage(db)
    holdings: dict[str, tuple[str, str | None]] = {}
    spent: Counter[str] = Counter()
    days: Counter[str] = Counter()
    for reservation_id, lease in counted(_replayed(db), "leases computed anew", tell):
        if isinstance(lease, str):
            yield lease
        elif lease.still_counts:
            holdings[reservation_id] = (lease.state.value, lease.pod_id)
        elif lease.state is LeaseState.ENDED:
            costs = lease.costs()
            spent.update(costs)
            for row in past_rows(reservation_id, costs):
                days[row[0]] += 1
                yield from _missing(db, row)
    rows = db.execute("SELECT * FROM holding")
    yield from _differences("holding", holdings, {row[0]: (row["state"], row["pod_id"]) for row in rows})
    yield from _differences("spent", spent, {row[0]: row["usd"] for row in db.execute("SELECT * FROM spent")})
    found = {row[0]: row[1] for row in db.execute("SELECT day, COUNT(*) FROM past GROUP BY day")}
    yield from _differences("past", days, found)


def _missing(db: sqlite3.Connection, row: tuple[str, str]) -> Iterator[str]:
    if not db.execute("SELECT 1 FROM past WHERE day = ? AND reservation_id = ?", row).fetchone():
        yield f"past does not have {row[1]} on {row[0]}; what was written says it cost something then"


def _damage(db: sqlite3.Connection) -> Iterator[str]:
    for (said,) in db.execute("PRAGMA quick_check"):
        if said != "ok":
            yield f"the file is damaged: {said}"
    for row in db.execute("PRAGMA foreign_key_check"):
        yield f"row {row['rowid']} of {row['table']} speaks of a {row['parent']} that is not there"


def _replayed(db: sqlite3.Connection) -> Iterator[tuple[str, Lease | str]]:
    """Every reservation, in order, with where it stands by its entries, or why they make no sense."""
    written = groupby(db.execute(_EVERYTHING), lambda row: row["place"])
    place, rows = next(written, (None, iter(())))
    for found in db.execute("SELECT * FROM reservation ORDER BY seq"):
        entries: list[Entry] = []
        if place == found["seq"]:
            entries = [as_entry(row) for row in rows]
            place, rows = next(written, (None, iter(())))
        yield found["id"], _replay(Lease.read(as_reservation(found), ()), entries)


def _replay(lease: Lease, entries: list[Entry]) -> Lease | str:
    for entry in entries:
        try:
            after = step(lease, entry)
        except Failure as failure:
            return f"entry {entry.seq} contradicts those before it: {failure.message}"
        if after is None:
            return f"entry {entry.seq} of {lease.reservation.id} says what was already said"
        lease = after
    return lease


def _differences(table: str, right: Mapping[str, object], found: Mapping[str, object]) -> Iterator[str]:
    for key in sorted(right.keys() | found.keys()):
        if right.get(key) != found.get(key):
            yield f"{table} has {found.get(key)} for {key}; what was written says {right.get(key)}"
