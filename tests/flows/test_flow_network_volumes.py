"""Network volumes stand under the same policy and the same budgets as pods, on the books."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import anyio
import pytest
from front_door import ROOMY, FrontDoor, Said, front_door, toml_with

from runpod_mcp.clock import epoch, from_epoch
from runpod_mcp.flows.leases import reap
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.ledger.entries import EntryKind, LeaseKind, LeaseState

DC = "EU-RO-1"
GB_HOUR = 0.07 / 720


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[FrontDoor]:
    async with front_door(tmp_path, toolsets=("core", "storage")) as opened:
        yield opened
        await opened.keep_promises()


async def make(door: FrontDoor, size: int = 100, name: str = "data", **more: object) -> Said:
    return await door.call("create_network_volume", name=name, sizeGb=size, dataCenterId=DC, **more)


def id_of(said: Said) -> str:
    assert said.ok, said.text
    return str(said.facts["networkVolume"]["networkVolumeId"])


def books_of_volumes(door: FrontDoor) -> list[dict[str, object]]:
    volumes: list[dict[str, object]] = door.books()["volumes"]
    return volumes


async def test_a_volume_is_made_and_counted_as_the_books_bill_it(store):
    said = await make(store)
    assert said.facts["networkVolume"]["usdPerMonth"] == pytest.approx(7.0, abs=0.001)
    assert "$7.00 a month" in said.text
    (billed,) = books_of_volumes(store)
    assert await store.promised() == pytest.approx(billed["usd_per_hour"], abs=2e-6)
    lease = await store.the_lease()
    assert (lease.kind, lease.state) == (LeaseKind.VOLUME, LeaseState.RUNNING)
    assert (await store.call("list_pods")).facts == {"pods": [], "total": 0}
    assert (await store.call("get_budget")).facts["podsRunning"] == 0


async def live(door: FrontDoor, days: int) -> None:
    """Let days go by, with a keeper awake on each of them."""
    for _ in range(days):
        door.clock.step(days=1)
        await reconcile(door.house)
        await reap(door.house)


async def until(door: FrontDoor, day: str) -> None:
    """Let time go by up to noon of a day, with nobody awake."""
    door.clock.step(seconds=epoch(datetime.fromisoformat(f"{day}T12:00:00+00:00")) - door.house.now())


async def test_a_volume_has_no_end_and_is_always_promised_until_the_next_month_is_over(store):
    await make(store)
    for days, end in ((7, "2027-01-01"), (1, "2027-02-01"), (29, "2027-02-01"), (3, "2027-03-01")):
        await live(store, days)
        promised = from_epoch((await store.the_lease()).lease_ends_at)
        assert f"{promised:%Y-%m-%d %H:%M:%S}" == f"{end} 00:00:00"
    assert books_of_volumes(store)
    spent = (await store.budget("total"))["spent"]
    assert spent == pytest.approx(40 * 24 * 100 * GB_HOUR, rel=0.01)
    entries = await store.house.ledger.entries((await store.the_lease()).reservation.id)
    assert [entry.kind for entry in entries].count(EntryKind.EXTENDED) == 2, "once a month"


async def test_no_month_costs_more_than_its_budget_by_volumes_that_go_on_and_on(store):
    store.write_policy(toml_with(budget={"usd_per_month": 8.0}))
    store.clock.step(days=-7)  # half of a month is over, so that half of the next would pass as well
    said = await make(store, 210)
    assert (said.code, said.facts["limit"]) == ("over_monthly_budget", 8.0)
    assert store.calls("volume_create") == 0
    assert (await make(store, 110)).ok
    await live(store, 90)
    months = store.books()["charged_by_month"]
    assert {"2026-12", "2027-01"} <= set(months)
    assert max(months.values()) <= 8.0
    assert max(months.values()) > 7.5, "and it did cost"


async def test_all_volumes_together_must_fit_into_the_longest_month_also_when_the_next_one_is_short(store):
    store.write_policy(toml_with(budget={"usd_per_month": 8.0}))
    await until(store, "2027-01-15")
    said = await make(store, 115)
    assert said.code == "over_monthly_budget"
    assert said.facts["requested"] == pytest.approx(744 * 115 * GB_HOUR, abs=0.001)
    assert "month of 31 days" in said.text
    volume = id_of(await make(store, 60))
    other = await make(store, 60, "other")
    assert (other.code, other.facts["limit"]) == ("over_monthly_budget", 8.0)
    assert other.facts["used"] == pytest.approx(744 * 60 * GB_HOUR, abs=0.001)
    grown = await store.call("update_network_volume", networkVolumeId=volume, sizeGb=115)
    assert (grown.code, grown.facts["limit"]) == ("over_monthly_budget", 8.0)
    assert (await store.call("update_network_volume", networkVolumeId=volume, sizeGb=105)).ok


async def test_two_volumes_that_only_one_fits_into_the_longest_month_are_not_both_made(store):
    store.write_policy(toml_with(budget={"usd_per_month": 8.0}))
    await until(store, "2027-01-15")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(make, store, 57, "one")
        tasks.start_soon(make, store, 57, "two")
    assert len(books_of_volumes(store)) == 1


async def test_what_pods_cost_is_no_cost_of_volumes(store):
    store.write_policy(toml_with(budget={"usd_per_month": 8.0}))
    await until(store, "2027-01-15")
    assert (await store.create(leaseHours=1)).ok
    stopped = await store.create(leaseHours=1)
    await store.call("stop_pod", podId=stopped.pod_id)
    assert (await make(store, 90)).ok


@pytest.mark.parametrize(
    ("budget", "code"),
    [({"usd_per_day": 0.3}, "over_daily_budget"), ({"usd_per_month": 8.0}, "over_monthly_budget")],
)
async def test_volumes_count_although_nobody_was_awake_for_months_to_promise_them_on(store, budget, code):
    store.write_policy(toml_with(budget=budget))
    await make(store)
    await until(store, "2027-03-15")
    said = await make(store, 100, "other")
    assert (said.code, said.facts["limit"]) == (code, next(iter(budget.values())))


async def test_a_total_that_volumes_have_used_up_is_shown_and_nothing_else_is_rented(store):
    store.write_policy(toml_with(budget={"usd_total": 10.0}))
    volume = id_of(await make(store))
    await live(store, 60)
    assert [one["id"] for one in books_of_volumes(store)] == [volume], "nobody deletes data"
    assert "total" in (await store.call("get_budget")).facts["overLimit"]
    assert (await store.create(leaseHours=1)).code == "over_total_budget"
    assert (await make(store, 10, "other")).code == "over_total_budget"


async def test_a_volume_that_the_budget_has_no_room_for_is_refused_before_runpod_is_called(store):
    store.write_policy(toml_with(budget={"usd_total": 6.0}))
    assert (await make(store)).code == "over_total_budget"
    assert store.calls("volume_create") == 0
    assert (await make(store, 50)).ok


async def test_two_volumes_that_only_one_fits_of_are_not_both_made(store):
    store.write_policy(toml_with(budget={"usd_total": 12.0}))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(make, store, 100, "one")
        tasks.start_soon(make, store, 100, "two")
    assert len(books_of_volumes(store)) == 1


async def test_size_and_place_pass_the_policy(store):
    store.write_policy(toml_with(pods={"max_volume_gb": 50, "data_centers": ["EU-*"]}))
    said = await make(store)
    assert (said.code, said.facts["field"], said.facts["limit"]) == ("disk_too_large", "sizeGb", 50)
    elsewhere = await store.call("create_network_volume", name="x", sizeGb=10, dataCenterId="US-TX-3")
    assert elsewhere.code == "data_center_not_allowed"
    assert store.calls("volume_create") == 0


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"name": "", "sizeGb": 10, "dataCenterId": DC}, "name"),
        ({"name": "x", "sizeGb": 0, "dataCenterId": DC}, "sizeGb"),
        ({"name": "x", "sizeGb": 9, "dataCenterId": DC}, "size"),
        ({"name": "x", "sizeGb": 10, "dataCenterId": "eu-ro-1"}, "dataCenterId"),
        ({"name": "x", "sizeGb": 10}, "dataCenterId"),
        ({"name": "x", "sizeGb": 10, "dataCenterId": DC, "tier": "FAST"}, "tier"),
    ],
)
async def test_what_cannot_be_is_refused_early(store, arguments, field):
    said = await store.call("create_network_volume", **arguments)
    assert (said.code, said.facts["field"]) == ("invalid_arguments", field)
    assert store.calls("volume_create") == 0


async def test_a_taken_name_is_refused_since_a_lost_answer_could_not_be_looked_up(store):
    await make(store)
    said = await make(store)
    assert (said.code, said.facts["field"]) == ("conflict", "name")


async def test_of_two_volumes_of_one_name_asked_for_at_once_one_is_made(store):
    said: list[Said] = []

    async def ask() -> None:
        said.append(await make(store, 10, "data"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        tasks.start_soon(ask)
    assert sorted(str(one.code) for one in said) == ["None", "conflict"]
    assert len(books_of_volumes(store)) == 1


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "hang_after", "garbage"])
async def test_a_volume_whose_answer_was_lost_is_found_by_its_name(store, fault):
    store.sim.faults.add("volume_create", fault, times=1)
    assert (await make(store)).ok
    assert store.calls("volume_create") == 1
    assert len(books_of_volumes(store)) == 1


async def test_a_volume_that_does_not_show_stays_counted_and_is_settled_later(store):
    store.sim.faults.add("volume_create", "drop_after", times=1)
    store.sim.faults.add("volume_list", "unavailable", skip=1, times=100)
    said = await make(store)
    assert said.code == "outcome_unknown"
    assert said.text.count("Do not repeat") == 1
    assert await store.promised() > 0
    store.sim.faults.clear()
    report = await reconcile(store.house)
    assert report.adopted
    assert (await store.the_lease()).state is LeaseState.RUNNING


@pytest.mark.parametrize("theirs", [(4000, DC), (100, "EU-CZ-1")])
async def test_a_volume_of_somebody_else_that_only_bears_the_name_is_never_adopted(store, theirs):
    size, place = theirs
    store.sim.faults.add("volume_create", "drop_before", times=1)
    store.sim.faults.add("volume_list", "unavailable", skip=1, times=3)
    assert (await make(store)).code == "outcome_unknown"
    store.sim.faults.clear()
    volume = store.sim.world.shelf.add_volume("data", size, place, "STANDARD").id
    for _ in range(20):
        store.clock.step(seconds=61)
        assert not (await reconcile(store.house)).adopted
    assert await store.leases() == []
    assert (await store.call("delete_network_volume", networkVolumeId=volume)).code == "not_managed"


async def test_a_volume_of_somebody_else_that_came_in_between_is_not_taken_for_the_lost_one(store):
    store.sim.faults.add("volume_create", "hold", times=1, at="before")
    store.sim.faults.add("volume_create", "drop_before", times=1)
    said: list[Said] = []

    async def ask() -> None:
        said.append(await make(store))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await store.until_held()
        store.sim.world.shelf.add_volume("data", 4000, DC, "STANDARD")
        store.sim.holds.release()
    assert said[0].code == "outcome_unknown"
    assert (await store.the_lease()).pod_id is None


async def test_a_volume_that_never_was_is_given_up_after_several_looks(store):
    store.sim.faults.add("volume_create", "drop_before", times=1)
    assert (await make(store)).code == "outcome_unknown"
    for _ in range(20):
        store.clock.step(seconds=61)
        await reconcile(store.house)
    assert await store.leases() == []
    assert await store.promised() == 0


async def test_a_volume_whose_server_died_in_the_middle_is_adopted(store, tmp_path: Path):
    store.sim.faults.add("volume_create", "hold", times=1, at="after")
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(make, store)
            await store.until_held()
            assert (await store.the_lease()).state is LeaseState.OPEN
            await reconcile(store.house)
            assert (await store.the_lease()).state is LeaseState.RUNNING
            store.sim.holds.release()
            scope.cancel()
    assert len(await store.leases()) == 1


async def test_a_refused_volume_gives_its_money_back(store):
    store.sim.faults.add("volume_create", "invalid", times=1)
    said = await make(store)
    assert said.code == "invalid_request"
    assert await store.promised() == 0
    store.sim.faults.add("volume_create", "no_capacity", times=1)
    assert (await make(store)).code == "no_capacity"
    assert await store.promised() == 0


async def test_growing_is_paid_for_first_and_shrinking_is_refused(store):
    volume = id_of(await make(store))
    said = await store.call("update_network_volume", networkVolumeId=volume, sizeGb=200, name="more data")
    assert said.facts["networkVolume"]["sizeGb"] == 200
    assert said.facts["networkVolume"]["name"] == "more data"
    assert books_of_volumes(store)[0]["usd_per_hour"] == pytest.approx(await store.promised(), abs=2e-6)
    smaller = await store.call("update_network_volume", networkVolumeId=volume, sizeGb=100)
    assert (smaller.code, smaller.facts["field"]) == ("invalid_arguments", "sizeGb")
    store.write_policy(toml_with(budget={"usd_total": 15.0}))
    assert (await store.call("update_network_volume", networkVolumeId=volume, sizeGb=400)).code == (
        "over_total_budget"
    )
    store.write_policy(toml_with(pods={"max_volume_gb": 300}))
    assert (await store.call("update_network_volume", networkVolumeId=volume, sizeGb=400)).code == (
        "disk_too_large"
    )


async def test_a_change_that_changes_nothing_or_takes_a_name_is_refused(store):
    volume = id_of(await make(store))
    id_of(await make(store, 10, "other"))
    said = await store.call("update_network_volume", networkVolumeId=volume)
    assert said.code == "invalid_arguments"
    assert (
        await store.call("update_network_volume", networkVolumeId=volume, name="other")
    ).code == "conflict"
    assert (await store.call("update_network_volume", networkVolumeId=volume, name="data")).ok
    assert (await store.call("update_network_volume", networkVolumeId=volume, sizeGb=100)).ok


@pytest.mark.parametrize(("fault", "code"), [("invalid", "invalid_request"), ("no_capacity", "no_capacity")])
async def test_a_refused_growth_gives_its_money_back(store, fault, code):
    volume = id_of(await make(store))
    before = await store.promised()
    store.sim.faults.add("volume_update", fault, times=1)
    said = await store.call("update_network_volume", networkVolumeId=volume, sizeGb=200)
    assert said.code == code
    assert await store.promised() == before


async def test_a_refused_new_name_is_said_plainly(store):
    volume = id_of(await make(store))
    store.sim.faults.add("volume_update", "invalid", times=1)
    said = await store.call("update_network_volume", networkVolumeId=volume, name="new")
    assert said.code == "invalid_request"


async def test_a_growth_that_is_not_seen_counts_until_the_next_look(store):
    volume = id_of(await make(store))
    before = await store.promised()
    store.sim.faults.add("volume_update", "drop_before", times=1)
    said = await store.call("update_network_volume", networkVolumeId=volume, sizeGb=200)
    assert said.code == "outcome_unknown"
    assert await store.promised() > before
    store.clock.step(minutes=3)
    assert (await reconcile(store.house)).corrected
    assert await store.promised() == before


async def test_a_growth_that_is_under_way_is_not_counted_back_by_a_look(store):
    volume = id_of(await make(store))
    store.sim.faults.add("volume_update", "hold", times=1, at="before")
    store.clock.step(minutes=3)
    async with anyio.create_task_group() as tasks:
        grow = {"networkVolumeId": volume, "sizeGb": 200}
        tasks.start_soon(lambda: store.call("update_network_volume", **grow))
        await store.until_held()
        paid_for = await store.promised()
        assert not (await reconcile(store.house)).corrected
        assert await store.promised() == paid_for
        store.sim.holds.release()
    assert books_of_volumes(store)[0]["usd_per_hour"] == pytest.approx(await store.promised(), abs=2e-6)


async def test_a_volume_that_is_gone_when_it_is_to_be_changed_is_not_found(store):
    volume = id_of(await make(store))
    store.sim.faults.add("volume_update", "not_found", times=1)
    said = await store.call("update_network_volume", networkVolumeId=volume, name="new")
    assert said.code == "not_found"


async def test_a_deleted_volume_costs_nothing_more(store):
    volume = id_of(await make(store))
    store.clock.step(hours=10)
    said = await store.call("delete_network_volume", networkVolumeId=volume)
    assert said.ok, said.text
    assert books_of_volumes(store) == []
    assert await store.promised() == 0
    assert (await store.budget("total"))["spent"] == pytest.approx(10 * 100 * GB_HOUR, abs=1e-4)
    assert (await store.call("delete_network_volume", networkVolumeId=volume)).code == "not_found"


async def test_a_volume_in_use_is_not_deleted_and_still_counts(store):
    volume = id_of(await make(store))
    pod = await store.create(networkVolumeId=volume)
    assert pod.ok, pod.text
    before = await store.promised()
    said = await store.call("delete_network_volume", networkVolumeId=volume)
    assert not said.ok
    assert "pods that use it" in said.text
    assert await store.promised() == before


async def test_a_delete_that_does_nothing_keeps_the_volume_counted(store):
    volume = id_of(await make(store))
    store.sim.faults.add("volume_delete", "ignored", times=1)
    said = await store.call("delete_network_volume", networkVolumeId=volume)
    assert (said.code, said.facts["retry"]) == ("runpod_unavailable", "later")
    assert await store.promised() > 0
    assert (await store.call("delete_network_volume", networkVolumeId=volume)).ok


async def test_a_delete_is_not_believed_while_the_list_still_shows_the_volume(store):
    volume = id_of(await make(store))
    store.sim.faults.add("volume_delete", "ignored", times=1)
    store.sim.faults.add("volume_get", "not_found", skip=1, times=1)
    assert (await store.call("delete_network_volume", networkVolumeId=volume)).code == "runpod_unavailable"
    assert await store.promised() > 0


async def test_a_volume_without_room_to_be_deleted_is_said_plainly(store):
    volume = id_of(await make(store))
    store.sim.faults.add("volume_delete", "no_capacity", times=1)
    assert (await store.call("delete_network_volume", networkVolumeId=volume)).code == "conflict"


async def test_a_volume_of_somebody_else_is_listed_and_left_alone(store):
    volume = store.sim.world.shelf.add_volume("theirs", 20, DC, "STANDARD").id
    listed = await store.call("list_network_volumes")
    row = next(row for row in listed.facts["networkVolumes"] if row["networkVolumeId"] == volume)
    assert row["managed"] is False
    assert "not managed" in listed.text
    for tool, more in (("update_network_volume", {"name": "mine"}), ("delete_network_volume", {})):
        assert (await store.call(tool, networkVolumeId=volume, **more)).code == "not_managed"
    assert (await store.call("get_network_volume", networkVolumeId=volume)).ok
    assert (await store.call("get_network_volume", networkVolumeId="nosuchvolume")).code == "not_found"
    assert (await store.call("get_network_volume", networkVolumeId="../x")).code == "invalid_arguments"


async def test_a_volume_that_somebody_deleted_is_closed_after_several_looks(store):
    volume = id_of(await make(store))
    store.sim.faults.add("volume_list", "list_lag", seconds=100_000)
    store.clock.step(minutes=3)
    await reconcile(store.house)
    assert len(await store.leases()) == 1, "reading it says that it lives"
    store.sim.faults.add("volume_get", "not_found", times=100)
    for _ in range(4):
        await reconcile(store.house)
        store.clock.step(seconds=61)
    assert await store.leases() == []
    store.sim.faults.clear()
    await store.call("get_network_volume", networkVolumeId=volume)


async def test_a_volume_is_no_pod(store):
    volume = id_of(await make(store))
    for tool, more in (
        ("stop_pod", {}),
        ("delete_pod", {}),
        ("extend_lease", {"leaseHours": 1}),
        ("update_pod", {"name": "x"}),
        ("get_pod", {}),
    ):
        assert (await store.call(tool, podId=volume, **more)).code == "not_found", tool
    assert len(books_of_volumes(store)) >= 1


async def test_volumes_that_need_a_yes_are_not_made_without_one(store):
    volume = id_of(await make(store, 10))
    store.write_policy(toml_with(approval={"above_usd_per_lease": 5.0}))
    assert (await make(store, 100, "big")).code == "approval_required"
    assert (await store.call("update_network_volume", networkVolumeId=volume, sizeGb=100)).code == (
        "approval_required"
    )
    store.write_policy(toml_with(approval={"tools": ["delete_network_volume"]}))
    assert (await store.call("delete_network_volume", networkVolumeId=volume)).code == "approval_required"


async def test_a_new_name_of_a_volume_is_asked_about_where_the_policy_names_the_tool(store):
    volume = id_of(await make(store, 10))
    renamed = {"networkVolumeId": volume, "name": "renamed"}
    store.write_policy(toml_with(approval={"tools": ["update_network_volume"]}))
    assert (await store.call("update_network_volume", **renamed)).code == "approval_required"
    store.write_policy(toml_with(approval={"above_usd_per_lease": 0.0}))
    assert (await store.call("update_network_volume", **renamed)).ok, "a name costs nothing"


async def test_v1_cannot_tell_the_tier_so_none_is_made_or_grown_there(tmp_path: Path):
    async with front_door(tmp_path, toolsets=("core", "storage")) as door:
        volume = id_of(await make(door))
        async with front_door(tmp_path, dialect="v1", toolsets=("core", "storage"), beside=door) as old:
            said = await make(old, name="other")
            assert (said.code, said.facts["retry"]) == ("price_unknown", "never")
            assert "RUNPOD_API_URL" in said.text
            assert "leave it out" not in said.text
            listed = await old.call("list_network_volumes")
            assert "price unknown" in listed.text
            grown = await old.call("update_network_volume", networkVolumeId=volume, sizeGb=200)
            assert grown.code == "price_unknown"
            renamed = await old.call("update_network_volume", networkVolumeId=volume, name="renamed")
            assert renamed.ok, renamed.text
            assert (await old.call("delete_network_volume", networkVolumeId=volume)).ok


async def test_many_volumes_come_in_pages(store):
    store.write_policy(ROOMY)
    for number in range(3):
        id_of(await make(store, 10, f"v{number}"))
    first = await store.call("list_network_volumes", limit=2)
    assert len(first.facts["networkVolumes"]) == 2
    rest = await store.call("list_network_volumes", limit=2, cursor=first.facts["nextCursor"])
    assert rest.ok
    assert (await store.call("list_pods", cursor=first.facts["nextCursor"])).code == "invalid_arguments"
