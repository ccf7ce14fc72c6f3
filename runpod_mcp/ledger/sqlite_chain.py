"""The chain of the audit trail, followed from its beginning."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import TypeVar

from runpod_mcp.ledger.audit import FIRST
from runpod_mcp.ledger.sqlite_audit import as_record
from runpod_mcp.ledger.store import Tell

T = TypeVar("T")
_TOLD_EVERY = 1000


def counted(rows: Iterable[T], what: str, tell: Tell) -> Iterator[T]:
    """The rows, while `tell` hears now and then how many there were."""
    for number, row in enumerate(rows):
        if number % _TOLD_EVERY == 0:
            tell(number, what)
        yield row


def audit_problems(db: sqlite3.Connection, tell: Tell) -> Iterator[str]:
    """What is wrong with the chain, one sentence each: a record changed, missing, or moved."""
    expected, previous = 1, FIRST
    for row in counted(db.execute("SELECT * FROM audit ORDER BY seq"), "records followed", tell):
        record = as_record(row)
        if record.seq != expected:
            gap = (
                f"record {expected}"
                if record.seq == expected + 1
                else f"records {expected} to {record.seq - 1}"
            )
            yield f"{gap} missing"
        elif record.previous != previous:
            yield f"record {record.seq} does not follow the one before it: one of them was changed or moved"
        if record.seal != record.seal_after(record.seq, record.previous):
            yield f"record {record.seq} was changed"
        expected, previous = record.seq + 1, record.seal
    yield from _cut_off(db, expected - 1)


def _cut_off(db: sqlite3.Connection, last: int) -> Iterator[str]:
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").fetchone()
    if row and row["seq"] > last:
        yield f"records {last + 1} to {row['seq']} missing at the end"
