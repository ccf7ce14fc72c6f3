"""What a pod costs at most."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from runpod_mcp.catalog.quote import Disks, Quote, Terms
from runpod_mcp.money import Usd

sizes = st.integers(0, 100_000)
rates = st.integers(0, 10**9).map(Usd)
times = st.integers(0, 365 * 86_400)


def test_a_gigabyte_costs_what_the_price_list_says_over_a_month_of_720_hours():
    assert Disks(100, 0).running_usd_per_hour == 13_889
    assert Disks(0, 100).running_usd_per_hour == 13_889
    assert Disks(0, 100).stopped_usd_per_hour == 27_778
    assert Disks(50, 0).stopped_usd_per_hour == 0
    assert Disks(720, 720).running_usd_per_hour == 200_000


@given(sizes, sizes)
def test_disks_round_up_by_less_than_a_micro_dollar(container, volume):
    disks = Disks(container, volume)
    assert 0 <= disks.running_usd_per_hour - Fraction(100_000 * (container + volume), 720) < 1
    assert 0 <= disks.stopped_usd_per_hour - Fraction(200_000 * volume, 720) < 1


@given(rates, sizes, sizes, times, times)
def test_a_quote_covers_compute_and_disks_and_the_time_a_stopped_pod_is_kept(
    compute, container, volume, lease, kept
):
    disks = Disks(container, volume)
    quote = Quote(compute, disks, Terms(lease, kept))
    assert quote.usd_per_hour == compute + disks.running_usd_per_hour
    running = quote.usd_per_hour * lease + disks.stopped_usd_per_hour * kept
    stopped_at_once = disks.stopped_usd_per_hour * (lease + kept)
    assert quote.usd_per_lease * 3600 >= max(running, stopped_at_once)


def test_a_large_volume_can_cost_more_stopped_than_its_pod_running():
    quote = Quote(Usd(100_000), Disks(0, 7200), Terms(3600, 0))
    assert (quote.usd_per_hour, quote.dearest_usd_per_hour) == (1_100_000, 2_000_000)
    assert quote.usd_per_lease == 2_000_000
