"""Holding the audit trail beside what it speaks of: each reservation, entry, question, answer and use of one has its own record."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from heapq import merge
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import TypeVar

from runpod_mcp.ledger.approvals import Approval, ApprovalState
from runpod_mcp.ledger.audit import Record
from runpod_mcp.ledger.entries import Lease
from runpod_mcp.ledger.sqlite_approvals import as_question, find_approval, of_answer, of_question, of_use
from runpod_mcp.ledger.sqlite_audit import as_record, of_entry, of_reservation
from runpod_mcp.ledger.sqlite_chain import counted
from runpod_mcp.ledger.sqlite_rows import as_entry, as_reservation
from runpod_mcp.ledger.store import Tell

T = TypeVar("T")

Deed = tuple[str, Record | None]
"""What was done, and what the trail should say of it; None where what is written makes no sense."""


def deed_problems(db: sqlite3.Connection, tell: Tell) -> Iterator[str]:
    """What the trail does not say of the ledger, or says of it wrongly, one sentence each."""
    for kind, (what, deeds) in _DEEDS.items():
        rows = db.execute("SELECT * FROM audit WHERE kind = ? ORDER BY reservation_id, seq", (kind,))
        records = ((row["reservation_id"], None, as_record(row)) for row in counted(rows, what, tell))
        done = ((key, deed, None) for key, deed in deeds(db))
        together = merge(done, records, key=itemgetter(0))
        for _, group in groupby(together, key=itemgetter(0)):
            yield from _differences(group)


def _differences(group: Iterable[tuple[str, Deed | None, Record | None]]) -> Iterator[str]:
    """Of one reservation, or of what belongs to none: deeds and records, each in order."""
    sides = list(group)
    deeds = [deed for _, deed, _ in sides if deed]
    records = [record for _, _, record in sides if record]
    for deed, record in zip_longest(deeds, records):
        if record is None:
            yield f"{deed[0]} has no record"
        elif deed is None:
            yield f"record {record.seq} speaks of what the ledger does not have"
        elif deed[1] is None or _content(deed[1]) != _content(record):
            yield f"record {record.seq} does not say what {deed[0]} says: one of them was changed"


def _content(record: Record) -> tuple[object, ...]:
    who = (record.principal, record.tool, record.reservation_id, record.pod_id)
    return record.at, *who, record.facts_json


def _reservations(db: sqlite3.Connection) -> Iterator[tuple[str, Deed]]:
    for row in db.execute("SELECT * FROM reservation ORDER BY id"):
        reservation = _readable(partial(as_reservation, row))
        made = _readable(partial(of_reservation, reservation)) if reservation else None
        yield row["id"], (f"reservation {row['id']}", made)


def _entries(db: sqlite3.Connection) -> Iterator[tuple[str, Deed]]:
    rows = db.execute("SELECT * FROM entry ORDER BY reservation_id, seq")
    for key, group in groupby(rows, key=itemgetter("reservation_id")):
        made = db.execute("SELECT * FROM reservation WHERE id = ?", (key,)).fetchone()
        reservation = _readable(partial(as_reservation, made)) if made else None
        lease = Lease.read(reservation, ()) if reservation else None
        for row in group:
            name, entry = f"entry {row['seq']} of {key}", _readable(partial(as_entry, row))
            lease = lease.after(entry) if lease and entry else None
            yield key, (name, of_entry(entry, lease) if lease and entry else None)


def _questions(db: sqlite3.Connection) -> Iterator[tuple[str, Deed]]:
    for row in db.execute("SELECT * FROM question ORDER BY seq"):
        yield "", (f"question {row['seq']}", _readable(partial(of_question, as_question(row))))


def _answers(db: sqlite3.Connection) -> Iterator[tuple[str, Deed]]:
    for row in db.execute("SELECT * FROM answer WHERE state <> 'used' ORDER BY seq").fetchall():
        asked = find_approval(db, row["code"])
        said = Approval(asked.question, ApprovalState(row["state"]), row["by"], row["at"]) if asked else None
        yield "", (f"answer {row['seq']}", of_answer(said) if said else None)


def _uses(db: sqlite3.Connection) -> Iterator[tuple[str, Deed]]:
    for row in db.execute("SELECT * FROM answer WHERE state = 'used' ORDER BY seq").fetchall():
        asked = find_approval(db, row["code"])
        yield "", (f"use {row['seq']} of a yes", of_use(asked, row["at"]) if asked else None)


_Deeds = Callable[[sqlite3.Connection], Iterator[tuple[str, Deed]]]
_DEEDS: Mapping[str, tuple[str, _Deeds]] = {
    "reserved": ("reservations compared", _reservations),
    "lease": ("entries compared", _entries),
    "asked": ("questions compared", _questions),
    "answered": ("answers compared", _answers),
    "used": ("used answers compared", _uses),
}
"""For each kind of record what is said while it is looked at, and what was done."""


def _readable(make: Callable[[], T]) -> T | None:
    """What a row says; None where it makes no sense."""
    try:
        return make()
    except ValueError:
        return None
