"""What Runpod has charged, hour by hour or month by month; it lags by about an hour and leaves out what cost nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from runpod_mcp.errors import Failure
from runpod_mcp.money import Usd, dollars
from runpod_mcp.runpod.failures import unreadable
from runpod_mcp.runpod.gaps import gap
from runpod_mcp.runpod.reading import number

BillingSubject = Literal[
    "everything", "pods", "serverless", "public_endpoints", "network_volumes", "clusters"
]
BillingBucket = Literal["hour", "day", "week", "month", "year"]
BillingGroup = Literal["resource", "gpu_type"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingQuestion:
    """What to read: the charges for a subject from `start` until `end` (UTC), summed by bucket and group.

    Without times Runpod answers for the last 30 days (v2 document). `resource_id` is one pod, endpoint, volume or
    cluster.
    """

    subject: BillingSubject
    start: datetime | None = None
    end: datetime | None = None
    bucket: BillingBucket = "day"
    group: BillingGroup = "resource"
    resource_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingRow:
    """One bucket of one group: what it cost, rounded up to a micro-dollar, and of what it is made, where that is told.

    `parts` are amounts by name (`gpu`, `disk`, `standard` …): in v2 they are the amount's parts, in v1 the document
    does not say whether they are within it. `seconds` is the time billed, rounded up, and `disk_gb` the storage (v1).
    """

    start: datetime
    amount: Usd
    end: datetime | None = None
    resource_id: str | None = None
    gpu_type_id: str | None = None
    seconds: int | None = None
    disk_gb: int | None = None
    parts: Mapping[str, Usd] = field(default_factory=dict)


class Billing(Protocol):
    """Charges, as the flows see them."""

    def gaps(self, question: BillingQuestion) -> Sequence[Failure]:
        """What this dialect cannot answer; `read` raises the first of them without asking."""
        ...

    async def read(self, question: BillingQuestion) -> list[BillingRow]:
        """The charges, in Runpod's order.

        Raises:
            Failure: they could not be had, or one amount of them could not be read.
        """
        ...


def read_amount(value: object) -> Usd:
    """An amount in dollars, rounded up to a micro-dollar; a credit is below zero.

    Raises:
        Failure: it is no amount; money that cannot be read is not taken for none.
    """
    if not isinstance(value, int | float) or number(value) is None:
        raise unreadable("charges")
    return dollars(value)


def times(question: BillingQuestion) -> dict[str, str]:
    """The part of a query that both dialects write the same way."""
    asked = {"startTime": question.start, "endTime": question.end}
    moments = {
        name: time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for name, time in asked.items() if time
    }
    return {**moments, "bucketSize": question.bucket}


def question_gaps(question: BillingQuestion) -> list[Failure]:
    """What neither dialect can answer."""
    if question.start and question.end and question.end <= question.start:
        return [gap("endTime", "The end of a billing period comes after its start.")]
    return []


def rows(listed: Any, read: Callable[[object], BillingRow]) -> list[BillingRow]:
    """Every row of a list.

    Raises:
        Failure: it is no list, or one of its rows cannot be read.
    """
    if not isinstance(listed, list):
        raise unreadable("charges")
    return [read(row) for row in listed]
