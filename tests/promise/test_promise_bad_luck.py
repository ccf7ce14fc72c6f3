"""Bad luck around running pods: each has a clear answer through the front door, ends nothing unasked, loses nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from front_door import A4000, L4, ROOMY, TAG, FrontDoor, Said, front_door, toml_with
from mcp import Client

from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.extend_lease import extend_lease
from runpod_mcp.flows.keeper import keep_once
from runpod_mcp.flows.policy_file import PolicyFile
from runpod_mcp.flows.reconcile import reconcile
from runpod_mcp.flows.start_pod import start_pod
from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.money import MICRO
from runpod_mcp.server.app import build_server

posix = pytest.mark.skipif(sys.platform == "win32", reason="speaks of open files, permissions and limits")
ONE = 0.499723
"""What one L4 with the usual disks costs per hour."""


async def refuses(door: FrontDoor, code: str, word: str = "") -> None:
    """Nothing new is rented, and why is said; Runpod is not called."""
    before = door.create_calls
    said = await door.create()
    assert (said.code, door.create_calls) == (code, before), said.text
    assert word in said.text


async def settle(door: FrontDoor) -> None:
    """What a server does by itself in a few minutes, once all is well again."""
    for _ in range(6):
        door.clock.step(seconds=61)
        await reconcile(door.house)


async def agrees_with_the_books(door: FrontDoor) -> None:
    """The ledger counts what Runpod bills, to the micro-dollar a pod."""
    burn = door.books()["burn_usd_per_hour"]
    assert burn - 1e-9 <= await door.promised() <= burn + 1e-5
    await door.keep_promises()


# the ledger's file


def cut_off(path: Path) -> None:
    os.truncate(path, 0)


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 8192 * 4096)


def overwrite(path: Path) -> None:
    path.write_bytes(b"\xa5" * path.stat().st_size)


def upgrade(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE meta SET value = 2 WHERE key = 'schema_version'")


def delete(path: Path) -> None:
    path.unlink()


Harm = Callable[[Path], None]


@posix
@pytest.mark.parametrize(
    ("harm", "word"),
    [
        (cut_off, "empty"),
        (cut_in_half, "damaged"),
        (overwrite, "not a ledger"),
        (upgrade, "newer version"),
    ],
)
@pytest.mark.parametrize("dialect", ["v2", "v1"])
async def test_a_ledger_harmed_between_two_runs_stops_spending_until_it_is_restored(
    tmp_path, harm, word, dialect
):
    async with front_door(tmp_path, dialect=dialect) as door:
        first, second, third = [(await door.create()).pod_id for _ in range(3)]
        await door.house.ledger.close()
        shutil.copy(door.ledger_path, tmp_path / "backup.db")
        harm(door.ledger_path)
        async with front_door(tmp_path, beside=door, dialect=dialect) as later:
            await refuses(later, "ledger_unavailable", word)
            for tool in ("get_budget", "list_pods"):
                assert word in (await later.call(tool)).text
            await keep_once(later.house)
            assert len(door.live) == 3, "nothing is ended because of it"
            deleted = await later.call("delete_pod", podId=first)
            stopped = await later.call("stop_pod", podId=second)
            for said, done in ((deleted, "deleted"), (stopped, "stopped")):
                assert (said.code, said.facts["retry"]) == ("ledger_unavailable", "never")
                assert f"is {done}, but that could not be written down, so it still counts." in said.text
                assert word in said.text
            assert sorted(pod["id"] for pod in door.live) == sorted([second, third])
        (tmp_path / "backup.db").replace(door.ledger_path)
        async with front_door(tmp_path, beside=door, dialect=dialect) as restored:
            assert (await restored.budget("hour"))["spent"] == pytest.approx(3 * ONE, abs=1e-5), (
                "still counted"
            )
            await settle(restored)
            await agrees_with_the_books(restored)
            assert len(await restored.leases()) == 2
            assert (await restored.create()).ok


@posix
@pytest.mark.parametrize("harm", [cut_off, cut_in_half, overwrite])
async def test_a_ledger_cut_while_a_server_runs_gives_right_sums_or_none(tmp_path, harm):
    """SQLite holds what it read; what it cannot hold it must miss, never guess."""
    async with front_door(tmp_path, toml_with(budget={"usd_per_hour": 5 * ONE})) as door:
        for _ in range(3):
            assert (await door.create()).ok
        harm(door.ledger_path)
        async with front_door(tmp_path, beside=door) as other:
            said = [await server.create() for server in (door, other) * 4]
            assert {one.code for one in said} <= {None, "over_hourly_budget", "ledger_unavailable"}
            assert door.books()["peak_usd_per_hour"] <= 5 * ONE
            for server in (door, other):
                budget = await server.call("get_budget")
                if budget.ok:
                    assert (await server.budget("hour"))["spent"] == pytest.approx(
                        len(door.live) * ONE, abs=1e-5
                    )
                else:
                    assert budget.code == "ledger_unavailable"


@posix
async def test_a_ledger_deleted_while_a_server_runs_stops_spending_until_it_is_put_back(tmp_path):
    async with front_door(tmp_path) as door:
        first, second = (await door.create()).pod_id, (await door.create()).pod_id
        os.link(door.ledger_path, tmp_path / "aside")
        door.ledger_path.unlink()
        await refuses(door, "ledger_unavailable", "deleted")
        assert "deleted" in (await door.call("get_budget")).text
        assert not door.ledger_path.exists(), "no new one is begun in its place"
        deleted = await door.call("delete_pod", podId=first)
        assert (deleted.code, [pod["id"] for pod in door.live]) == ("ledger_unavailable", [second])
        again = await door.call("delete_pod", podId=first)
        assert again.code == "ledger_unavailable", "a pod that is gone is nobody's"
        (tmp_path / "aside").rename(door.ledger_path)
        assert len(await door.leases()) == 2
        await settle(door)
        await agrees_with_the_books(door)
        assert (await door.create()).ok


@posix
async def test_a_ledger_deleted_between_two_runs_leaves_pods_that_are_shown_and_left_alone(tmp_path):
    """A new ledger knows nothing of them: they may be another server's, so nobody here ends them unasked."""
    async with front_door(tmp_path) as door:
        pod = (await door.create()).pod_id
        await door.house.ledger.close()
        door.ledger_path.unlink()
        async with front_door(tmp_path, beside=door) as later:
            listed = await later.call("list_pods")
            assert "not managed" in listed.text
            report = await reconcile(later.house)
            assert [one.id for one in report.unmanaged] == [pod]
            assert report.unmanaged_usd_per_hour > 0
            refused = await later.call("delete_pod", podId=pod)
            assert refused.code == "not_managed"
            assert "not in this server's ledger but in another" in refused.text
            assert [one["id"] for one in later.live] == [pod]
            later.write_policy(toml_with(pods={"manage_unmanaged": True}, budget={"include_unmanaged": True}))
            assert (await later.budget("hour"))["spent"] == pytest.approx(ONE, abs=1e-5), (
                "counted when asked for"
            )
            assert (await later.call("delete_pod", podId=pod)).ok
            assert later.live == []


@posix
async def test_without_a_ledger_a_pod_that_carries_no_tag_is_ended_only_where_the_policy_allows_any(tmp_path):
    async with front_door(tmp_path) as door:
        mine = (await door.create()).pod_id
        other = door.sim.by_hand({"create": {"gpuTypeId": L4}}).id
        door.ledger_path.unlink()
        for tool in ("stop_pod", "delete_pod"):
            assert (await door.call(tool, podId=other)).code == "ledger_unavailable"
            assert (await door.call(tool, podId="nosuchpod00000")).code == "ledger_unavailable"
        assert len(door.books()["live"]) == 2
        door.write_policy(toml_with(pods={"manage_unmanaged": True}))
        assert "is deleted" in (await door.call("delete_pod", podId=other)).text
        door.write_policy(toml_with(approval={"tools": ["delete_pod"]}))
        assert (await door.call("delete_pod", podId=mine)).code == "approval_required", (
            "a person's word still holds"
        )
        door.write_policy("version = ")
        assert "is deleted" in (await door.call("delete_pod", podId=mine)).text, (
            "a broken policy stops no end"
        )
        assert door.books()["live"] == []


async def test_a_ledger_that_is_only_locked_is_waited_for_and_gives_no_right_to_end_what_it_may_not_hold(
    tmp_path,
):
    async with front_door(tmp_path) as door:
        pod = (await door.create()).pod_id
        await door.house.ledger.close()
        with closing(sqlite3.connect(door.ledger_path, isolation_level=None)) as lock:
            lock.execute("PRAGMA locking_mode = EXCLUSIVE")
            lock.execute("BEGIN EXCLUSIVE")
            said = await door.call("delete_pod", podId=pod)
            assert (said.code, said.facts["retry"], len(door.live)) == ("ledger_unavailable", "later", 1)
        assert (await door.call("delete_pod", podId=pod)).ok


@contextmanager
def no_right_to_write(folder: Path) -> Iterator[None]:
    """The file and its folder are read-only, and this process is not the superuser, whom that would not stop."""
    user = os.geteuid()
    for path in (folder, *folder.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        for path in (folder, *folder.iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can get to."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@posix
@pytest.mark.parametrize("when", ["while it runs", "between two runs"])
async def test_a_read_only_ledger_stops_spending_and_ending_still_works(open_folder, when):
    async with front_door(open_folder) as door:
        first, second = (await door.create()).pod_id, (await door.create()).pod_id
        assert (await door.call("list_pods")).ok
        async with front_door(open_folder, beside=door) as other:
            if when == "between two runs":
                await door.house.ledger.close()
            else:
                assert (await other.call("get_budget")).ok
            door.clock.step(seconds=31)
            with no_right_to_write(open_folder):
                said = [await server.create(leaseHours=1) for server in (door, other)]
                ended = await door.call("delete_pod", podId=first)
        assert {one.code for one in said} <= {None, "ledger_unavailable"}, "an open file may still be written"
        assert ended.ok or "is deleted, but that could not be written down" in ended.text
        assert first not in [pod["id"] for pod in door.live]
        assert second in [pod["id"] for pod in door.live]
        if when == "between two runs":
            assert {one.code for one in said} == {ended.code} == {"ledger_unavailable"}
        await settle(door)
        await agrees_with_the_books(door)
        assert (await door.create()).ok


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow any more: the kernel refuses each write past the start of a file."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@posix
async def test_a_full_disk_stops_spending_and_what_is_ended_is_written_down_later(tmp_path):
    async with front_door(tmp_path) as door:
        pods = [(await door.create()).pod_id for _ in range(2)]
        door.clock.step(seconds=5)
        with full_disk():
            refused = await door.create()
            deleted = await door.call("delete_pod", podId=pods[0])
        assert (refused.code, door.create_calls) == ("ledger_unavailable", 2)
        assert "disk" in refused.text
        assert deleted.code == "ledger_unavailable"
        assert "is deleted, but that could not be written down" in deleted.text
        assert [pod["id"] for pod in door.live] == pods[1:]
        assert len(await door.leases()) == 2, "more is counted than is true, never less"
        assert (await door.call("delete_pod", podId=pods[0])).ok, "the same call writes it down"
        await agrees_with_the_books(door)
        assert (await door.create()).ok


@posix
async def test_a_disk_that_fills_up_during_a_create_loses_neither_the_pod_nor_its_money(tmp_path):
    async with front_door(tmp_path) as door:
        door.sim.faults.add("create", "hold", times=1)
        said: list[Said] = []

        async def ask() -> None:
            said.append(await door.create())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await door.until_held()
            with full_disk():
                door.sim.holds.release()
                while not said:
                    await anyio.sleep(0.001)
        assert said[0].code == "outcome_unknown"
        assert "Do not repeat the call" in said[0].text
        assert door.live[0]["id"] in said[0].text
        assert await door.promised() == pytest.approx(ONE, abs=1e-5), "the money stays set aside"
        await settle(door)
        assert (await door.the_lease()).pod_id == door.live[0]["id"]
        await agrees_with_the_books(door)


# the policy made stricter, or broken, while pods run

STRICTER = {
    "hour": ({"budget": {"usd_per_hour": 0.6}}, "over_hourly_budget"),
    "day": ({"budget": {"usd_per_day": 1.0}}, "over_daily_budget"),
    "month": ({"budget": {"usd_per_month": 1.0}}, "over_monthly_budget"),
    "total": ({"budget": {"usd_total": 1.0}}, "over_total_budget"),
    "pod": ({"budget": {"usd_per_hour_per_pod": 0.3}}, "over_pod_hourly_budget"),
    "podsRunning": ({"pods": {"max_running": 1}}, "too_many_pods"),
    "gpusRunning": ({"gpus": {"max_running": 1}}, "too_many_gpus"),
}


@pytest.mark.parametrize("over", STRICTER)
async def test_under_a_stricter_policy_running_pods_are_over_the_limit_and_go_on_until_asked(tmp_path, over):
    tables, code = STRICTER[over]
    async with front_door(tmp_path) as door:
        pods = [(await door.create()).pod_id for _ in range(3)]
        assert "overLimit" not in (await door.call("get_budget")).facts
        door.write_policy(toml_with(**tables))
        await refuses(door, code)
        budget = await door.call("get_budget")
        assert budget.facts["overLimit"] == [over]
        assert "Over the limit: " in budget.text
        assert "goes on until its lease ends" in budget.text
        for line in budget.facts["budgets"]:
            assert (line["per"] == over) == ("over" in line)
            if line["per"] == over:
                assert line["left"] == 0
                assert line["spent"] + line["promised"] == pytest.approx(line["limit"] + line["over"])
                assert "over the limit of" in budget.text
        await keep_once(door.house)
        assert len(door.live) == 3, "nothing is ended unasked"
        assert (await door.call("list_pods")).facts["total"] == 3
        with pytest.raises(Failure):
            await extend_lease(door.house, pods[0], 8)
        assert (await extend_lease(door.house, pods[0], 1)).lease, "shorter is always allowed"
        assert (await door.call("stop_pod", podId=pods[1])).ok
        with pytest.raises(Failure):
            await start_pod(door.house, pods[1])
        for pod in pods:
            assert (await door.call("delete_pod", podId=pod)).ok
        assert "overLimit" not in (await door.call("get_budget")).facts
        fits = A4000 if over == "pod" else L4
        assert (await door.create(fits, leaseHours=0.5)).ok, "and what fits is allowed again"
        await door.keep_promises()


async def test_under_a_policy_that_no_longer_allows_its_type_a_pod_goes_on_and_no_new_one_is_rented(both):
    pod = (await both.create()).pod_id
    both.write_policy(toml_with(gpus={"allow": [A4000]}, lease={"default_hours": 1, "max_hours": 1}))
    await refuses(both, "gpu_not_allowed")
    await keep_once(both.house)
    assert [one["id"] for one in both.live] == [pod]
    with pytest.raises(Failure) as caught:
        await extend_lease(both.house, pod, 3)
    assert caught.value.code is Code.LEASE_TOO_LONG
    assert (await extend_lease(both.house, pod, 0.5)).lease
    assert (await both.call("delete_pod", podId=pod)).ok


@pytest.mark.parametrize("text", ["version = ", "version = 1\n[budget]\nusd_per_huor = 1\n", None])
async def test_under_a_broken_policy_nothing_is_rented_and_everything_can_be_ended(tmp_path, text):
    async with front_door(tmp_path) as door:
        pods = [(await door.create(leaseHours=1, volumeInGb=0)).pod_id for _ in range(4)]
        door.policy_path.unlink() if text is None else door.write_policy(text)
        await refuses(door, "policy_broken", "policy.toml")
        assert (await door.call("get_budget")).code == "policy_broken"
        assert (await door.call("list_pods")).facts["total"] == 4
        with pytest.raises(Failure) as caught:
            await extend_lease(door.house, pods[0], 2)
        assert caught.value.code is Code.POLICY_BROKEN
        assert (await extend_lease(door.house, pods[0], 0.5)).lease
        assert (await door.call("delete_pod", podId=pods[1])).ok
        assert (await door.call("stop_pod", podId=pods[2])).ok
        left = (await door.call("delete_pod", podId=pods[2])).text
        assert "cannot be read now (policy_broken)" in left
        door.clock.step(hours=1)
        await keep_once(door.house)
        assert door.live == [], "leases are ended when they are due"
        door.write_policy(ROOMY)
        assert (await door.create()).ok


# the clock


async def test_a_clock_that_was_set_back_is_said_and_stops_no_end(both):
    first, second = (await both.create()).pod_id, (await both.create()).pod_id
    assert "clockBehindSeconds" not in (await both.call("get_budget")).facts
    both.clock.step(minutes=-150)
    budget = await both.call("get_budget")
    assert budget.facts["clockBehindSeconds"] >= 9000
    assert "clock is 2.5 h behind" in budget.text
    assert "tell the person" in budget.text
    assert (await extend_lease(both.house, first, 0.1)).lease, "shorter is always allowed"
    assert (await both.call("stop_pod", podId=second)).ok
    for pod in (first, second):
        assert (await both.call("delete_pod", podId=pod)).ok
    assert both.live == []
    both.clock.step(minutes=151)
    assert "clockBehindSeconds" not in (await both.call("get_budget")).facts


# two policies on one ledger


@asynccontextmanager
async def under_another_policy(door: FrontDoor, text: str) -> AsyncIterator[FrontDoor]:
    """A second server on the same ledger and Runpod, with a policy file of its own."""
    folder = door.folder / "other"
    folder.mkdir()
    (folder / "policy.toml").write_text(text, "utf-8")
    house = replace(
        door.house,
        policies=PolicyFile(folder / "policy.toml", named=True),
        ledger=SqliteLedger(door.ledger_path, busy_seconds=0.05),
        holder="another server",
    )
    server = build_server(house)
    try:
        async with Client(server) as client:
            yield FrontDoor(client, server, house, door.sim, door.clock, folder)
    finally:
        await house.ledger.close()


async def test_two_policies_on_one_ledger_are_judged_each_by_itself_against_the_same_sums(tmp_path):
    strict_policy = toml_with(budget={"usd_per_hour": 2 * ONE, "usd_per_day": 3.0}, pods={"max_running": 2})
    async with front_door(tmp_path) as roomy, under_another_policy(roomy, strict_policy) as strict:
        assert (await strict.create()).ok
        pods = [(await roomy.create()).pod_id for _ in range(2)]
        said = await strict.create()
        assert said.code in ("over_hourly_budget", "too_many_pods")
        assert said.facts["used"] >= 3 * ONE - 1e-5 or said.facts["used"] == 3
        one, other = (await strict.call("get_budget")), (await roomy.call("get_budget"))
        assert [line["spent"] for line in one.facts["budgets"]] == [
            line["spent"] for line in other.facts["budgets"]
        ]
        assert one.facts["podsRunning"] == other.facts["podsRunning"] == 3
        assert set(one.facts["overLimit"]) == {"hour", "day", "podsRunning"}
        assert "overLimit" not in other.facts
        assert one.facts["policy"] != other.facts["policy"], "each says by which it judges"
        assert (await roomy.create()).ok, "the stricter one binds only those who are under it"
        for pod in pods:
            assert (await strict.call("delete_pod", podId=pod)).ok, (
                "what is managed here may be ended from here"
            )
        await keep_once(strict.house)
        await keep_once(roomy.house)
        assert len(roomy.live) == 2
        await agrees_with_the_books(roomy)


async def test_a_race_under_two_policies_never_lets_the_stricter_one_pass_its_own_limit(tmp_path):
    strict_policy = toml_with(budget={"usd_per_hour": 3 * ONE})
    roomy_policy = toml_with(budget={"usd_per_hour": 6 * ONE})
    async with (
        front_door(tmp_path, roomy_policy) as roomy,
        under_another_policy(roomy, strict_policy) as strict,
    ):
        said: list[tuple[FrontDoor, Said]] = []

        async def ask(door: FrontDoor) -> None:
            said.append((door, await door.create()))

        async with anyio.create_task_group() as tasks:
            for number in range(16):
                tasks.start_soon(ask, (roomy, strict)[number % 2])
        assert len(roomy.live) == 6, "the roomy one is used up"
        assert roomy.books()["peak_usd_per_hour"] <= 6 * ONE
        places = {lease.reservation.id: place for place, lease in enumerate(await roomy.leases())}
        tags = {pod["id"]: pod["env"][TAG] for pod in roomy.live}
        through_strict = [places[tags[one.pod_id]] for door, one in said if door is strict and one.ok]
        assert all(place < 3 for place in through_strict), "set aside while no more than two others were"
        await roomy.keep_promises()


async def test_the_sums_of_these_tests_are_what_one_pod_costs(door):
    await door.create()
    assert (await door.the_lease()).usd_per_hour / MICRO == ONE
