"""`pods`: the account as the ledger sees it, once or again and again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from front_door import L4, RTX_4090, FrontDoor
from person_helpers import NARROW, fits, run

from runpod_mcp.cli.pods import Seen, facts_of, lines_of, look, watch
from runpod_mcp.errors import Failure


async def test_pods_are_rows_with_price_and_lease(both):
    one = await both.create(L4, name="first", leaseHours=2)
    seen = await look(both.house, show_all=False)
    (row,) = facts_of(seen)["pods"]
    assert (row["podId"], row["name"], row["managed"]) == (one.pod_id, "first", True)
    assert (row["usdPerHour"], row["leaseSecondsLeft"]) == (one.pod["usdPerHour"], 7200)
    said = "\n".join(lines_of(seen, None))
    for words in (one.pod_id, "first", "1 x NVIDIA L4", "$0.4997", "11-23 14:00", "2h00m", "UTC", "yes"):
        assert words in said


async def test_pods_made_elsewhere_are_counted_and_shown_on_request(door):
    door.sim.by_hand({"create": {"gpuTypeId": RTX_4090}})
    mine = await door.create(L4)
    some, everything = await look(door.house, show_all=False), await look(door.house, show_all=True)
    assert [row["podId"] for row in some.rows] == [mine.pod_id]
    assert facts_of(some)["notShown"] == 1
    assert "1 pod made elsewhere ($0." in "\n".join(lines_of(some, None))
    assert [row["managed"] for row in everything.rows].count(False) == 1
    assert "made elsewhere" not in "\n".join(lines_of(everything, None))
    assert lines_of(everything, None)[0].startswith("1 pod of this ledger")


async def test_a_create_whose_outcome_is_unknown_is_a_row_too(door):
    door.sim.faults.add("any", "list_lag", seconds=3600)
    door.sim.faults.add("create", "drop_after", times=1)
    assert (await door.create(L4, name="lost")).code == "outcome_unknown"
    (row,) = (await look(door.house, show_all=False)).rows
    assert (row["status"], row["why"], row["name"]) == ("unknown", "outcome unknown", "lost")
    said = "\n".join(lines_of(Seen(0, [row]), None))
    for words in (row["reservation"], "outcome unknown", "1 x NVIDIA L4", "lost"):
        assert words in said


async def test_a_create_that_is_under_way_is_a_row_too(door):
    door.sim.faults.add("create", "hold", times=1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(door.create)
        await door.until_held()
        (row,) = (await look(door.house, show_all=False)).rows
        assert (row["status"], row["why"]) == ("open", "being made")
        door.sim.holds.release()


async def test_a_cpu_pod_and_a_pod_without_a_price_are_rows_too(door):
    seen = Seen(0, [{"podId": "p", "status": "running", "cpuFlavorId": "cpu3c", "managed": False}])
    assert "cpu3c" in lines_of(seen, None)[3]
    assert lines_of(Seen(0, [], seen.rows), None)[-1].startswith("1 pod made elsewhere (at least $0.00/h)")


@pytest.mark.parametrize("columns", [NARROW, 60, 80, 1])
async def test_pods_fit_a_narrow_terminal(door, columns):
    await door.create(L4, name="a name that is much longer than anybody needs")
    lines = lines_of(await look(door.house, show_all=False), columns)
    assert fits("\n".join(lines), max(2, columns))
    if columns >= NARROW:
        assert "left" in "\n".join(lines)


async def watched(
    door: FrontDoor, rounds: int, trouble_after: int | None = None
) -> list[tuple[Seen | None, str]]:
    """What a watch draws in so many rounds; Runpod cannot be read for the one that comes after so many."""
    drawn: list[tuple[Seen | None, str]] = []
    with anyio.CancelScope() as scope:

        def draw(seen: Seen | None, trouble: str) -> None:
            drawn.append((seen, trouble))
            door.sim.faults.clear()
            if len(drawn) == trouble_after:
                door.sim.faults.add("list", "unavailable", times=None)
            if len(drawn) == rounds:
                scope.cancel()

        await watch(door.house, 5, False, draw)
    return drawn


async def test_a_watch_looks_again_every_few_seconds(door):
    await door.create(L4)
    before = door.house.now()
    drawn = await watched(door, 3)
    assert [seen.at - before for seen, _ in drawn if seen] == [0, 5, 10]
    assert not any(trouble for _, trouble in drawn)


async def test_a_watch_goes_on_when_runpod_cannot_be_read_for_a_moment(door):
    await door.create(L4)
    drawn = await watched(door, 3, trouble_after=1)
    assert [bool(trouble) for _, trouble in drawn] == [False, True, False]
    assert drawn[1][0] == drawn[0][0], "what was seen last is still there"
    assert "trying again" in drawn[1][1]


async def test_a_watch_ends_where_waiting_does_not_help(door):
    door.sim.faults.add("list", "unauthorized", times=None)
    with pytest.raises(Failure, match="unauthorized"):
        await watched(door, 3)


@pytest.mark.parametrize("flags", [["--watch"], ["--watch", "2"], ["--watch", "--json"], ["--watch", "0.1"]])
async def test_a_watch_without_a_terminal_is_wrong_usage(tmp_path, flags):
    done = await run(tmp_path, "pods", *flags)
    assert (done.exit_code, done.stdout) == (2, "")


async def test_pods_cannot_be_read_without_a_key(door):
    await door.create(L4)
    done = await run(door.folder, "pods")
    assert done.exit_code == 1
    assert "RUNPOD_API_KEY" in str(done.exception)


async def test_the_command_prints_rows_and_facts(door):
    """Against a simulator of its own, which does not have the pod of this ledger."""
    await door.create(L4)
    done = await run(door.folder, "pods", "--simulator")
    assert done.exit_code == 0, done.output
    assert "unlisted" in done.stdout
    facts = json.loads((await run(door.folder, "pods", "--simulator", "--json")).stdout)
    assert [row["why"] for row in facts["pods"]] == ["unlisted"]


async def test_pods_made_elsewhere_can_be_seen_before_there_is_a_ledger(tmp_path):
    done = await run(tmp_path, "pods", "--simulator", "--all", policy=False)
    assert (done.exit_code, done.stdout[:6]) == (0, "0 pods")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
async def test_a_watch_draws_on_a_terminal_until_it_is_interrupted(door):
    await door.create(L4)
    said, code = await anyio.to_thread.run_sync(watch_on_a_terminal, door.folder)
    assert code == 0
    assert said.count("\x1b[H") >= 2, "drawn again, in place"
    assert "unlisted" in said
    assert "Traceback" not in said


def watch_on_a_terminal(folder: Path) -> tuple[str, int]:
    """A watch in a process of its own, on a pseudo-terminal, interrupted after its second drawing."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "runpod_mcp", "pods", "--simulator", "--watch", "1"],
        env={
            "RUNPOD_MCP_LEDGER": str(folder / "ledger.db"),
            "HOME": str(folder),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "COLUMNS": "40",
            "LINES": "12",
            "TERM": "xterm",
        },
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    while said.count(b"\x1b[H") < 2:
        said += os.read(ours, 65_536)
    process.send_signal(signal.SIGINT)
    code = process.wait(30)
    os.close(ours)
    return said.decode(), code
