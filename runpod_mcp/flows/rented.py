"""What a create comes to."""

from __future__ import annotations

from dataclasses import dataclass

from runpod_mcp.ledger.entries import Lease
from runpod_mcp.pods.pod import Pod
from runpod_mcp.policy.offer import Offer


@dataclass(frozen=True, slots=True)
class Held:
    """An offer with the money for it set aside."""

    offer: Offer
    lease: Lease

    @property
    def id(self) -> str:
        """The reservation's id, which is the pod's tag."""
        return self.lease.reservation.id


@dataclass(frozen=True, slots=True)
class Rented:
    """A pod and its lease; `offer` is None when an earlier call with the same request id made it."""

    pod: Pod
    lease: Lease
    offer: Offer | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WouldRent:
    """What a dry run found: the offer, and why a person would be asked first, if one would."""

    offer: Offer
    asks: str | None
