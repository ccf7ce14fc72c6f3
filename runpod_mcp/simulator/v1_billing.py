"""Billing of v1: the books' rows by bucket and group, a while late, without buckets of nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from runpod_mcp.simulator.books import Row
from runpod_mcp.simulator.calls import Call, Reply, Route
from runpod_mcp.simulator.periods import BUCKETS, Bill, bills
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.world import World

_WINDOW = timedelta(days=30)


class Billing:
    """The operations under `/v1/billing`. Without a start they tell of the last 30 days; the document sets none."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """Pods, endpoints, network volumes."""
        return [
            Route("GET", "/billing/pods", "billing", self._pods),
            Route("GET", "/billing/endpoints", "billing", self._endpoints),
            Route("GET", "/billing/networkvolumes", "billing", self._volumes),
        ]

    def _pods(self, call: Call) -> Reply:
        grouping = _choice(call, "grouping", ("podId", "gpuTypeId"), "gpuTypeId")
        wanted = {"podId": call.asked("podId"), "gpuTypeId": call.asked("gpuTypeId")}

        def group(row: Row) -> str | None:
            known = {"podId": row.id, "gpuTypeId": row.resource}
            return _grouped(known, wanted, grouping)

        return Reply(200, _records(self._bills(call, "pod", group), grouping))

    def _endpoints(self, call: Call) -> Reply:
        grouping = _choice(call, "grouping", ("endpointId", "podId", "gpuTypeId"), "endpointId")
        wanted = {"endpointId": call.asked("endpointId")}
        images, templates = call.asked("imageName"), call.asked("templateId")

        def group(row: Row) -> str | None:
            if images and self._image(row.owner) != images:
                return None
            if templates and self._template(row.owner) != templates:
                return None
            for name, value in (("dataCenterId", row.place), ("gpuTypeId", row.resource)):
                if name in call.query and value not in call.listed(name):
                    return None
            known = {"endpointId": row.owner, "podId": row.id, "gpuTypeId": row.resource}
            return _grouped(known, wanted, grouping)

        return Reply(200, _records(self._bills(call, "worker", group), grouping))

    def _template(self, endpoint_id: str) -> str | None:
        endpoint = self._world.fleet.endpoints.get(endpoint_id)
        return endpoint.template_id if endpoint else None

    def _image(self, endpoint_id: str) -> str | None:
        template = self._world.shelf.templates.get(self._template(endpoint_id) or "")
        return template.image if template else None

    def _volumes(self, call: Call) -> Reply:
        """One record a bucket: `amount` is all storage, the fast tier's part of it named beside."""
        found = self._bills(call, "network_volume", lambda row: row.resource)
        records: dict[datetime, dict[str, Any]] = {}
        for (start, tier), bill in found.items():
            record = records.setdefault(start, {"time": _stamp(start), "amount": 0.0, "diskSpaceBilledGb": 0})
            record["amount"] += float(bill.total)
            record["diskSpaceBilledGb"] += bill.gigabytes
            if tier == "HIGH_PERFORMANCE":
                record["highPerformanceStorageAmount"] = float(bill.total)
                record["highPerformanceStorageDiskSpaceBilledGb"] = bill.gigabytes
        return Reply(200, list(records.values()))

    def _bills(
        self, call: Call, kind: str, group: Callable[[Row], str | None]
    ) -> Mapping[tuple[datetime, str], Bill]:
        now = self._world.now()
        size = _choice(call, "bucketSize", BUCKETS, "day")
        end = _time(call, "endTime") or now
        window = (_time(call, "startTime") or now - _WINDOW, end)
        known = now - timedelta(seconds=self._world.settings.billing_lag_seconds)
        return bills(self._world.books, kind, size, window, known, group)


def _choice(call: Call, name: str, known: Sequence[str], default: str) -> str:
    value = call.asked(name) or default
    if value not in known:
        raise Refusal(Reason.INVALID, errors=[f"query.{name}: value must be one of {', '.join(known)}"])
    return value


def _time(call: Call, name: str) -> datetime | None:
    text = call.asked(name)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(Reason.INVALID, errors=[f"query.{name}: is no date-time"]) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _grouped(known: Mapping[str, str], wanted: Mapping[str, str | None], grouping: str) -> str | None:
    fits = all(value in (None, known[name]) for name, value in wanted.items())
    return known[grouping] if fits else None


def _records(found: Mapping[tuple[datetime, str], Bill], grouping: str) -> list[dict[str, Any]]:
    return [
        {
            "time": _stamp(start),
            grouping: name,
            "amount": float(bill.total),
            "timeBilledMs": bill.milliseconds,
            "diskSpaceBilledGb": bill.gigabytes,
        }
        for (start, name), bill in found.items()
    ]


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
