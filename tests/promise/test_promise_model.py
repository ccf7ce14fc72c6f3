"""A model of the promises: several servers, a cloud that lies, a stepped clock, and a judge who reads the books.

Hypothesis makes up stories out of the rules below and looks for one that ends badly. The ordinary suite tells a
hundred of fifty steps each; `pytest -m deep` goes on for as long as `RUNPOD_MCP_DEEP_EXAMPLES` says.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from front_door import A4000, L4, RTX_4090
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from model_books import Judge
from model_room import room_for
from model_world import (
    FIGURES,
    Cut,
    Deed,
    World,
    creates,
    deletes,
    extends,
    reaps,
    reconciles,
    settle,
    sleeps_through,
    starts,
    stops,
    updates,
    waits,
)

from runpod_mcp.flows.change_pod import delete_pod
from runpod_mcp.flows.context import House
from runpod_mcp.flows.prices import FRESH_FOR
from runpod_mcp.flows.rented import Rented
from runpod_mcp.ledger.entries import Lease
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.policy.document import Policy

TYPES = (L4, RTX_4090, A4000)
PRICES = {L4: 0.49, RTX_4090: 0.74, A4000: 0.25}
STARTS = [
    datetime(2026, 11, 23, 12, tzinfo=UTC),
    datetime(2026, 11, 30, 22, 30, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 50, 0, 500_000, tzinfo=UTC),
    datetime(2028, 2, 28, 21, tzinfo=UTC),
]


LIMITS = {
    "usd_per_hour": (1.2, 2.0, 3.5),
    "usd_per_day": (6.0, 15.0),
    "usd_per_month": (20.0, 60.0),
    "usd_total": (25.0, 80.0),
    "pods": (1, 2, 4),
    "gpus": (1, 3, 5),
}


def tight(names: list[str], pick: int, manners: dict[str, Any]) -> dict[str, Any]:
    """A policy with these limits only: of many, the tightest would hide the others."""
    limits = {name: LIMITS[name][pick % len(LIMITS[name])] for name in names}
    return {**dict.fromkeys(LIMITS), **limits, **manners}


POLICIES = st.builds(
    tight,
    st.lists(st.sampled_from(list(LIMITS)), min_size=1, max_size=2, unique=True),
    st.integers(0, 2),
    st.fixed_dictionaries(
        {
            "keep": st.sampled_from([0, 2, 24]),
            "on_expiry": st.sampled_from(["stop", "stop", "terminate"]),
            "on_not_ready": st.sampled_from(["report", "end"]),
            "unmanaged": st.sampled_from([False, False, True]),
        }
    ),
)
HOURS = st.sampled_from([0.1, 0.5, 1, 2, 3, 6, 12, 30])
REQUESTS = st.fixed_dictionaries(
    {
        "gpuTypeIds": st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True),
        "gpuCount": st.sampled_from([1, 1, 1, 2]),
        "leaseHours": HOURS,
        "volumeInGb": st.sampled_from([0, 0, 10, 72, 500, 4000]),
        "containerDiskInGb": st.sampled_from([20, 50]),
        "gpuTypePriority": st.sampled_from(["availability", "custom"]),
    }
)
SIZES = st.sampled_from([10, 20, 80, 600, 4000])
REQUEST_IDS = st.sampled_from([None, None, None, "a", "b", "c"])
NUMBERS = st.integers(0, 3)
CALLS = st.integers(0, 9)
PAUSES = st.sampled_from([1, 5, 30, 61, 61, 130, 300, 910, 3600])
LONG = st.sampled_from([600, 3600, 4 * 3600, 13 * 3600, 26 * 3600])

OF_ANY_CALL = [
    "error_before",
    "error_after",
    "drop_before",
    "drop_after",
    "hang",
    "hang_after",
    "garbage",
    "truncated",
    "rate_limited",
    "unavailable",
]
FAULTS = {
    "create": [
        *OF_ANY_CALL,
        "dearer",
        "no_capacity",
        "lost_race",
        "vanish",
        "never_ready",
        "no_machine",
        "invalid",
        "insufficient_balance",
    ],
    "list": OF_ANY_CALL,
    "get": [*OF_ANY_CALL, "not_found"],
    "delete": [*OF_ANY_CALL, "ignored", "ignored", "not_found"],
    "stop": [*OF_ANY_CALL, "ignored", "ignored", "not_found"],
    "start": [*OF_ANY_CALL, "ignored", "start_without_gpus", "not_found"],
    "update": [*OF_ANY_CALL, "ignored", "not_found", "invalid"],
    "catalog": ["error_before", "garbage", "rate_limited"],
}
FAULT = st.sampled_from([(on, kind) for on, kinds in FAULTS.items() for kind in kinds])


def deeds(more: bool = True) -> st.SearchStrategy[Deed]:
    """Something a server does."""
    simple = [
        st.just(reaps),
        st.just(reconciles),
        NUMBERS.map(stops),
        NUMBERS.map(deletes),
        st.builds(starts, NUMBERS, HOURS),
        st.builds(extends, NUMBERS, HOURS),
        st.builds(updates, NUMBERS, SIZES),
        REQUESTS.map(lambda asked: renting(asked, None)),
    ]
    return st.one_of(*simple, *([PAUSES.map(waits)] if more else []))


def renting(asked: dict[str, Any], request_id: str | None) -> Deed:
    body = {"imageName": "runpod/base", **asked, **({"requestId": request_id} if request_id else {})}
    request = CreateRequest.model_validate(body)
    return lambda house: creates(house, request)


def policy_text(wanted: dict[str, Any]) -> str:
    budget = [f"{name} = {wanted[name]}" for name in wanted if name.startswith("usd") and wanted[name]]
    return "\n".join(
        [
            "version = 1",
            "[budget]",
            *budget,
            f"include_unmanaged = {str(wanted['unmanaged']).lower()}",
            "[pods]",
            *([f"max_running = {wanted['pods']}"] if wanted["pods"] else []),
            "[gpus]",
            *([f"max_running = {wanted['gpus']}"] if wanted["gpus"] else []),
            "[lease]",
            "max_hours = 48",
            f"keep_stopped_hours = {wanted['keep']}",
            f'on_expiry = "{wanted["on_expiry"]}"',
            f'on_not_ready = "{wanted["on_not_ready"]}"',
        ]
    )


class Promises(RuleBasedStateMachine):
    """Stories of servers that share a ledger."""

    world: World

    @initialize(
        policy=POLICIES,
        start=st.sampled_from(STARTS),
        count=st.sampled_from([2, 3]),
        dialect=st.sampled_from(["v2", "v2", "v1"]),
        skewed=st.sampled_from([False, False, True]),
        meddled=st.booleans(),
    )
    def open(
        self, policy: dict[str, Any], start: datetime, count: int, dialect: str, skewed: bool, meddled: bool
    ) -> None:
        FIGURES["examples"] += 1
        self.skewed, self.meddled = skewed, meddled
        self.world = World(start, policy_text(policy), count, dialect)
        self.judge = Judge(self.world)

    # what servers do

    @rule(asked=REQUESTS, request_id=REQUEST_IDS, number=NUMBERS)
    def create(self, asked: dict[str, Any], request_id: str | None, number: int) -> None:
        self.world.do(number, renting(asked, request_id))

    @rule(asked=REQUESTS, times=st.integers(2, 6))
    def create_until_full(self, asked: dict[str, Any], times: int) -> None:
        """As many as there is room for, from one server after the other."""
        for number in range(times):
            self.world.do(number, renting(asked, None))

    @rule(asked=st.lists(REQUESTS, min_size=2, max_size=4), call=CALLS, after=st.booleans())
    def create_at_once(self, asked: list[dict[str, Any]], call: int, after: bool) -> None:
        """Several creates, each begun in the middle of the one before."""
        first, *others = [renting(one, None) for one in asked]
        self.world.do(0, first, self._nested(others, call, after, 1))

    def _nested(self, others: list[Deed], call: int, after: bool, number: int) -> Cut | None:
        if not others:
            return None
        deed, *more = others

        async def begin(_: House) -> None:
            server = self.world.servers[number % len(self.world.servers)]
            server.boundaries.cut = self._nested(more, call, after, number + 1)
            await deed(server.house)
            server.boundaries.cut = None

        return self.world.meanwhile(call, after, number, begin)

    @rule(
        asked=REQUESTS,
        number=NUMBERS,
        fault=st.sampled_from(FAULTS["create"]),
        lag=st.sampled_from([0, 10, 60]),
    )
    def create_in_trouble(self, asked: dict[str, Any], number: int, fault: str, lag: int) -> None:
        self.world.sim.faults.add("create", fault)
        if lag:
            self.world.sim.faults.add("list", "list_lag", seconds=lag)
        self.world.do(number, renting(asked, None))

    @rule(pick=NUMBERS, number=NUMBERS, change=st.sampled_from([stops, deletes]))
    def stop_or_delete(self, pick: int, number: int, change: Callable[[int], Deed]) -> None:
        self.world.do(number, change(pick))

    @rule(pick=NUMBERS, number=NUMBERS, size=SIZES)
    def update(self, pick: int, number: int, size: int) -> None:
        self.world.do(number, updates(pick, size))

    @rule(pick=NUMBERS, number=NUMBERS, hours=HOURS, change=st.sampled_from([starts, extends]))
    def start_or_extend(
        self, pick: int, number: int, hours: float, change: Callable[[int, float], Deed]
    ) -> None:
        self.world.do(number, change(pick, hours))

    @rule(
        number=NUMBERS,
        deed=deeds(more=False),
        troubles=st.lists(st.tuples(FAULT, st.sampled_from([1, 1, 2, 6])), min_size=1, max_size=3),
    )
    def act_in_trouble(self, number: int, deed: Deed, troubles: list[tuple[tuple[str, str], int]]) -> None:
        for fault, times in troubles:
            self.world.sim.faults.add(*fault, times=times)
        self.world.do(number, deed)

    @rule(number=NUMBERS)
    def reap(self, number: int) -> None:
        self.world.do(number, reaps)

    @rule(number=NUMBERS)
    def reconcile(self, number: int) -> None:
        self.world.do(number, reconciles)

    @rule(number=NUMBERS, deed=deeds(more=False), call=CALLS, after=st.booleans())
    def crash(self, number: int, deed: Deed, call: int, after: bool) -> None:
        self.world.do(number, deed, self.world.crash_at(call, after))

    @rule(number=NUMBERS, deed=deeds(more=False), call=CALLS, after=st.booleans(), other=deeds())
    def meanwhile(self, number: int, deed: Deed, call: int, after: bool, other: Deed) -> None:
        """One server does something in the middle of what another one does."""
        cut: Cut = self.world.meanwhile(call, after, number + 1, other)
        self.world.do(number, deed, cut)

    # time

    @rule(seconds=PAUSES)
    def wait(self, seconds: float) -> None:
        self.world.clock.step(seconds=seconds)

    @rule(seconds=LONG)
    def sleep_late(self, seconds: float) -> None:
        """Nobody is awake while leases end."""
        self.world.clock.step(seconds=seconds)

    @rule(seconds=LONG, number=NUMBERS)
    def wait_awake(self, seconds: float, number: int) -> None:
        self.world.do(number, sleeps_through(seconds))

    @precondition(lambda self: self.skewed)
    @rule(number=NUMBERS, seconds=st.sampled_from([-600, -61, -2, 0, 2, 61, 600]))
    def clock_is_wrong(self, number: int, seconds: float) -> None:
        self.world.set_clock_off(number, seconds)

    # the cloud, and other people

    @rule(fault=FAULT, times=st.integers(1, 6), skip=st.sampled_from([0, 0, 1]))
    def trouble(self, fault: tuple[str, str], times: int, skip: int) -> None:
        self.world.sim.faults.add(*fault, times=times, skip=skip)

    @rule(seconds=st.sampled_from([5, 30, 60]), linger=st.sampled_from([0, 20, 60]))
    def list_lags(self, seconds: float, linger: float) -> None:
        self.world.sim.faults.add("list", "list_lag", seconds=seconds, linger_seconds=linger)

    @rule()
    def trouble_ends(self) -> None:
        self.world.sim.faults.clear()

    @rule(gpu=st.sampled_from(TYPES), factor=st.sampled_from(["0.8", "1", "1.02", "1.3"]))
    def price_changes(self, gpu: str, factor: str) -> None:
        price = Fraction(str(PRICES[gpu])) * Fraction(factor)
        self.world.sim.stock.set(gpu, secure_price=price)

    @rule(gpu=st.sampled_from(TYPES), free=st.sampled_from([0, 1, 4]))
    def stock_changes(self, gpu: str, free: int) -> None:
        self.world.sim.stock.set(gpu, free=free)

    @rule(policy=POLICIES)
    def policy_changes(self, policy: dict[str, Any]) -> None:
        self.world.set_policy(policy_text(policy))

    @rule(gpu=st.sampled_from(TYPES))
    def someone_rents(self, gpu: str) -> None:
        self.world.by_hand({"create": {"gpuTypeId": gpu, "volumeInGb": 10}})

    @rule(pick=NUMBERS, deed=st.sampled_from(["end", "stop", "interrupt", "fail"]))
    def someone_ends_ours(self, pick: int, deed: str) -> None:
        if pods := self.world.living():
            self.world.by_hand({deed: pods[pick % len(pods)]})

    @precondition(lambda self: self.meddled)
    @rule(pick=NUMBERS, price=st.sampled_from([None, 0.1, 0.55, 3.0]), seen=st.booleans())
    def someone_makes_ours_dearer(self, pick: int, price: float | None, seen: bool) -> None:
        """Starts a stopped one, or Runpod bills another price."""
        pods = self.world.living()
        assume(pods)
        pod = pods[pick % len(pods)]
        if price is None:
            self.world.by_hand({"start": pod})
        else:
            self.world.by_hand({"reprice": pod, "usd_per_hour": price})
        if seen:
            self.world.do(pick, reconciles)

    # quiet moments

    @rule(asked=REQUESTS, number=NUMBERS)
    def nothing_is_refused_without_a_reason(self, asked: dict[str, Any], number: int) -> None:
        """With nothing in doubt, what fits is granted; prices that were read before are out of date by then."""
        self._calm_down()
        self.world.clock.step(seconds=FRESH_FOR.total_seconds() + 1)
        leases = self.world.run(settle(self.world))
        if not self.world.run(self._fits(asked, leases)):
            return
        FIGURES["must be granted"] += 1
        made = self.world.do(number, renting(asked, None))
        assert isinstance(made, Rented), f"refused for no reason: {made}"

    def _calm_down(self) -> None:
        self.world.sim.faults.clear()
        for server in self.world.servers:
            server.clock.off = 0.0
        for gpu in TYPES:
            self.world.sim.stock.set(gpu, free=16)

    async def _fits(self, asked: dict[str, Any], leases: tuple[Lease, ...]) -> bool:
        return await fits(self.world, asked, leases)

    @invariant()
    def every_promise_holds(self) -> None:
        FIGURES["steps"] += 1
        self.world.run(self.judge.check())

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self._end_well()
        finally:
            self.world.close()

    def _end_well(self) -> None:
        self._calm_down()
        leases = self.world.run(settle(self.world))
        self.world.run(self.judge.check())
        for lease in leases:
            self.world.run(delete_pod(self.world.house, lease.pod_id or ""))
        assert self.world.living() == []
        assert list(self.world.run(self.world.house.ledger.leases())) == []
        self.world.run(self.judge.check())
        assert list(self.world.run(self.world.house.ledger.verify())) == []


async def fits(world: World, asked: dict[str, Any], leases: tuple[Lease, ...]) -> bool:
    """Whether every budget has room for a request, by arithmetic of the model's own."""
    policy: Policy = world.policies.policy
    if policy.budget.include_unmanaged and world.hand_made:
        return False
    return await room_for(world, asked, leases)


ORDINARY = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
DEEP = settings(
    ORDINARY, max_examples=int(os.environ.get("RUNPOD_MCP_DEEP_EXAMPLES", "20000")), derandomize=False
)


def test_no_story_of_servers_crashes_and_a_lying_cloud_breaks_a_promise() -> None:
    run_state_machine_as_test(Promises, settings=ORDINARY)
    print(dict(sorted(FIGURES.items())))
    assert FIGURES["granted"] > 200, "the stories rent too little to show anything"


@pytest.mark.deep
def test_no_story_in_hours_of_them_breaks_a_promise() -> None:
    run_state_machine_as_test(Promises, settings=DEEP)
    print(dict(sorted(FIGURES.items())))
