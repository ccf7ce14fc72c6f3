"""The ledger in one SQLite file, for any number of processes on one machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.ledger import sqlite_approvals as approvals
from runpod_mcp.ledger import sqlite_audit as audit
from runpod_mcp.ledger import sqlite_rows as rows
from runpod_mcp.ledger.approvals import Approval, ApprovalState, Question
from runpod_mcp.ledger.audit import Record
from runpod_mcp.ledger.entries import Entry, Lease, Reservation
from runpod_mcp.ledger.sqlite_chain import audit_problems
from runpod_mcp.ledger.sqlite_deeds import deed_problems
from runpod_mcp.ledger.sqlite_file import SqliteFile
from runpod_mcp.ledger.sqlite_verify import problems
from runpod_mcp.ledger.store import (
    MOST_LEASES,
    ChangeJudge,
    Judge,
    Repeated,
    Reserved,
    Tell,
    nobody_hears,
)
from runpod_mcp.ledger.transitions import makes_cheaper, step
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.spending import Spending, Window

T = TypeVar("T")


class SqliteLedger:
    """A `Ledger` in a SQLite file, which is opened, and made where it is missing, at the first call.

    Work is done in a worker thread, one transaction at a time, and is never left half done: a cancelled call either
    has not begun or is finished first. `busy_seconds` is how long a call waits for another process.
    """

    def __init__(self, path: Path, busy_seconds: float = 10.0) -> None:
        self._file = SqliteFile(path, busy_seconds)
        self._limiter: RunVar[anyio.CapacityLimiter] = RunVar("ledger")

    async def reserve(self, reservation: Reservation, judge: Judge) -> Reserved | Repeated | Deny:
        """Set money aside, in one transaction: look for the request id, ask the judge, write."""
        return await self._write(lambda db: _reserve(db, reservation, judge))

    async def write(self, reservation_id: str, entry: Entry) -> Lease:
        """Append one entry, if it makes sense where the lease stands, and return the lease after it."""
        return await self._write(lambda db: _apply(db, *_step(db, reservation_id, entry)))

    async def amend(self, reservation_id: str, entry: Entry, judge: ChangeJudge) -> Lease | Deny:
        """Append one entry that may make a lease dearer or longer, if the judge has nothing against it."""
        return await self._write(lambda db: _amend(db, reservation_id, entry, judge))

    async def lease(self, reservation_id: str) -> Lease | None:
        """One lease, whatever its state."""
        return await self._read(lambda db: rows.find_lease(db, reservation_id))

    async def lease_of_pod(self, pod_id: str) -> Lease | None:
        """The lease of a pod, whatever its state, the latest of several; None when the pod is not managed."""
        return await self._read(lambda db: rows.find_lease_of_pod(db, pod_id))

    async def lease_of_request(self, principal: str, request_id: str) -> Lease | None:
        """The latest lease made under a request id, unless it was voided."""
        return await self._read(lambda db: rows.find_repeated(db, principal, request_id))

    async def leases(self) -> Sequence[Lease]:
        """Everything that still counts, oldest first."""
        return await self._read(rows.live_leases)

    async def leases_between(self, start: int, end: int) -> Sequence[Lease]:
        """The leases that were in the sums at any time of [start, end), oldest first."""
        return await self._read(lambda db: rows.leases_between(db, start, end, MOST_LEASES))

    async def page_of_leases(
        self, start: int, end: int, after: str, most: int
    ) -> tuple[Sequence[Lease], str | None]:
        """The same in parts of at most so many, by the ids of reservations."""
        return await self._read(lambda db: rows.page_of_leases(db, start, end, after, most))

    async def entries(self, reservation_id: str) -> Sequence[Entry]:
        """What was written about a reservation, oldest first."""
        return await self._read(lambda db: rows.entries_of(db, reservation_id))

    async def spending(self, now: int, windows: Sequence[Window]) -> Spending:
        """The sums for these windows at this moment, or at the latest one known where that is later."""
        known = await self._read(lambda db: _known_spending(db, now, windows))
        if known is not None:
            return known
        return await self._write(lambda db: rows.spending(db, rows.advance(db, now), windows))

    async def claim(self, work: str, holder: str, now: int, seconds: int) -> bool:
        """Take on work that only one process should do, for so many seconds; False while another one has it."""
        return await self._write(lambda db: rows.claim(db, work, holder, now, seconds))

    async def ask(self, question: Question) -> Approval:
        """Write down a question to a person."""
        return await self._write(lambda db: _ask(db, question))

    async def answer(self, code: str, state: ApprovalState, by: str, now: int) -> Approval:
        """Write down what a person said to a question: approved or denied, once."""
        said = await self._write(lambda db: _answer(db, code, state, by, now))
        if isinstance(said, Failure):
            raise said
        return said

    async def use_approval(self, code: str, now: int) -> bool:
        """Use a yes up: True once, False when there is none, it is too old, or it was used."""
        return await self._write(lambda db: _use(db, code, rows.advance(db, now)))

    async def open_approvals(self, now: int) -> Sequence[Approval]:
        """The questions that can still be answered, or whose yes can still be used, oldest first."""
        return await self._read(lambda db: tuple(approvals.open_approvals(db, max(now, rows.latest(db)))))

    async def record(self, record: Record) -> None:
        """Add to the audit trail what this ledger does not record by itself: reservations and entries it does."""
        await self._write(lambda db: audit.add_record(db, record))

    async def record_news(self, record: Record) -> bool:
        """The same, unless the newest record of its kind says the same facts already; whether it was new."""
        return await self._write(lambda db: audit.add_news(db, record))

    async def records(self, since: int = 0, pod_id: str | None = None, most: int = 1000) -> Sequence[Record]:
        """The newest records of the audit trail since a time, of one pod where one is named, oldest first."""
        return await self._read(lambda db: tuple(audit.records(db, since, pod_id, most)))

    async def was_made(self, tool: str, thing_id: str) -> bool:
        """Whether the audit trail holds a record of kind `made` by this tool of a thing of this id."""
        return await self._read(lambda db: audit.was_made(db, tool, thing_id))

    async def verify_audit(self, tell: Tell = nobody_hears) -> Sequence[str]:
        """Follow the chain of the audit trail from its beginning, and say what was changed, is missing or was moved."""
        return await self._read(lambda db: (*audit_problems(db, tell), *deed_problems(db, tell)))

    async def verify(self, tell: Tell = nobody_hears) -> Sequence[str]:
        """Compute everything that is derived anew, from all that was ever written, and say what differs."""
        return await self._read(lambda db: tuple(problems(db, tell)))

    async def close(self) -> None:
        """Close the file; the next call opens it again."""
        await self._in_thread(self._file.close)

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._in_thread(lambda: self._transaction(work, write=False))

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._in_thread(lambda: self._transaction(work, write=True))

    def _transaction(self, work: Callable[[sqlite3.Connection], T], *, write: bool) -> T:
        with self._file.transaction(write=write) as db:
            return work(db)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(work, limiter=self._one_at_a_time())

    def _one_at_a_time(self) -> anyio.CapacityLimiter:
        """One thread for each event loop; between loops, the file's own lock keeps the order."""
        try:
            return self._limiter.get()
        except LookupError:
            self._limiter.set(limiter := anyio.CapacityLimiter(1))
            return limiter


def _reserve(db: sqlite3.Connection, reservation: Reservation, judge: Judge) -> Reserved | Repeated | Deny:
    if repeated := rows.find_repeated(db, reservation.principal, reservation.request_id):
        return Repeated(repeated)
    if rows.find_lease(db, reservation.id):
        raise Failure(Code.CONFLICT, f"The reservation {reservation.id} already exists.", Retry.NEVER)
    now = rows.advance(db, reservation.opened_at)
    reservation = reservation.moved_to(now)
    denied = judge(rows.spending(db, now, reservation.plan().windows()))
    return denied or Reserved(rows.add_reservation(db, reservation))


def _step(db: sqlite3.Connection, reservation_id: str, entry: Entry) -> tuple[Lease, Lease | None, Entry]:
    """Where the lease stands, where it stands after the entry (None: it changes nothing), and the entry to write."""
    lease = rows.find_lease(db, reservation_id)
    if lease is None:
        raise Failure(Code.NOT_FOUND, f"The ledger has no reservation {reservation_id}.", Retry.NEVER)
    if makes_cheaper(lease, entry):
        entry = replace(entry, at=max(entry.at, rows.latest(db)))  # what was spent stays spent
    after = step(lease, entry)
    if after and after.still_counts and after.pod_id:
        holder = rows.holder_of_pod(db, after.pod_id)
        if holder not in (None, reservation_id):
            raise Failure(Code.CONFLICT, f"Pod {after.pod_id} already has the lease {holder}.", Retry.NEVER)
    return lease, after, entry


def _apply(db: sqlite3.Connection, lease: Lease, after: Lease | None, entry: Entry) -> Lease:
    if after is None:
        return lease
    rows.add_entry(db, entry, after)
    return after


def _amend(db: sqlite3.Connection, reservation_id: str, entry: Entry, judge: ChangeJudge) -> Lease | Deny:
    lease, after, entry = _step(db, reservation_id, entry)
    if after is None or not after.still_counts:
        return _apply(db, lease, after, entry)
    now = rows.advance(db, entry.at)
    past, plan = after.parted(now)
    others = rows.spending(db, now, plan.windows(), but=reservation_id)
    denied = judge(replace(others, holdings=(*others.holdings, past)), plan)
    return denied or _apply(db, lease, after, entry)


def _known_spending(db: sqlite3.Connection, now: int, windows: Sequence[Window]) -> Spending | None:
    """The sums at the latest moment seen; None when `now` is later, and must be noted first."""
    known = rows.latest(db)
    return rows.spending(db, known, windows) if now <= known else None


def _ask(db: sqlite3.Connection, question: Question) -> Approval:
    audit.add_record(db, approvals.of_question(question))
    return approvals.add_question(db, question)


def _answer(db: sqlite3.Connection, code: str, state: ApprovalState, by: str, now: int) -> Approval | Failure:
    said = approvals.add_answer(db, code, state, by, rows.advance(db, now))
    if isinstance(said, Approval):
        audit.add_record(db, approvals.of_answer(said))
    return said


def _use(db: sqlite3.Connection, code: str, now: int) -> bool:
    used = approvals.use(db, code, now)
    if used:
        audit.add_record(db, approvals.of_use(used, now))
    return used is not None
