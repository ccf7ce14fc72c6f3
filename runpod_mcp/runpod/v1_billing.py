"""Charges in v1: pods and serverless endpoints by resource or GPU type, and all network volumes in one sum."""

from __future__ import annotations

from functools import partial

from runpod_mcp.errors import Failure
from runpod_mcp.money import Usd
from runpod_mcp.runpod.billing import (
    BillingQuestion,
    BillingRow,
    BillingSubject,
    question_gaps,
    read_amount,
    rows,
    times,
)
from runpod_mcp.runpod.failures import unreadable
from runpod_mcp.runpod.gaps import gap
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.questions import ask
from runpod_mcp.runpod.reading import fields, moment, text, whole

_PLACES: dict[BillingSubject, tuple[str, str | None]] = {
    "pods": ("/billing/pods", "podId"),
    "serverless": ("/billing/endpoints", "endpointId"),
    "network_volumes": ("/billing/networkvolumes", None),
}


class V1Billing:
    """`Billing` in v1; see there for what each method promises."""

    def __init__(self, wire: Wire) -> None:
        """`wire` leads to a base URL ending in `/v1`."""
        self._wire = wire

    def gaps(self, question: BillingQuestion) -> list[Failure]:
        """What v1 cannot answer."""
        found = question_gaps(question)
        if question.subject not in _PLACES:
            known = ", ".join(_PLACES)
            found.append(gap("subject", f"Runpod's v1 API bills {known}; ask for one of these, or use v2."))
        if question.subject == "network_volumes":
            if question.resource_id is not None:
                message = (
                    "Runpod's v1 API bills all network volumes in one sum; leave resourceId out, or use v2."
                )
                found.append(gap("resourceId", message))
            if question.group == "gpu_type":
                found.append(gap("grouping", "Network volumes have no GPU type; leave grouping out."))
        return found

    async def read(self, question: BillingQuestion) -> list[BillingRow]:
        """The charges; v1 sends a bare list."""
        for failure in self.gaps(question):
            raise failure
        path, resource = _PLACES[question.subject]
        query = times(question)
        if resource:
            query["grouping"] = "gpuTypeId" if question.group == "gpu_type" else resource
            if question.resource_id is not None:
                query[resource] = question.resource_id
        return rows(await ask(self._wire, path, "charges", query), partial(_row, resource))


def _row(resource: str | None, value: object) -> BillingRow:
    body = fields(value)
    start = moment(body.get("time"))
    if start is None:
        raise unreadable("charges")
    milliseconds = whole(body.get("timeBilledMs"))
    return BillingRow(
        start=start,
        amount=read_amount(body.get("amount")),
        resource_id=text(body.get(resource)) if resource else None,
        gpu_type_id=text(body.get("gpuTypeId")),
        seconds=None if milliseconds is None else -(-milliseconds // 1000),
        disk_gb=whole(body.get("diskSpaceBilledGb")),
        parts=_parts(body.get("highPerformanceStorageAmount")),
    )


def _parts(high_performance: object) -> dict[str, Usd]:
    return {} if high_performance is None else {"high_performance": read_amount(high_performance)}
