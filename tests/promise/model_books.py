"""The judge of the model: what the promises say, worked out from the cloud's books alone.

Money here is a float in dollars, shares no arithmetic with the program, and is compared with a tolerance of a few
micro-dollars. Where the program states a bound instead of a zero, the bound is worked out here and nothing beyond it
is allowed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from model_world import FIGURES, Before, Grant, World

from runpod_mcp.flows.leases import is_due
from runpod_mcp.ledger.entries import Lease, LeaseState
from runpod_mcp.money import MICRO
from runpod_mcp.pods.values import RESERVATION_TAG
from runpod_mcp.simulator.books import Row

DAY = 86_400
EVERY_FEW = 4
"""The ledger is checked row by row after so many rules, and at the end."""
NO_LIMIT = float("inf")
UNKNOWN_ANSWERS = {"dropped", "hangs", None}


@dataclass
class Account:
    """What one pod has cost, by UTC day, up to `since`."""

    row: Row
    since: float
    days: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    changes: int = 0
    dearest: float = 0.0

    stopped_dearer: bool = False
    """Whether it ever was stopped with a volume so large that this costs more than running did."""

    def __post_init__(self) -> None:
        self.first = float(self.row.rate)

    def charge_until(self, moment: float) -> None:
        rate = float(self.row.rate)
        for day, seconds in by_day(self.since, moment):
            self.days[day] += rate * seconds / 3600
        self.since = max(self.since, moment)

    def turn(self, row: Row) -> None:
        self.charge_until(row.at.timestamp())
        self.row = row
        self.changes += 1
        self.dearest = max(self.dearest, float(row.rate))
        self.stopped_dearer |= not row.running and not row.ended and float(row.rate) > self.first

    @property
    def total(self) -> float:
        return sum(self.days.values())


def by_day(start: float, end: float) -> Iterator[tuple[str, float]]:
    """The seconds of [start, end) in each UTC day."""
    while start < end:
        stop = min(end, (start // DAY + 1) * DAY)
        yield f"{datetime.fromtimestamp(start, UTC):%Y-%m-%d}", stop - start
        start = stop


@dataclass
class Limits:
    """What was allowed when money was last set aside; nothing raises cost but that."""

    hourly: float = NO_LIMIT
    pods: float = NO_LIMIT
    gpus: float = NO_LIMIT

    @classmethod
    def of(cls, grant: Grant) -> Limits:
        policy = grant.policy
        return cls(
            _usd(policy.budget.usd_per_hour),
            _or_none(policy.pods.max_running),
            _or_none(policy.gpus.max_running),
        )

    def or_more(self, other: Limits) -> Limits:
        return Limits(max(self.hourly, other.hourly), max(self.pods, other.pods), max(self.gpus, other.gpus))


def _or_none(limit: int | None) -> float:
    return NO_LIMIT if limit is None else limit


def _usd(limit: int | None) -> float:
    return NO_LIMIT if limit is None else limit / MICRO


@dataclass
class Judge:
    """Reads the books as they grow and holds them against the promises."""

    world: World
    accounts: dict[str, Account] = field(default_factory=dict)
    limits: Limits = field(default_factory=lambda: Limits(0, 0, 0))
    windows: dict[str, float] = field(default_factory=dict)
    """By day, month and `total`: the budget in force when money was last set aside in it."""
    closed_early: set[str] = field(default_factory=set)
    """Pods that the ledger took for gone while they lived, because Runpod said so."""
    ceilings: dict[str, float] = field(default_factory=dict)
    late: set[str] = field(default_factory=set)
    """Pods that were not ended in time, because nobody was awake or Runpod did not do it; not in the sums of windows."""
    _rows: int = 0
    _calls: int = 0
    _grants: int = 0
    _checks: int = 0
    _creates: Counter[str] = field(default_factory=Counter)
    _lost: set[str] = field(default_factory=set)
    _settled: set[str] = field(default_factory=set)

    async def check(self) -> None:
        """Every promise, now."""
        self._checks += 1
        before, granted = self.limits, self._new_grants()
        self._read_calls()
        self._read_rows(before.or_more(self.limits) if granted else self.limits)
        live = {lease.reservation.id: lease for lease in await self.world.house.ledger.leases()}
        self._no_twin()
        self._nothing_of_others_was_ended()
        for pod_id, account in self.accounts.items():
            await self._one_pod(pod_id, account, live)
        self._no_window_is_passed()
        if self._checks % EVERY_FEW == 0:
            assert list(await self.world.house.ledger.verify()) == []

    # reading

    def _new_grants(self) -> bool:
        grants = self.world.granted[self._grants :]
        self._grants += len(grants)
        for grant in grants:
            self.limits = Limits.of(grant)
            self._allow(grant)
        return bool(grants)

    def _allow(self, grant: Grant) -> None:
        lease, budget = grant.lease, grant.policy.budget
        self.ceilings[lease.reservation.id] = max(
            self.ceilings.get(lease.reservation.id, 0.0),
            max(lease.ceiling_usd_per_hour, lease.stopped_usd_per_hour) / MICRO,
        )
        for day, _ in by_day(
            self.world.now - self.world.most_off, max(lease.stopped_until, lease.lease_ends_at) + 1
        ):
            self.windows[day] = _usd(budget.usd_per_day)
            self.windows[day[:7]] = _usd(budget.usd_per_month)
        self.windows["total"] = _usd(budget.usd_total)

    def _read_rows(self, limits: Limits) -> None:
        now = self.world.sim.now().timestamp()
        rows = self.world.sim.books.rows
        for row in rows[self._rows :]:
            if not row.by_hand:
                self._turn(row)
                self._within(limits)
        self._rows = len(rows)
        self._within(self.limits)
        for account in self.accounts.values():
            if not account.row.ended:
                account.charge_until(now)

    def _turn(self, row: Row) -> None:
        if row.id not in self.accounts:
            self.accounts[row.id] = Account(row, row.at.timestamp())
        self.accounts[row.id].turn(row)

    def _within(self, limits: Limits) -> None:
        """No rate and no count above what was allowed, at the instant of the last row."""
        running = [pod for pod in self.accounts if self._counts_as_running(pod)]
        burn = sum(self._rate(pod) for pod, account in self.accounts.items() if not account.row.ended)
        gpus = sum(self.accounts[pod].row.gpus for pod in running)
        assert burn <= limits.hourly + 1e-5, f"pods cost {burn}/h; {limits.hourly} was allowed"
        assert len(running) <= limits.pods, f"{len(running)} pods run; {limits.pods} were allowed"
        assert gpus <= limits.gpus, f"{gpus} GPUs run; {limits.gpus} were allowed"

    def _counts_as_running(self, pod_id: str) -> bool:
        before = self.world.touched.get(pod_id)
        return (
            self.accounts[pod_id].row.running
            and (before is None or before.running)
            and not self._late(pod_id)
        )

    def _rate(self, pod_id: str) -> float:
        """What a pod costs per hour, without what nobody here let it cost: above its ceiling, or by another's hand."""
        rate = float(self.accounts[pod_id].row.rate)
        before = self.world.touched.get(pod_id)
        if self._late(pod_id):
            return 0.0
        if before is not None:
            rate = min(rate, before.rate)
        return min(rate, self._ceiling(pod_id))

    def _late(self, pod_id: str) -> bool:
        return pod_id in self.closed_early

    def tag(self, pod_id: str) -> str:
        return self.world.sim.world.pods[pod_id].order.env.get(RESERVATION_TAG, "")

    def _ceiling(self, pod_id: str) -> float:
        return self.ceilings[self.tag(pod_id)]

    def _read_calls(self) -> None:
        for seen in self.world.sim.requests.seen:
            if seen.number <= self._calls:
                continue
            self._calls = seen.number
            FIGURES["calls"] += 1
            for kind in seen.faults:
                FIGURES[f"fault {kind}"] += 1
                FIGURES["faults"] += 1
            if seen.operation == "create":
                self._note_create(seen)

    def _note_create(self, seen: Any) -> None:
        tag = seen.body["env"][RESERVATION_TAG]
        assert tag not in self._lost, f"{tag} was sent again while its outcome was unknown"
        self._creates[tag] += 1
        broken = isinstance(seen.status, int) and seen.status >= 500
        spoilt = (
            {"garbage", "truncated"} & set(seen.faults) and isinstance(seen.status, int) and seen.status < 300
        )
        if seen.status in UNKNOWN_ANSWERS or broken or spoilt:
            self._lost.add(tag)

    # the promises

    def _no_twin(self) -> None:
        tags = Counter(self.tag(pod_id) for pod_id in self.accounts)
        assert all(tags), "a pod was made without a tag"
        assert max(tags.values(), default=0) <= 1, f"one reservation made two pods: {tags}"
        requests = Counter(self._request_of(tag) for tag in tags)
        requests.pop(None, None)
        assert max(requests.values(), default=0) <= 1, f"one request id made two pods: {requests}"

    def _request_of(self, tag: str) -> str | None:
        return self.world.grants[tag].reservation.request_id

    def _nothing_of_others_was_ended(self) -> None:
        pods = self.world.sim.world.pods
        gone = [pod for pod in self.world.hand_made if pods[pod].ended_at or pods[pod].stopped_at]
        assert not gone, f"pods of somebody else were ended or stopped: {gone}"

    async def _one_pod(self, pod_id: str, account: Account, live: Mapping[str, Lease]) -> None:
        """It is in the ledger, which counts no less than it cost; and one above its ceiling is due."""
        tag = self.tag(pod_id)
        if pod_id in self._settled or pod_id in self.closed_early:
            return
        lease = live.get(tag)
        if lease is None and not account.row.ended:
            self._closed_while_alive(pod_id)
            return
        known = lease or await self.world.house.ledger.lease(tag)
        assert known is not None, f"pod {pod_id} is in no ledger"
        if known.pod_id not in (None, pod_id):
            raise AssertionError(f"the lease of pod {pod_id} is tied to pod {known.pod_id}")
        self._note_if_late(pod_id, known)
        if (
            account.stopped_dearer
        ):  # counted at the running price until it was seen to be stopped: a stated bound
            self.world.touch(pod_id, Before(account.first, running=True))
        self._due_once_it_is_known_to_be_dear(pod_id, known)
        if pod_id not in self.world.touched:
            self._counted(pod_id, account, known)
            self._due_if_dear(pod_id, account, known)
        if account.row.ended and lease is None:
            self._settled.add(pod_id)

    def _closed_while_alive(self, pod_id: str) -> None:
        """Only where Runpod itself said, to a question about this very pod, that there is none."""
        lied = any(
            "not_found" in seen.faults and seen.operation == "get" and pod_id in seen.path
            for seen in self.world.sim.requests.seen
        )
        assert lied, f"pod {pod_id} lives and bills, and the ledger does not count it"
        FIGURES["closed because of a lie"] += 1
        self.closed_early.add(pod_id)

    def _counted(self, pod_id: str, account: Account, lease: Lease) -> None:
        if lease.state is LeaseState.VOID and pod_id in self.world.ended_by_hand:
            FIGURES["given up after somebody ended it"] += (
                1  # the stated bound: it was gone before it was listed
            )
            return
        if lease.pod_id is None and account.dearest > self._ceiling(pod_id) + 1e-5:
            return  # dearer than its quote, and not found yet: a stated bound; counted in full once it is found
        known = self.known(lease)
        off = self._off(account) + 1e-5
        for day, charged in account.days.items():
            assert charged <= known.get(day, 0.0) + off, (
                f"pod {pod_id} cost {charged} on {day}; the ledger says {known.get(day, 0.0)}: {lease}"
            )

    def known(self, lease: Lease) -> Mapping[str, float]:
        """What the ledger holds a lease to have cost by now, by day."""
        now = int(self.world.sim.now().timestamp()) + 1
        known = defaultdict[str, float](float)
        for stretch in lease.stretches(now):
            for day, seconds in by_day(stretch.start, min(stretch.end, now)):
                known[day] += stretch.usd_per_hour / MICRO * seconds / 3600
        return known

    def _note_if_late(self, pod_id: str, lease: Lease) -> None:
        turned = lease.rates[-1][0] if lease.rates else 0
        stopped_late = lease.state is LeaseState.STOPPED and turned > lease.lease_ends_at
        ended_late = lease.state is LeaseState.ENDED and turned > lease.stopped_until
        if stopped_late or ended_late or (lease.still_counts and self.world.now > lease.due_at):
            FIGURES["late"] += pod_id not in self.late
            self.late.add(pod_id)

    def _due_once_it_is_known_to_be_dear(self, pod_id: str, lease: Lease) -> None:
        """Whoever made it dearer: once the ledger holds a price above the ceiling, its end has come."""
        if lease.state is LeaseState.RUNNING and lease.usd_per_hour > lease.ceiling_usd_per_hour:
            FIGURES["known to be above the ceiling"] += 1
            assert is_due(lease, self.world.now + int(2 * self.world.most_off) + 1), (
                f"pod {pod_id} is known to be billed above its ceiling and is not due"
            )

    def _due_if_dear(self, pod_id: str, account: Account, lease: Lease) -> None:
        dear = not account.row.ended and float(account.row.rate) > self._ceiling(pod_id) + 1e-5
        extended = self.world.grants[self.tag(pod_id)].lease.pod_id is not None
        if dear and not extended and lease.state in (LeaseState.RUNNING, LeaseState.STOPPED):
            FIGURES["seen above the ceiling"] += 1
            assert is_due(lease, self.world.now + int(2 * self.world.most_off) + 1), (
                f"pod {pod_id} is billed above its ceiling and is not due"
            )

    def _no_window_is_passed(self) -> None:
        """What was charged in time is within the budgets; of a pod that was ended late, what was promised for it is."""
        sums, off = defaultdict[str, float](float), defaultdict[str, float](float)
        for pod_id, account in self.accounts.items():
            if pod_id in self.closed_early or pod_id in self.world.touched:
                continue
            promise = self._promise(pod_id, account) if pod_id in self.late else None
            share = min(1.0, self._ceiling(pod_id) / (account.dearest or 1.0))
            for day, charged in account.days.items():
                paid = charged * share if promise is None else min(charged, promise.get(day, 0.0))
                for window in (day, day[:7], "total"):
                    sums[window] += paid
                    off[window] += self._off(account)
        for window, paid in sums.items():
            limit = self.windows.get(window, NO_LIMIT)
            assert paid <= limit + off[window] + 1e-5, f"{paid} was charged in {window}; {limit} was allowed"

    def _promise(self, pod_id: str, account: Account) -> Mapping[str, float]:
        """What was promised for a pod by its create, by day, at the price it was billed; nothing after a later change."""
        grant, promise = self.world.grants[self.tag(pod_id)], defaultdict[str, float](float)
        if grant.lease.pod_id is not None:
            return promise
        held = grant.reservation
        stopped = held.stopped_usd_per_hour / MICRO
        running = max(stopped, min(account.first, self._ceiling(pod_id)))
        spans = (
            (held.opened_at, held.lease_ends_at, running),
            (held.lease_ends_at, held.stopped_until, stopped),
        )
        for start, end, rate in spans:
            for day, seconds in by_day(start, end):
                promise[day] += rate * seconds / 3600
        return promise

    def _off(self, account: Account) -> float:
        """What whole seconds and clocks that disagree can hide of a pod, in dollars."""
        return (1 + 2 * self.world.most_off) * (account.changes + 1) * account.dearest / 3600
