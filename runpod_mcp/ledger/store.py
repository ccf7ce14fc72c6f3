"""The ledger's one interface; one contract suite tests every engine behind it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from runpod_mcp.ledger.entries import Entry, Lease, Reservation
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.spending import Spending, Window

Judge = Callable[[Spending], Deny | None]
"""Looks at everything committed at this moment and says no, or nothing. Pure: it runs inside a transaction."""


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

    Time never runs backwards in it: it keeps the latest moment it has seen, and `now` is never earlier than that.
    """

    async def reserve(self, reservation: Reservation, judge: Judge) -> Reserved | Repeated | Deny:
        """Set money aside, in one transaction: look for the request id, ask the judge, write.

        The judge sees the spending of every window the reservation's plan touches.
        """
        ...

    async def write(self, reservation_id: str, entry: Entry) -> Lease:
        """Append one entry, if it makes sense where the lease stands, and return the lease after it.

        An entry that was already applied (settling twice with the same pod, ending what has ended, voiding what is
        void) changes nothing, so a replay is harmless. One that contradicts what stands (settling what is void,
        another pod) raises `Failure(CONFLICT)`.
        """
        ...

    async def lease(self, reservation_id: str) -> Lease | None:
        """One lease, whatever its state."""
        ...

    async def lease_of_pod(self, pod_id: str) -> Lease | None:
        """The lease of a pod, whatever its state; None when the pod is not managed."""
        ...

    async def leases(self) -> Sequence[Lease]:
        """Everything that still counts, oldest first."""
        ...

    async def spending(self, now: int, windows: Sequence[Window]) -> Spending:
        """The sums for these windows at this moment."""
        ...

    async def close(self) -> None:
        """Close the file or connection."""
        ...
