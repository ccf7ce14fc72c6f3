"""What can be rented for a request, in which order, and what it can cost at most. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from runpod_mcp.catalog.placement import Candidate, LeftOut, Placement
from runpod_mcp.catalog.quote import Disks, Quote, Terms
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.policy.spending import Plan, lease_plan


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request with everything in it that price and policy look at.

    A template was read into it. `pinned` is the data center of its network volume, where it has one.
    """

    request: CreateRequest
    pinned: str | None = None

    @property
    def gpus(self) -> int:
        """GPUs in the pod."""
        return self.request.gpu_count if self.request.compute_type == "GPU" else 0

    @property
    def disks(self) -> Disks:
        """The disks that will be billed with the pod."""
        volume = (self.request.volume_in_gb or 0) if self.request.has_pod_volume else 0
        return Disks(self.request.container_disk_in_gb or 0, volume)


@dataclass(frozen=True, slots=True)
class Offer:
    """Candidates in order with the price of each; the quote is for the dearest of them."""

    wanted: Wanted
    placement: Placement
    terms: Terms

    @property
    def request(self) -> CreateRequest:
        """The request, with what a template supplied."""
        return self.wanted.request

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What can be tried, in order."""
        return self.placement.candidates

    @property
    def quote(self) -> Quote:
        """The ceiling: no candidate is dearer."""
        return self.quote_for(max(self.candidates, key=lambda candidate: candidate.usd_per_hour))

    def quote_for(self, candidate: Candidate) -> Quote:
        """The price of one candidate."""
        return Quote(candidate.usd_per_hour, self.wanted.disks, self.terms)

    def plan(self, now: int) -> Plan:
        """What the ceiling would add to the sums if the lease started now (seconds since 1970)."""
        return plan_of(self.quote, self.wanted.gpus, now)

    def without(self, dropped: Iterable[LeftOut]) -> Offer:
        """The same without these candidates, which are remembered as left out."""
        return replace(self, placement=self.placement.without(dropped))


def plan_of(quote: Quote, gpus: int, now: int) -> Plan:
    """What a quote adds to the sums from now on (seconds since 1970)."""
    ends = now + quote.terms.lease_seconds
    kept = ends + quote.terms.keep_stopped_seconds
    return lease_plan(now, ends, kept, quote.usd_per_hour, quote.disks.stopped_usd_per_hour, gpus)
