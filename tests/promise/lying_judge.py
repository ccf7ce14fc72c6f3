"""The judge of the stories about a lying cloud: reads the cloud's books as they grow and holds them against the limits.

Where the program states a bound instead of a zero, only that much is forgiven: what a pod is billed above the price it
was listed at, and what it costs after its lease because nobody could end it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from lying import FIGURES, Stage, broken

from runpod_mcp.ledger.entries import Lease, LeaseState
from runpod_mcp.money import MICRO
from runpod_mcp.pods.values import RESERVATION_TAG
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.spending import TOTAL
from runpod_mcp.simulator.books import Row

DAY = 86_400
QUOTED_WITHIN = 150
"""Seconds from the reading of a price to the pod that is made at it, trouble in between included."""
LOST = ("dropped", "hangs", None)


@dataclass
class Account:
    """What one of our pods costs now, and what it cost on each day, in time and below its listed price."""

    row: Row
    since: float
    cap: float = 0.0
    """What its GPUs can at least have been quoted at, in dollars per hour."""
    ceiling: float = 0.0
    """What they can at most have been quoted at."""
    days: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    charged: float = 0.0
    changes: int = 0
    dearest: float = 0.0

    @property
    def rate(self) -> float:
        """Dollars per hour, as far as it was listed so."""
        return min(float(self.row.compute), self.cap) + float(self.row.disks)


def by_day(start: float, end: float) -> Iterator[tuple[str, float]]:
    """The seconds of [start, end) in each UTC day."""
    while start < end:
        stop = min(end, (start // DAY + 1) * DAY)
        yield f"{datetime.fromtimestamp(start, UTC):%Y-%m-%d}", stop - start
        start = stop


@dataclass
class Judge:
    """Holds the books against one policy."""

    stage: Stage
    policy: Policy
    most_off: float = 0.0
    prices: list[tuple[float, str, float]] = field(default_factory=list)
    """Since when a GPU type was listed at which price, in order."""
    accounts: dict[str, Account] = field(default_factory=dict)
    _rows: int = 0
    _calls: int = 0
    _lost: set[str] = field(default_factory=set)

    def listed(self, gpu: str, price: float) -> None:
        """A GPU type is listed at this price from now on."""
        self.prices.append((self.now, gpu, price))

    @property
    def now(self) -> float:
        return self.stage.sim.now().timestamp()

    async def look(self) -> None:
        """Every promise, now."""
        leases = {one.reservation.id: one for one in await self.stage.door.leases()}
        self._read_rows({**leases, **await self._just_over(leases)})
        self._read_calls()
        self._no_twin()
        self._nothing_of_others_was_ended()
        self._no_orphan(leases)
        self._no_window_is_passed()

    async def _just_over(self, leases: Mapping[str, Lease]) -> dict[str, Lease]:
        """The leases that counted when last looked at, and do not now."""
        alive = {self.tag(pod_id) for pod_id, account in self.accounts.items() if not account.row.ended}
        over = [await self.stage.door.house.ledger.lease(tag) for tag in alive - set(leases)]
        return {lease.reservation.id: lease for lease in over if lease}

    def _read_rows(self, leases: Mapping[str, Lease]) -> None:
        rows = self.stage.sim.books.rows
        for row in rows[self._rows :]:
            if not row.by_hand:
                self._turn(row, leases)
                self._within()
        self._rows = len(rows)
        for account in self.accounts.values():
            self._charge(account, self.now, leases)

    def _turn(self, row: Row, leases: Mapping[str, Lease]) -> None:
        account = self.accounts.setdefault(row.id, Account(row, row.at.timestamp()))
        self._charge(account, row.at.timestamp(), leases)
        if row.what in ("created", "started"):
            account.cap, account.ceiling = self._quoted(row)
        account.row, account.changes = row, account.changes + 1
        account.dearest = max(account.dearest, account.rate)

    def _quoted(self, row: Row) -> tuple[float, float]:
        """The lowest and the highest price it can have been quoted at, in dollars per hour for all its GPUs.

        What is set aside for a request with several GPU types is the price of the dearest of them.
        """
        pod, at = self.stage.sim.world.pods[row.id], row.at.timestamp()
        types = {gpu for _, gpu, _ in self.prices}
        highest = max(price for gpu in types for price in self._lately(gpu, at))
        return min(self._lately(pod.resource_id, at)) * pod.gpus, highest * pod.gpus

    def _lately(self, gpu_type: str, at: float) -> list[float]:
        """The prices it was listed at shortly before a moment."""
        known = [(since, price) for since, gpu, price in self.prices if gpu == gpu_type and since <= at]
        ends = [since for since, _ in known[1:]] + [at]
        return [price for (_, price), end in zip(known, ends, strict=True) if end > at - QUOTED_WITHIN - 1]

    def _charge(self, account: Account, until: float, leases: Mapping[str, Lease]) -> None:
        """What it cost since it was last looked at; what it cost after its time is not put on a day."""
        row, start = account.row, account.since
        account.since = max(start, until)
        if row.ended:
            return
        account.charged += float(row.rate) * (account.since - start) / 3600
        lease = leases.get(self.tag(row.id))
        due = self._due(lease, row) if lease else account.since
        FIGURES["late"] += due < account.since
        for day, seconds in by_day(start, min(account.since, max(start, due))):
            account.days[day] += account.rate * seconds / 3600

    def _due(self, lease: Lease, row: Row) -> float:
        return float(lease.lease_ends_at if row.running else lease.stopped_until)

    def tag(self, pod_id: str) -> str:
        return self.stage.sim.world.pods[pod_id].order.env.get(RESERVATION_TAG, "")

    def _within(self) -> None:
        """No rate and no count above what is allowed, at the instant of the last row."""
        living = [account for account in self.accounts.values() if not account.row.ended]
        running = [account for account in living if account.row.running]
        burn, gpus = sum(account.rate for account in living), sum(account.row.gpus for account in running)
        FIGURES["peak share of the hourly budget, %"] = max(
            FIGURES["peak share of the hourly budget, %"],
            int(100 * burn / dollars(self.policy.budget.usd_per_hour)),
        )
        limits = [
            (burn, dollars(self.policy.budget.usd_per_hour) + 1e-5, "dollars per hour"),
            (len(running), or_none(self.policy.pods.max_running), "pods"),
            (gpus, or_none(self.policy.gpus.max_running), "GPUs"),
        ]
        for used, limit, what in limits:
            if used > limit:
                raise broken("overspend", f"{used} {what}; {limit} are allowed")

    def _read_calls(self) -> None:
        for seen in self.stage.sim.requests.seen:
            if seen.number <= self._calls:
                continue
            self._calls = seen.number
            for kind in seen.faults:
                FIGURES["faults injected"] += kind != "hold"
                FIGURES[f"fault {kind}"] += 1
            if seen.operation == "create":
                tag = seen.body["env"][RESERVATION_TAG]
                if tag in self._lost:
                    raise broken("sent again", f"{tag}, whose outcome was unknown")
                spoilt = {"garbage", "truncated"} & set(seen.faults)
                if seen.status in LOST or int(seen.status) >= 500 or (spoilt and int(seen.status) < 300):
                    self._lost.add(tag)

    def _no_twin(self) -> None:
        tags = Counter(self.tag(pod_id) for pod_id in self.accounts)
        if "" in tags or max(tags.values(), default=0) > 1:
            raise broken("twins", f"{tags}")

    def _nothing_of_others_was_ended(self) -> None:
        for pod in self.stage.sim.world.pods.values():
            if pod.by_hand and (pod.ended_at or pod.stopped_at):
                raise broken("wrong words", f"{pod.id} belongs to somebody else and was ended")

    def _no_orphan(self, leases: Mapping[str, Lease]) -> None:
        """What lives is counted, and at no less than it costs."""
        for pod_id, account in self.accounts.items():
            if account.row.ended:
                continue
            lease = leases.get(self.tag(pod_id))
            if lease is None:
                raise broken("orphans", f"{pod_id} lives and does not count")
            if account.row.running and lease.state is LeaseState.STOPPED:
                raise broken("orphans", f"{pod_id} runs and counts as stopped")
            counted = lease.usd_per_hour / MICRO
            if account.rate > counted + 1e-5:
                raise broken("orphans", f"{pod_id} costs {account.rate}/h and counts as {counted}/h: {lease}")

    def _no_window_is_passed(self) -> None:
        budget, sums, off = self.policy.budget, defaultdict[str, float](float), defaultdict[str, float](float)
        for account in self.accounts.values():
            for day, charged in account.days.items():
                for window in (day, day[:7], "total"):
                    sums[window] += charged
                    off[window] += self._off(account)
        for window, charged in sums.items():
            limit = {7: budget.usd_per_month, 10: budget.usd_per_day}.get(len(window), budget.usd_total)
            if charged > dollars(limit) + off[window] + 1e-5:
                raise broken("overspend", f"{charged} dollars in {window}; {dollars(limit)} are allowed")

    def _off(self, account: Account) -> float:
        """What whole seconds and clocks that disagree can hide of a pod, in dollars."""
        return (1 + 2 * self.most_off) * (account.changes + 1) * account.dearest / 3600

    def nothing_dear_runs(self) -> None:
        """What was billed above any price it can have been quoted at has been ended or stopped."""
        for pod_id, account in self.accounts.items():
            if account.row.running and float(account.row.compute) > account.ceiling + 1e-5:
                raise broken("overspend", f"{pod_id} runs at {float(account.row.compute)}/h")

    async def nothing_is_forgotten(self) -> None:
        """The ledger's sum is no less than what was charged; pods that nobody could know of are left out."""
        charged = 0.0
        for pod_id, account in self.accounts.items():
            lease = await self.stage.door.house.ledger.lease(self.tag(pod_id))
            assert lease is not None
            if lease.state is not LeaseState.VOID:
                charged += account.charged - self._off(account)
        spending = await self.stage.door.house.ledger.spending(int(self.now) + 1, (TOTAL,))
        if spending.spent_within(TOTAL) / MICRO < charged - 1e-5:
            raise broken(
                "overspend", f"{charged} was charged; the ledger says {spending.spent_within(TOTAL)}"
            )


def or_none(limit: int | None) -> float:
    return float("inf") if limit is None else limit


def dollars(limit: int | None) -> float:
    return float("inf") if limit is None else limit / MICRO
