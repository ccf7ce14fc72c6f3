"""`budget` and `spend`: from the ledger and the policy alone, and the same as the server says."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import struct
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any
from xml.etree import ElementTree

import anyio.to_thread
import pytest
from front_door import A4000, L4, RTX_4090, FrontDoor, front_door, toml_with
from person_helpers import NARROW, fits, in_step, read, run

from runpod_mcp.cli.plot import HEIGHT, PNG_LIBRARY, WIDTH, columns, rows
from runpod_mcp.cli.times import moment
from runpod_mcp.clock import epoch
from runpod_mcp.money import MICRO, Usd

BUDGETS = {"usd_per_hour": 2.0, "usd_per_day": 40.0, "usd_per_month": 900.0, "usd_total": 1000.0}
NOON = epoch(datetime(2026, 11, 23, 12, 30, tzinfo=UTC))
ONLY_THE_LEDGER = """
import sys
from runpod_mcp.cli import cli
cli.main(sys.argv[1:], standalone_mode=False)
heavy = {"mcp", "mcp_types", "httpx2", "starlette", "uvicorn"} & set(sys.modules)
assert not heavy, heavy
"""


async def spent_for_days(door: FrontDoor) -> list[str]:
    """Three pods, each rented on a day of its own and gone, and a fourth that has run for some minutes by now."""
    in_step(door)
    door.clock.step(days=-4)
    ids = []
    for gpu in (L4, RTX_4090, A4000):
        pod = await door.create(gpu)
        ids.append(pod.pod_id)
        door.clock.step(hours=2)
        await door.call("delete_pod", podId=pod.pod_id)
        door.clock.step(hours=22)
    in_step(door)
    door.clock.step(minutes=-5)
    running = await door.create(L4)
    in_step(door)
    return [*ids, running.pod_id]


@pytest.fixture
async def spent(tmp_path):
    async with front_door(tmp_path, toml_with(budget=BUDGETS)) as door:
        await spent_for_days(door)
        yield door


async def test_the_budget_of_the_command_line_is_the_one_the_agent_sees(spent):
    said = (await spent.call("get_budget")).facts
    facts = await read(spent.folder, "budget")
    assert {name: facts[name] for name in facts if name not in ("at", "budgets")} == {
        name: said[name] for name in said if name != "budgets"
    }
    for mine, theirs in zip(facts["budgets"], said["budgets"], strict=True):
        assert mine == pytest.approx(theirs, abs=0.01)


async def test_the_budget_is_shown_with_bars_and_counts(spent):
    said = (await run(spent.folder, "budget")).stdout
    for words in ("per hour", "today", "month", "in total", "$1,000.00", "pods 1, GPUs 1", "UTC", "█", "▒"):
        assert words in said


async def test_money_fits_a_narrow_terminal(spent):
    for command in (("budget",), *(("spend", "--by", by) for by in ("day", "pod", "gpu", "principal"))):
        for most in (NARROW, 12, 1):
            done = await run(spent.folder, *command, columns=most)
            assert done.exit_code == 0, done.output
            assert fits(done.stdout, max(most, 2)), done.stdout
    assert "free" in (await run(spent.folder, "budget", columns=NARROW)).stdout


async def test_what_is_over_its_limit_is_said_first(spent):
    spent.write_policy(
        toml_with(
            budget={"usd_per_hour": 0.1, "usd_per_hour_per_pod": 0.1, "usd_total": 0}, pods={"max_running": 0}
        )
    )
    lines = (await run(spent.folder, "budget")).stdout.splitlines()
    assert lines[1].startswith("Over the limit: All pods per hour by $0.3997; In total by")
    assert "the price of 1 pod; pods running by 1" in lines[1]
    assert "\x1b" not in lines[1], "no colour where there is no terminal"
    assert "████████████████████████" in next(line for line in lines if line.startswith("in total"))
    assert "total" in (await read(spent.folder, "budget"))["overLimit"]


async def test_a_clock_that_is_behind_is_said_first(spent):
    await spent.house.ledger.spending(epoch(datetime.now(UTC)) + 7200, ())
    assert "2.0 h behind" in (await run(spent.folder, "budget")).stdout.splitlines()[1]
    assert (await read(spent.folder, "budget"))["clockBehindSeconds"] > 7100


async def test_without_limits_nothing_is_drawn(tmp_path):
    (tmp_path / "policy.toml").write_text("version = 1\n[lease]\nmax_hours = 10\n")
    said = (await run(tmp_path, "budget")).stdout
    assert said.count("none") == 4
    assert "█" not in said.replace("█ used", "")


@pytest.mark.parametrize(
    "command",
    [["budget"], ["spend"], ["approvals"], ["audit"], ["audit", "verify"], ["pods"]],
    ids=" ".join,
)
async def test_without_a_ledger_there_is_nothing_yet_and_nothing_is_made(tmp_path, command):
    done = await run(tmp_path, *command, policy=False)
    assert done.exit_code == 0, done.output
    assert "Nothing was rented here yet" in done.stdout
    as_json = await run(tmp_path, *command, "--json", policy=False)
    assert as_json.exit_code == 0
    assert json.loads(as_json.stdout)
    assert list(tmp_path.iterdir()) == []


async def test_pods_made_elsewhere_are_asked_for_only_where_they_count(spent):
    spent.write_policy(toml_with(budget={**BUDGETS, "include_unmanaged": True}))
    done = await run(spent.folder, "budget")
    assert done.exit_code == 1
    assert "RUNPOD_API_KEY" in str(done.exception)
    spent.write_policy(toml_with(budget=BUDGETS))
    assert (await run(spent.folder, "budget")).exit_code == 0


async def test_pods_made_elsewhere_count_without_a_ledger_too(tmp_path):
    (tmp_path / "policy.toml").write_text(toml_with(budget={**BUDGETS, "include_unmanaged": True}))
    done = await run(tmp_path, "budget", "--simulator")
    assert done.exit_code == 0, done.output
    assert "Nothing was rented here yet" in done.stdout
    assert not (tmp_path / "ledger.db").exists()


async def test_a_broken_policy_or_ledger_is_one_error(tmp_path):
    (tmp_path / "ledger.db").write_bytes(b"no ledger at all, but long enough to be looked at" * 40)
    for command in (
        ["budget"],
        ["spend"],
        ["approvals"],
        ["approve", "ABCDEFGH"],
        ["audit"],
        ["audit", "verify"],
    ):
        done = await run(tmp_path, *command, policy=False)
        assert (done.exit_code, done.stdout) == (1, ""), command
        assert "ledger_unavailable" in str(done.exception)
    (tmp_path / "policy.toml").write_text("version = 9\n")
    assert "policy_broken" in str((await run(tmp_path, "budget")).exception)


def alone(door: FrontDoor, command: list[str]) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, which then looks at what it imported."""
    named = {"RUNPOD_MCP_LEDGER": str(door.ledger_path), "RUNPOD_MCP_POLICY": str(door.policy_path)}
    return subprocess.run(
        [sys.executable, "-c", ONLY_THE_LEDGER, *command],
        env={**named, "HOME": str(door.folder), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    "command", [["budget"], ["spend"], ["approvals"], ["audit"], ["audit", "verify"]], ids=" ".join
)
async def test_what_needs_only_the_ledger_starts_without_the_sdk_and_without_a_network(spent, command):
    done = alone(spent, command)
    assert done.returncode == 0, done.stderr
    assert done.stdout


async def test_a_ledger_that_cannot_be_looked_at_is_an_error_and_a_path_into_a_file_is_none(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    done = await run(tmp_path, "spend", "--ledger", str(tmp_path / "loop"))
    assert (done.exit_code, "ledger_unavailable" in str(done.exception)) == (1, True)
    (tmp_path / "file").write_text("")
    done = await run(tmp_path, "spend", "--ledger", str(tmp_path / "file" / "ledger.db"))
    assert (done.exit_code, "Nothing was rented here yet" in done.stdout) == (0, True)


@pytest.mark.parametrize(
    "command", [["budget"], ["spend"], ["approvals"], ["audit"], ["audit", "verify"]], ids=" ".join
)
async def test_looking_waits_for_nobody_who_writes_and_writes_nothing(spent, command):
    with closing(sqlite3.connect(spent.ledger_path, isolation_level=None)) as somebody:
        seen = "SELECT value FROM meta WHERE key = 'latest'"
        before = somebody.execute(seen).fetchone()
        somebody.execute("BEGIN IMMEDIATE")
        begun = monotonic()
        assert (await run(spent.folder, *command)).exit_code == 0
        assert monotonic() - begun < 5, "it waited for the lock"
        somebody.execute("ROLLBACK")
        assert somebody.execute(seen).fetchone() == before


async def test_a_simulators_ledger_is_nowhere_to_be_read(tmp_path):
    done = await run(tmp_path, "budget", "--simulator", RUNPOD_MCP_LEDGER="", policy=False)
    assert (done.exit_code, "there is no ledger." in done.stdout) == (0, True)


# spend


async def test_spending_is_the_same_however_it_is_grouped_and_what_the_budget_says(spent):
    answers = {by: await read(spent.folder, "spend", "--by", by) for by in ("day", "pod", "gpu", "principal")}
    totals = [answer["totalUsd"] for answer in answers.values()]
    assert totals == pytest.approx([totals[0]] * 4, abs=0.005)
    (budget,) = [one for one in (await read(spent.folder, "budget"))["budgets"] if one["per"] == "total"]
    assert budget["spent"] == pytest.approx(totals[0], abs=0.005)
    assert totals[0] == pytest.approx(spent.books()["charged_usd"], abs=0.01)
    for by, answer in answers.items():
        assert sum(row["usd"] for row in answer["rows"]) == pytest.approx(answer["totalUsd"])
        assert all(row[by] for row in answer["rows"])
    assert [row["principal"] for row in answers["principal"]["rows"]] == ["local"]
    assert {row["gpu"] for row in answers["gpu"]["rows"]} == {L4, RTX_4090, A4000}
    assert answers["pod"]["rows"][0]["hardware"] == RTX_4090, "the dearest first"


async def test_days_are_in_order_and_inside_the_time_that_was_asked_for(spent):
    days = [row["day"] for row in (await read(spent.folder, "spend"))["rows"]]
    assert days == sorted(days)
    last = datetime.now(UTC).date() - timedelta(days=2)
    some = await read(spent.folder, "spend", "--until", last.isoformat())
    assert [row["day"] for row in some["rows"]] == [day for day in days if day <= last.isoformat()]
    since = await read(spent.folder, "spend", "--since", "2d")
    assert [row["day"] for row in since["rows"]] == [day for day in days if day >= last.isoformat()]
    assert since["since"] == f"{last}T00:00:00Z"


async def test_a_long_time_is_read_in_parts_and_counts_each_lease_once(spent):
    short = await read(spent.folder, "spend", "--by", "pod")
    whole = await read(spent.folder, "spend", "--by", "pod", "--since", "2019-01-01")
    assert [(row["pod"], row["leases"]) for row in short["rows"]] == [
        (row["pod"], row["leases"]) for row in whole["rows"]
    ]
    assert whole["totalUsd"] == pytest.approx(short["totalUsd"], abs=0.005)


async def test_money_for_a_create_whose_outcome_is_unknown_counts(tmp_path):
    async with front_door(tmp_path, toml_with(budget=BUDGETS)) as door:
        in_step(door)
        door.clock.step(hours=-1)
        door.sim.faults.add("any", "list_lag", seconds=86_400)
        door.sim.faults.add("create", "drop_after", times=1)
        assert (await door.create(L4)).code == "outcome_unknown"
        in_step(door)
        (row,) = (await read(tmp_path, "spend", "--by", "pod"))["rows"]
        assert row["pod"] == (await door.the_lease()).reservation.id
        assert row["usd"] == pytest.approx(0.4997, abs=0.01)


async def test_csv_is_the_same_for_a_spreadsheet(spent):
    done = await run(spent.folder, "spend", "--by", "pod", "--csv")
    found = list(csv.DictReader(io.StringIO(done.stdout)))
    facts = (await read(spent.folder, "spend", "--by", "pod"))["rows"]
    assert [row["pod"] for row in found] == [row["pod"] for row in facts]
    assert [float(row["usd"]) for row in found] == pytest.approx([row["usd"] for row in facts], abs=0.005)


async def test_nothing_spent_is_said(spent):
    done = await run(spent.folder, "spend", "--since", "2020-01-01", "--until", "2020-02-01")
    assert "Nothing was spent from 2020-01-01 00:00 to 2020-02-02 00:00 UTC." in done.stdout


@pytest.mark.parametrize(
    "flags",
    [
        ["--since", "yesterday"],
        ["--since", "2026-13-01"],
        ["--since", "2030-01-01"],
        ["--since", "2026-02-01", "--until", "2026-01-01"],
        ["--csv", "--json"],
        ["--plot", "chart.gif"],
        ["--by", "month"],
    ],
    ids=" ".join,
)
async def test_what_makes_no_sense_is_wrong_usage(tmp_path, flags):
    done = await run(tmp_path, "spend", *flags)
    assert (done.exit_code, done.stdout) == (2, ""), done.output


@pytest.mark.parametrize("since", ["2999-01-01", "0h"])
async def test_a_time_that_is_not_past_is_named(tmp_path, since):
    done = await run(tmp_path, "spend", "--since", since)
    assert done.exit_code == 2
    assert "--since: name a time that is past" in done.stderr
    assert "--until" not in done.stderr


@pytest.mark.parametrize(
    ("text", "ends", "seconds"),
    [
        ("12h", False, NOON - 12 * 3600),
        ("0d", False, NOON - 12 * 3600 - 1800),
        ("1d", False, NOON - 36 * 3600 - 1800),
        ("1d", True, NOON - 12 * 3600 - 1800),
        ("2026-11-23", False, NOON - 12 * 3600 - 1800),
        ("2026-11-23", True, NOON + 12 * 3600 - 1800),
        ("2026-11-23T12:30", True, NOON),
        ("2026-11-23T13:30+01:00", False, NOON),
        ("99999d", False, 0),
        ("1900-01-01", False, 0),
    ],
)
def test_a_time_is_typed_in_the_ways_people_type_it(text, ends, seconds):
    assert moment(text, NOON, "--since", ends=ends) == seconds


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
async def test_long_work_shows_how_far_it_is_on_a_terminal_only(spent):
    said = await anyio.to_thread.run_sync(spend_on_a_terminal, spent)
    assert "Reading 2025-01" in said
    assert said.endswith("\r\x1b[K"), "nothing of it stays"
    assert (await run(spent.folder, "spend", "--since", "2019-01-01")).stderr == ""


def spend_on_a_terminal(door: FrontDoor) -> str:
    """What a command writes to a terminal besides its output."""
    import pty

    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "runpod_mcp", "spend", "--since", "2025-01-01"],
        env={"RUNPOD_MCP_LEDGER": str(door.ledger_path), "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=theirs,
        timeout=60,
    )
    os.close(theirs)
    said = os.read(ours, 1_000_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert b"Reading" not in done.stdout
    return said


# plots


def texts(svg: str) -> list[str]:
    return [
        "".join(found.itertext())
        for found in ElementTree.fromstring(svg).iter()
        if found.tag.endswith("text")
    ]


async def test_a_plot_is_an_svg_with_title_axis_and_total(spent):
    path = spent.folder / "chart.svg"
    done = await run(spent.folder, "spend", "--by", "gpu", "--plot", str(path), "--json")
    facts = json.loads(done.stdout)
    assert str(path) in done.stderr
    said = texts(path.read_text("utf-8"))
    assert said[0].startswith("What leases cost by GPU type")
    assert said[1].startswith(f"${facts['totalUsd']:.2f} in all")
    assert {L4, RTX_4090, A4000, "US dollars"} <= set(said)


async def test_a_plot_by_day_has_a_bar_for_every_day(spent):
    path = spent.folder / "days.svg"
    assert (await run(spent.folder, "spend", "--plot", str(path))).exit_code == 0
    days = [row["day"] for row in (await read(spent.folder, "spend"))["rows"]]
    said = texts(path.read_text("utf-8"))
    assert f"{days[0]} to {days[-1]}" in said
    assert days[0][5:] in said


async def test_a_plot_that_cannot_be_written_is_an_error(spent):
    done = await run(spent.folder, "spend", "--plot", str(spent.folder / "nowhere" / "chart.svg"))
    assert done.exit_code == 1
    assert "cannot be written" in str(done.exception)


async def test_a_png_needs_a_library_and_the_error_names_svg(spent, monkeypatch):
    monkeypatch.setitem(sys.modules, PNG_LIBRARY, None)  # as where it is not installed
    done = await run(spent.folder, "spend", "--plot", str(spent.folder / "chart.png"))
    assert done.exit_code == 1
    assert "runpod-mcp[png]" in str(done.exception)
    assert ".svg" in str(done.exception)


async def test_a_png_is_twice_as_large_as_the_svg(spent):
    done = await run(spent.folder, "spend", "--plot", str(spent.folder / "chart.png"))
    assert done.exit_code == 0, done.output
    drawn = (spent.folder / "chart.png").read_bytes()
    assert drawn.startswith(b"\x89PNG")
    assert struct.unpack(">II", drawn[16:24]) == (2 * WIDTH, 2 * HEIGHT)


def test_a_plot_of_nothing_says_so():
    for svg in (columns("None", []), rows("None", [])):
        assert "Nothing was spent." in "".join(texts(svg))


def test_a_plot_of_many_days_is_drawn_by_month():
    days = [(f"2026-{month:02}-15", Usd(month * MICRO)) for month in range(1, 13)]
    said = texts(columns("Much", days))
    assert "2026-01 to 2026-12" in said
    assert "$12.00" in said


def test_a_plot_of_many_things_sums_up_the_cheapest():
    svg = rows("Much", [(f"<pod> & {number}", Usd(100)) for number in range(40)])
    assert "10 more" in texts(svg)
    assert "<pod> & 3" in texts(svg)


def test_amounts_below_a_cent_are_on_the_axis_too():
    assert "$0.000020" in texts(columns("Little", [("2026-11-23", Usd(90))]))


def test_a_reader_that_leaves_early_ends_a_command_quietly(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "runpod_mcp", "budget", "--json"],
        env={"HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as budget:
        assert budget.stdout is not None
        assert budget.stderr is not None
        budget.stdout.close()
        said = budget.stderr.read()
        assert budget.wait(60) == 1
    assert said == ""


LOOKS = (["budget"], ["budget", "--json"], ["spend"], ["audit"], ["audit", "verify"], ["approvals"], ["pods"])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("command", LOOKS, ids=" ".join)
def test_an_output_that_is_full_is_said_in_a_line(tmp_path, command):
    with open("/dev/full", "w") as full:
        done = said_of(tmp_path, command, stdout=full)
    assert (done.returncode, done.stderr) == (
        1,
        "runpod-mcp: The output cannot be written (No space left on device).\n",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="how a shell closes an output")
@pytest.mark.parametrize("command", [*LOOKS, ["policy", "init"]], ids=" ".join)
def test_without_any_output_nothing_is_said(tmp_path, command):
    done = said_of(tmp_path, command, preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, "")


def said_of(home: Path, command: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
    """A command in a home without a ledger."""
    return subprocess.run(
        [sys.executable, "-m", "runpod_mcp", *command],
        env={"HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
        **how,
    )
