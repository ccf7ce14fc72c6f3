"""Billing of v2: the books' rows by bucket, a while late, without buckets of nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from runpod_mcp.simulator.books import Row
from runpod_mcp.simulator.calls import Call, Reply, Route
from runpod_mcp.simulator.periods import BUCKETS, Bill, bills, bucket_of, next_bucket
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.world import World

Amounts = Mapping[str, float]
_WINDOW = timedelta(days=30)
_MOST_BUCKETS = {"year": 100}
_STAMP = "%Y-%m-%dT%H:%M:%SZ"
_NOT_PLAYED = ("serverlessFeeAmount", "serverlessDiskAmount", "endpointAmount")
_OF_CLUSTERS = ("clusterGpuAmount", "clusterDiskAmount", "clusterNetworkingAmount")


@dataclass(frozen=True)
class Query:
    """The resolved window of a billing read, on bucket boundaries."""

    size: str
    start: datetime
    end: datetime

    def shown(self) -> dict[str, Any]:
        """The window as the answer echoes it."""
        return {**_range(self.start, self.end), "bucketSize": self.size}


class Billing:
    """The operations under `/v2/billing`. Public endpoints and clusters are not played: they cost nothing here."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """Everything together, and each family of resources."""
        nothing = {"totalAmount": 0.0}
        cluster = {**nothing, "gpuAmount": 0.0, "diskAmount": 0.0, "networkingAmount": 0.0}
        works: Mapping[str, Callable[[Call], Reply]] = {
            "": self._everything,
            "/pods": self._family("pod", "podId", "uniquePodCount", self._compute),
            "/serverless": self._family("worker", "serverlessId", "uniqueServerlessCount", self._serverless),
            "/endpoints": self._nothing(nothing),
            "/network-volumes": self._family(
                "network_volume", "networkVolumeId", "uniqueNetworkVolumeCount", self._storage
            ),
            "/clusters": self._nothing(cluster, "clusterId", "uniqueClusterCount"),
        }
        return [Route("GET", f"/billing{path}", "billing", work) for path, work in works.items()]

    def _family(
        self, kind: str, id_name: str, count_name: str, amounts: Callable[[str, Bill], Amounts]
    ) -> Callable[[Call], Reply]:
        def work(call: Call) -> Reply:
            query, wanted = read_query(call, self._world.now()), call.asked(id_name)
            found = self._bills(kind, query, lambda row: _only(wanted, row.owner or row.id))
            resources = self._resources(kind)
            records = [
                {**_bucket(start, query.size), id_name: name, **amounts(resources[name], bill)}
                for (start, name), bill in found.items()
            ]
            names = {name for _, name in found}
            query_shown = {**query.shown(), id_name: wanted}
            zero = amounts("", Bill())
            return _answer(records, query_shown, zero, {count_name: len(names)})

        return work

    def _bills(
        self, kind: str, query: Query, group: Callable[[Row], str | None]
    ) -> Mapping[tuple[datetime, str], Bill]:
        known = self._world.now() - timedelta(seconds=self._world.settings.billing_lag_seconds)
        return bills(self._world.books, kind, query.size, (query.start, query.end), known, group)

    def _resources(self, kind: str) -> dict[str, str]:
        return {row.owner or row.id: row.resource for row in self._world.books.rows if row.kind == kind}

    def _compute(self, resource: str, bill: Bill) -> Amounts:
        is_cpu = resource in self._world.price_list.cpus
        return {
            "totalAmount": float(bill.total),
            "gpuAmount": 0.0 if is_cpu else float(bill.compute),
            "cpuAmount": float(bill.compute) if is_cpu else 0.0,
            "diskAmount": float(bill.disks),
        }

    def _serverless(self, resource: str, bill: Bill) -> Amounts:
        return {**self._compute(resource, bill), "feeAmount": 0.0}

    def _storage(self, tier: str, bill: Bill) -> Amounts:
        fast = tier == "HIGH_PERFORMANCE"
        return {
            "totalAmount": float(bill.total),
            "standardAmount": 0.0 if fast else float(bill.disks),
            "highPerformanceAmount": float(bill.disks) if fast else 0.0,
        }

    def _nothing(self, zero: Amounts, id_name: str = "", count_name: str = "") -> Callable[[Call], Reply]:
        def work(call: Call) -> Reply:
            query = read_query(call, self._world.now()).shown()
            shown = {**query, id_name: call.asked(id_name)} if id_name else query
            return _answer([], shown, zero, {count_name: 0} if count_name else {})

        return work

    def _everything(self, call: Call) -> Reply:
        query = read_query(call, self._world.now())
        zero = dict.fromkeys((*self._parts("", "", Bill()), *_NOT_PLAYED, *_OF_CLUSTERS), 0.0)
        sums: dict[datetime, dict[str, float]] = {}
        for kind in ("pod", "worker", "network_volume"):
            resources = self._resources(kind)
            for (start, name), bill in self._bills(kind, query, lambda row: row.owner or row.id).items():
                record = sums.setdefault(start, dict(zero))
                for part, amount in self._parts(kind, resources[name], bill).items():
                    record[part] += amount
        records = [{**_bucket(start, query.size), **sums[start]} for start in sorted(sums)]
        return _answer(records, query.shown(), zero, {})

    def _parts(self, kind: str, resource: str, bill: Bill) -> dict[str, float]:
        pod = bill if kind == "pod" else Bill()
        worker = bill if kind == "worker" else Bill()
        volume = bill if kind == "network_volume" else Bill()
        of_pods, of_workers = self._compute(resource, pod), self._compute(resource, worker)
        of_volumes = self._storage(resource, volume)
        return {
            "totalAmount": float(bill.total),
            "podGpuAmount": of_pods["gpuAmount"],
            "podCpuAmount": of_pods["cpuAmount"],
            "podDiskAmount": of_pods["diskAmount"],
            "serverlessGpuAmount": of_workers["gpuAmount"],
            "serverlessCpuAmount": of_workers["cpuAmount"],
            "storageStandardAmount": of_volumes["standardAmount"],
            "storageHighPerformanceAmount": of_volumes["highPerformanceAmount"],
        }


def _only(wanted: str | None, name: str) -> str | None:
    return name if wanted in (None, name) else None


def _range(start: datetime, end: datetime) -> dict[str, str]:
    return {"startTime": start.strftime(_STAMP), "endTime": end.strftime(_STAMP)}


def _bucket(start: datetime, size: str) -> dict[str, str]:
    return _range(start, next_bucket(start, size))


def _answer(
    records: list[dict[str, Any]], query: Mapping[str, Any], zero: Amounts, counts: Mapping[str, int]
) -> Reply:
    totals = {name: sum((record[name] for record in records), 0.0) for name in zero}
    metadata = {"query": query, "recordCount": len(records), **counts, "totals": totals}
    return Reply(200, {"records": records, "metadata": metadata})


def read_query(call: Call, now: datetime) -> Query:
    """The window a call asks for: the last 30 days by default, snapped outwards to buckets.

    `lastN` counts buckets back from the current one and stands alone (400 beside a time). 422 for what is malformed.
    """
    size = call.asked("bucketSize") or "day"
    if size not in BUCKETS:
        choices = ", ".join(repr(each) for each in BUCKETS)
        raise Refusal(Reason.INVALID, errors=[f"query.bucketSize: value must be one of {choices}"])
    start, end, last = call.asked("startTime"), call.asked("endTime"), call.asked("lastN")
    if last is None:
        begins = read_time("startTime", start) if start else now - _WINDOW
        return _snapped(size, begins, read_time("endTime", end) if end else now)
    if start or end:
        raise Refusal(Reason.RULE, "lastN and startTime/endTime are mutually exclusive")
    return _last(size, last, now)


def _snapped(size: str, start: datetime, end: datetime) -> Query:
    if end <= start:
        raise Refusal(Reason.RULE, "endTime must be after startTime")
    last = bucket_of(end, size)
    return Query(size, bucket_of(start, size), end if last == end else next_bucket(last, size))


def _last(size: str, last: str, now: datetime) -> Query:
    if not last.isascii() or not last.isdigit() or int(last) < 1:
        raise Refusal(Reason.INVALID, errors=["query.lastN: must be an integer of at least 1"])
    current = bucket_of(now, size)
    start = current
    for _ in range(min(int(last), _MOST_BUCKETS.get(size, 10_000)) - 1):
        start = bucket_of(start - timedelta(hours=1), size)
    return Query(size, start, next_bucket(current, size))


def read_time(name: str, text: str) -> datetime:
    """A time of a query parameter, in UTC; 422 where it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(Reason.INVALID, errors=[f"query.{name}: is not an RFC 3339 date-time"]) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
