"""Charges in v2, where every subject has a path of its own and a row is for one resource."""

from __future__ import annotations

import re
from functools import partial

from runpod_mcp.errors import Failure
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
from runpod_mcp.runpod.reading import fields, moment, text

_PLACES: dict[BillingSubject, tuple[str, str | None]] = {
    "everything": ("/billing", None),
    "pods": ("/billing/pods", "podId"),
    "serverless": ("/billing/serverless", "serverlessId"),
    "public_endpoints": ("/billing/endpoints", None),
    "network_volumes": ("/billing/network-volumes", "networkVolumeId"),
    "clusters": ("/billing/clusters", "clusterId"),
}
"""Each subject's path and the name of its resource; `endpoints` are Runpod's public ones."""

_PART = re.compile(r"[a-z][A-Za-z]{0,40}Amount")


class V2Billing:
    """`Billing` in v2; see there for what each method promises."""

    def __init__(self, wire: Wire) -> None:
        """`wire` leads to a base URL ending in `/v2`."""
        self._wire = wire

    def gaps(self, question: BillingQuestion) -> list[Failure]:
        """What v2 cannot answer."""
        found = question_gaps(question)
        if question.group == "gpu_type":
            found.append(
                gap("grouping", "Runpod's v2 API sums charges by resource only; leave grouping out.")
            )
        if question.resource_id is not None and _PLACES[question.subject][1] is None:
            found.append(
                gap("resourceId", f"Charges for {question.subject} are one sum; leave resourceId out.")
            )
        return found

    async def read(self, question: BillingQuestion) -> list[BillingRow]:
        """The charges."""
        for failure in self.gaps(question):
            raise failure
        path, resource = _PLACES[question.subject]
        query = times(question)
        if resource and question.resource_id is not None:
            query[resource] = question.resource_id
        body = await ask(self._wire, path, "charges", query)
        return rows(fields(body).get("records"), partial(_row, resource))


def _row(resource: str | None, value: object) -> BillingRow:
    body = fields(value)
    start = moment(body.get("startTime"))
    if start is None:
        raise unreadable("charges")
    parts = {name: amount for name, amount in body.items() if _PART.fullmatch(name) and name != "totalAmount"}
    return BillingRow(
        start=start,
        end=moment(body.get("endTime")),
        amount=read_amount(body.get("totalAmount")),
        resource_id=text(body.get(resource)) if resource else None,
        parts={_plain(name): read_amount(amount) for name, amount in parts.items()},
    )


def _plain(name: str) -> str:
    """`highPerformanceAmount` as `high_performance`."""
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name.removesuffix("Amount"))
