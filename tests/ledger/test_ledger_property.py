"""Whatever is written, in any order: what is derived equals a fold of all that was ever written."""

from __future__ import annotations

import tempfile
from pathlib import Path

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_helpers import (
    DAY,
    NOON,
    TOO_MUCH,
    ended,
    extended,
    noted,
    repriced,
    reservation,
    settled,
    started,
    stopped,
    unknown,
    voided,
)

from runpod_mcp.errors import Code, Failure
from runpod_mcp.ledger.entries import Lease, LeaseState
from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.money import Usd, total
from runpod_mcp.policy.spending import Spending, windows_between

IDS = ("r0", "r1", "r2", "r3")
ids = st.sampled_from(IDS)
at = st.integers(0, 40 * DAY).map(lambda seconds: NOON + seconds)
rate = st.integers(0, 5_000_000).map(Usd)
entries = st.one_of(
    at.map(unknown),
    st.builds(settled, at, st.sampled_from(["pod-1", "pod-2"]), rate),
    at.map(voided),
    st.builds(repriced, at, rate, stopped_usd_per_hour=st.none() | rate),
    st.builds(stopped, at, rate),
    st.builds(started, at, rate, gpus=st.integers(0, 8)),
    st.builds(extended, at, at, stopped_until=st.none() | at),
    at.map(ended),
    st.builds(noted, st.text(max_size=5), at),
)
deeds = st.one_of(
    st.tuples(st.just("reserve"), ids, at),
    st.tuples(st.just("deny"), ids, at),
    st.tuples(st.just("write"), ids, entries),
    st.tuples(st.just("write"), ids, entries),
    st.tuples(st.just("amend"), ids, entries),
    st.tuples(st.just("look"), ids, at),
)


async def do(ledger: SqliteLedger, deed: str, id: str, what) -> None:
    if deed in ("reserve", "deny"):
        await ledger.reserve(reservation(id, what), lambda _: None if deed == "reserve" else TOO_MUCH)
    elif deed == "look":
        await ledger.spending(what, [])
    elif deed == "write":
        await ledger.write(id, what)
    else:
        await ledger.amend(id, what, lambda *_: None)


async def try_to(ledger: SqliteLedger, deed: str, id: str, what) -> Code | None:
    try:
        await do(ledger, deed, id, what)
    except Failure as failure:
        return failure.code
    return None


async def fold(ledger: SqliteLedger) -> list[Lease]:
    leases = []
    for id in IDS:
        lease = await ledger.lease(id)
        if lease:
            assert lease == Lease.read(lease.reservation, await ledger.entries(id))
            leases.append(lease)
    return leases


async def check(ledger: SqliteLedger) -> None:
    leases = await fold(ledger)
    windows = windows_between(NOON, NOON + 60 * DAY)
    spending = await ledger.spending(0, windows)
    gone = [lease.costs() for lease in leases if lease.state is LeaseState.ENDED]
    closed = {w.key: total(costs.get(w.key, Usd(0)) for costs in gone) for w in windows}
    live = {lease.reservation.id: lease.holding(spending.now) for lease in leases if lease.still_counts}
    assert {holding.reservation_id: holding for holding in spending.holdings} == live
    assert spending == Spending(spending.now, spending.holdings, closed)
    assert await ledger.verify() == ()


@settings(deadline=None, max_examples=60)
@given(st.lists(deeds, max_size=40))
def test_sums_always_equal_a_fold_of_everything_ever_written(done):
    async def play(path: Path) -> None:
        ledger = SqliteLedger(path)
        try:
            latest = 0
            for deed in done:
                assert await try_to(ledger, *deed) in (None, Code.CONFLICT, Code.NOT_FOUND)
                now = (await ledger.spending(0, [])).now
                assert now >= latest
                latest = now
            await check(ledger)
        finally:
            await ledger.close()

    with tempfile.TemporaryDirectory() as folder:
        anyio.run(play, Path(folder) / "ledger.db")
