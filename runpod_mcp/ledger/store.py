"""The ledger's one interface; one contract suite tests every engine behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from runpod_mcp.ledger.approvals import Approval, ApprovalState, Question
from runpod_mcp.ledger.audit import Record
from runpod_mcp.ledger.entries import Entry, Lease, Reservation
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.spending import Plan, Spending, Window

Judge = Callable[[Spending], Deny | None]
"""Looks at everything committed at this moment and says no, or nothing. Pure: it runs inside a transaction."""

ChangeJudge = Callable[[Spending, Plan], Deny | None]
"""The same for a lease that is to change: what all else counts with the lease's own past, and its changed future."""


Tell = Callable[[int, str], None]


def nobody_hears(rows: int, what: str) -> None:
    """For work whose progress nobody wants to know."""


MOST_LEASES = 20_000
"""So many leases are read at once; what needs more is asked for in smaller parts."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """The money is set aside."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Repeated:
    """This principal already made a request under this request id, and it was not voided."""

    lease: Lease


class Ledger(Protocol):
    """Durable, shared by any number of processes. Every method raises `Failure(LEDGER_UNAVAILABLE)` when it cannot
    read or write, and then nothing was written.

    Time never runs backwards in it: it keeps the latest moment that `reserve`, `amend` or `spending` was told, and
    what they take for now is never earlier than that.
    """

    async def reserve(self, reservation: Reservation, judge: Judge) -> Reserved | Repeated | Deny:
        """Set money aside, in one transaction: look for the request id, ask the judge, write.

        The judge sees the spending of every window the reservation's plan touches. Where the
        ledger has seen a later moment than `opened_at`, the reservation is moved to it, its length kept; `Reserved`
        holds it as written. Whether a repeated request has the same arguments is the caller's to compare.

        Raises:
            Failure: CONFLICT, a reservation of this id exists.
        """
        ...

    async def write(self, reservation_id: str, entry: Entry) -> Lease:
        """Append one entry, if it makes sense where the lease stands, and return the lease after it.

        For facts, which are recorded whatever they cost, and for what makes a lease cheaper or shorter. An entry that
        was already applied (settling twice with the same pod, ending what has ended, voiding what is void) changes
        nothing, so a replay is harmless.

        Raises:
            Failure: CONFLICT, it contradicts what stands (settling what is void, another pod);
                NOT_FOUND, there is no such reservation.
        """
        ...

    async def amend(self, reservation_id: str, entry: Entry, judge: ChangeJudge) -> Lease | Deny:
        """Append one entry that may make a lease dearer or longer, if the judge has nothing against it.

        As `write`, with the judge asked in the same transaction, so that changes cannot race past a budget; `entry.at`
        is now. A denied change writes nothing; one that changes nothing is not judged.
        """
        ...

    async def lease(self, reservation_id: str) -> Lease | None:
        """One lease, whatever its state."""
        ...

    async def lease_of_pod(self, pod_id: str) -> Lease | None:
        """The lease of a pod, whatever its state, the latest of several; None when the pod is not managed."""
        ...

    async def lease_of_request(self, principal: str, request_id: str) -> Lease | None:
        """The latest lease made under a request id, unless it was voided."""
        ...

    async def leases(self) -> Sequence[Lease]:
        """Everything that still counts, oldest first."""
        ...

    async def leases_between(self, start: int, end: int) -> Sequence[Lease]:
        """The leases that were in the sums at any time of [start, end), oldest first: living ones, whose end nobody
        knows, and ended ones that cost something then. What it costs does not grow with what is before and after.

        Raises:
            Failure: INVALID_ARGUMENTS, there are more than `MOST_LEASES` on these days.
        """
        ...

    async def page_of_leases(
        self, start: int, end: int, after: str, most: int
    ) -> tuple[Sequence[Lease], str | None]:
        """The same in parts of at most so many, by the ids of reservations, for any number of leases: those behind the
        id `after` (empty: from the first), and behind which id the next part begins; None where there is none.
        """
        ...

    async def entries(self, reservation_id: str) -> Sequence[Entry]:
        """What was written about a reservation, oldest first, each with its `seq`; empty when there is nothing."""
        ...

    async def spending(self, now: int, windows: Sequence[Window]) -> Spending:
        """The sums for these windows at this moment, or at the latest one known where that is later."""
        ...

    async def claim(self, work: str, holder: str, now: int, seconds: int) -> bool:
        """Take on work that only one process should do, for so many seconds; False while another one has it.

        The same holder may claim again at once. A claim keeps work from being done twice at a time; it is no lock to
        stand on, because a holder that sleeps through its claim does not notice.
        """
        ...

    async def ask(self, question: Question) -> Approval:
        """Write down a question to a person."""
        ...

    async def answer(self, code: str, state: ApprovalState, by: str, now: int) -> Approval:
        """Write down what a person said to a question: approved or denied, once.

        Raises:
            Failure: NOT_FOUND, no such code; CONFLICT, it was answered, used or is too old; RATE_LIMITED, wrong
                codes came too fast.
        """
        ...

    async def use_approval(self, code: str, now: int) -> bool:
        """Use a yes up: True once, False when there is none, it is too old, or it was used."""
        ...

    async def open_approvals(self, now: int) -> Sequence[Approval]:
        """The questions that can still be answered, or whose yes can still be used, oldest first."""
        ...

    async def record(self, record: Record) -> None:
        """Add to the audit trail what this ledger does not record by itself: reservations and entries it does."""
        ...

    async def record_news(self, record: Record) -> bool:
        """The same, unless the newest record of its kind says the same facts already; whether it was new."""
        ...

    async def records(self, since: int = 0, pod_id: str | None = None, most: int = 1000) -> Sequence[Record]:
        """The newest records of the audit trail since a time, of one pod where one is named, oldest first."""
        ...

    async def was_made(self, tool: str, thing_id: str) -> bool:
        """Whether the audit trail holds a record of kind `made` by this tool of a thing of this id.

        What it costs does not grow with the trail.
        """
        ...

    async def verify_audit(self, tell: Tell = nobody_hears) -> Sequence[str]:
        """Follow the chain of the audit trail from its beginning, and say what was changed, is missing or was moved.

        `tell` hears now and then, in another thread, how many rows were read and what is read.
        """
        ...

    async def verify(self, tell: Tell = nobody_hears) -> Sequence[str]:
        """Compute everything that is derived anew, from all that was ever written, and say what differs.

        Empty when the ledger is sound. Reads every row: for a person who asks, not for every start.
        """
        ...

    async def close(self) -> None:
        """Close the file or connection; the next call opens it again."""
        ...
