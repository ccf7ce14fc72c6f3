"""The tool that shows what Runpod billed, beside what the ledger holds."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any, Self

from mcp_types import CallToolResult
from pydantic import Field, model_validator

from runpod_mcp.clock import epoch, from_epoch, iso
from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows import spend
from runpod_mcp.flows.context import House
from runpod_mcp.flows.spend import Asked, Bucket, By, Row, Spend
from runpod_mcp.money import Usd, as_dollars, show_dollars
from runpod_mcp.pods.create_input import SENSIBLE
from runpod_mcp.pods.words import clean
from runpod_mcp.server.arguments import Moment, Page, page_of
from runpod_mcp.server.replies import Reply, said
from runpod_mcp.server.tool import ToolSpec

DEFAULT_DAYS = 7
WORTH_TELLING = Usd(10_000)
"""A cent: rounding and a pod's first seconds make up less."""


class GetSpending(Page):
    """Which spending to show."""

    by: By = "pod"
    since: Moment | None = None
    until: Moment | None = Field(None, description="Now when left out.")
    days: Annotated[int, Field(ge=1, le=3660), SENSIBLE] | None = Field(
        None, description=f"Instead of since; {DEFAULT_DAYS} when both are left out."
    )
    bucket: Bucket = "day"
    only: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description="One pod, GPU type, endpoint or volume by its id."
    )

    @model_validator(mode="after")
    def _since_or_days(self) -> Self:
        if self.since is not None and self.days is not None:
            raise ValueError("say since or days, not both")
        return self

    def asked(self, now: datetime) -> Asked:
        """The same for the flow; a time without a zone is UTC.

        Raises:
            Failure: `invalid_arguments`, the days before `until` are all to come.
        """
        end = epoch(_utc(self.until)) if self.until else epoch(now)
        start = epoch(_utc(self.since)) if self.since else end - 86_400 * (self.days or DEFAULT_DAYS)
        if self.since is None and start > epoch(now):
            message = "until is in the future; leave it out for what was billed until now."
            raise Failure(Code.INVALID_ARGUMENTS, message, field="until")
        return Asked(by=self.by, start=max(0, start), end=end, bucket=self.bucket, only=self.only)

    @property
    def kind(self) -> str:
        """What its cursors are good for: pages of this spending and no other."""
        return (
            f"spending-{sha256(self.model_dump_json(exclude={'limit', 'cursor'}).encode()).hexdigest()[:8]}"
        )


class SpendingReply(Reply):
    """What was billed from `since` until `until`, the dearest first, in US dollars."""

    by: By
    since: str
    until: str
    billedUsd: float
    managed: dict[str, Any] | None = Field(
        None, description="Of what this server manages; difference is billed minus ledger."
    )
    differing: int | None = Field(None, description="Rows that differ by more than a cent.")
    buckets: list[dict[str, Any]] = Field(description="What each bucket cost.")
    rows: list[dict[str, Any]]
    total: int
    notes: list[str]
    nextCursor: str | None = None


async def _get(house: House, asked: GetSpending) -> CallToolResult:
    found = await spend.get_spending(house, asked.asked(house.clock.now()))
    rows = [_row(row, found.compared) for row in found.rows]
    shown, cursor = page_of(rows, asked.kind, asked)
    facts: dict[str, Any] = {
        "by": asked.by,
        "since": iso(from_epoch(found.start)),
        "until": iso(from_epoch(found.end)),
        "billedUsd": as_dollars(found.billed),
        **(_compared(found) if found.compared else {}),
        "buckets": [
            {"from": _short(begins, asked.bucket), "usd": as_dollars(usd)} for begins, usd in found.buckets
        ],
        "rows": shown,
        "total": len(rows),
        "notes": _notes(asked, found),
    }
    return said(_words(facts, cursor), facts | ({"nextCursor": cursor} if cursor else {}))


def _compared(found: Spend) -> dict[str, Any]:
    managed = _row(found.managed, compared=True)
    return {
        "managed": {name: managed[name] for name in ("billedUsd", "ledgerUsd", "differenceUsd")},
        "differing": sum(abs(row.difference or 0) > WORTH_TELLING for row in found.rows),
    }


def _row(row: Row, compared: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "id": clean(row.id, 64) if row.id else "all",
        "billedUsd": as_dollars(row.billed),
    }
    if row.ledger is not None and row.difference is not None:
        return facts | {"ledgerUsd": as_dollars(row.ledger), "differenceUsd": as_dollars(row.difference)}
    return facts | ({"managed": False} if compared else {})


def _short(moment: int, bucket: Bucket) -> str:
    time = from_epoch(moment)
    return iso(time) if bucket == "hour" else f"{time:%Y-%m-%d}" if bucket == "day" else f"{time:%Y-%m}"


def _notes(asked: GetSpending, found: Spend) -> list[str]:
    notes = ["Runpod bills about an hour late: what came after until is in no figure here."]
    if asked.by == "endpoint":
        notes.append(
            "The ledger counts an endpoint as if all its workers ran all the time; Runpod bills those that ran."
        )
    if any(row.id == spend.UNKNOWN for row in found.rows):
        notes.append(
            "Runpod tells no GPU type of pods that are gone; those that nobody remembers are unknown."
        )
    if not found.compared:
        notes.append("These figures are Runpod's alone; by pod shows them beside the ledger.")
    return notes


def _words(facts: dict[str, Any], cursor: str | None) -> str:
    count = "1 row" if facts["total"] == 1 else f"{facts['total']} rows"
    head = f"Billed by {facts['by']} from {facts['since']} until {facts['until']}: {show_dollars(facts['billedUsd'])} in {count}."
    lines = [head]
    if "managed" in facts:
        differing = f"{facts['differing']} differ by more than a cent"
        lines.append(f"Managed here: {_beside(facts['managed'])}; {differing}.")
    if facts["buckets"]:
        lines.append(", ".join(f"{one['from']} {show_dollars(one['usd'])}" for one in facts["buckets"]))
    lines += [f"{row['id']}: {_beside(row)}" for row in facts["rows"]]
    lines += [f"Note: {note}" for note in facts["notes"]]
    return "\n".join([*lines, *([f"More: cursor {cursor}"] if cursor else [])])


def _beside(row: dict[str, Any]) -> str:
    billed = f"billed {show_dollars(row['billedUsd'])}"
    if "ledgerUsd" not in row:
        return f"{billed}, not managed" if "managed" in row else billed
    return (
        f"{billed}, ledger {show_dollars(row['ledgerUsd'])}, difference {show_dollars(row['differenceUsd'])}"
    )


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


BILLING_TOOLS = [
    ToolSpec(
        name="get_spending",
        title="Show spending",
        description=(
            "What Runpod billed by pod, GPU type, endpoint or network volume over a time, and where it differs from this "
            "server's ledger. The last hour or so is not billed yet."
        ),
        arguments=GetSpending,
        reply=SpendingReply,
        handler=_get,
        reads_only=True,
        repeatable=True,
    ),
]
