"""`approvals`, `approve` and `deny`: what a person types, and what comes of it."""

from __future__ import annotations

import json

import pytest
from front_door import L4, RTX_4090, FrontDoor, front_door, toml_with
from person_helpers import NARROW, fits, in_step, read, run

from runpod_mcp.cli.approvals import codes_of
from runpod_mcp.ledger.approvals import GOOD_FOR

ASKS = toml_with(approval={"above_usd_per_hour": 0.40, "tools": ["stop_pod"]})


@pytest.fixture
async def asking(tmp_path):
    async with front_door(tmp_path, ASKS) as door:
        yield in_step(door)
        await door.keep_promises()
        assert list(await door.house.ledger.verify_audit()) == []


async def code_of(door: FrontDoor, **more: object) -> str:
    """A request is made that needs a yes; its code."""
    assert (await door.create(L4, **more)).code == "approval_required"
    return str((await read(door.folder, "approvals"))["waiting"][-1]["code"])


async def test_what_waits_is_shown_with_its_code_question_and_price(asking):
    code = await code_of(asking)
    said = (await run(asking.folder, "approvals")).stdout
    for words in (
        code,
        "create_pod for local",
        "up to $0.4997/h",
        "left",
        "May the agent call",
    ):
        assert words in said
    (waiting,) = (await read(asking.folder, "approvals"))["waiting"]
    assert waiting["question"] in " ".join(said.split())
    assert 0 < waiting["secondsLeft"] <= GOOD_FOR
    narrow = await run(asking.folder, "approvals", columns=NARROW)
    assert fits(narrow.stdout, NARROW)
    assert code in narrow.stdout


async def test_nothing_waits(asking):
    await asking.call("list_pods")
    await asking.house.ledger.spending(asking.house.now(), ())
    assert (await run(asking.folder, "approvals")).stdout == "Nothing waits for an answer.\n"


async def test_a_yes_lets_the_same_call_through_once(asking):
    code = await code_of(asking)
    done = await run(asking.folder, "approve", code)
    assert done.exit_code == 0
    assert "is allowed, once: create_pod for local, up to $0.4997/h" in done.stdout
    assert "call again with the same arguments" in done.stdout
    assert (await read(asking.folder, "approvals"))["waiting"] == []
    assert (await asking.create(L4)).ok
    assert (await asking.create(L4)).code == "approval_required"


async def test_a_no_is_told_to_the_agent(asking):
    code = await code_of(asking)
    done = await run(asking.folder, "deny", code)
    assert (done.exit_code, "is denied" in done.stdout) == (0, True)
    assert (await asking.create(L4)).code == "approval_denied"


async def test_what_costs_nothing_more_is_said_to(asking):
    await run(asking.folder, "approve", await code_of(asking))
    pod = await asking.create(L4)
    await asking.call("stop_pod", podId=pod.pod_id)
    assert "costs nothing more" in (await run(asking.folder, "approvals")).stdout


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        (["ABCDEFGH"], ["ABCDEFGH"]),
        (["abcd-efgh"], ["ABCDEFGH"]),
        ([" abcd efgh "], ["ABCDEFGH"]),
        (["abcd", "efgh"], ["ABCDEFGH"]),
        (["ab", "cd_efgh", "JKMNPQRS"], ["ABCDEFGH", "JKMNPQRS"]),
        (["ABCDEFGH", "abcdefgh"], ["ABCDEFGH"]),
        (["ABC", "ABCDEFGH"], ["ABC", "ABCDEFGH"]),
        (["--", " "], []),
    ],
)
def test_codes_are_read_however_they_are_typed(typed, codes):
    assert codes_of(typed) == codes


async def test_several_codes_are_answered_at_once_and_one_that_is_wrong_stops_no_other(asking):
    first, second = await code_of(asking), await code_of(asking, leaseHours=1)
    done = await run(
        asking.folder, "approve", f"{first[:4]}-{first[4:]}".lower(), "WRONGONE", second, "--json"
    )
    facts = json.loads(done.stdout)
    assert done.exit_code == 1
    assert {one["code"]: one["state"] for one in facts["answered"]} == {first: "approved", second: "approved"}
    assert [(one["typed"], one["code"]) for one in facts["refused"]] == [("WRONGONE", "not_found")]
    assert done.stderr.count("\n") == 1
    assert (await asking.create(L4)).ok


async def refused(door: FrontDoor, command: str, code: str) -> str:
    done = await run(door.folder, command, code)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"runpod-mcp: {code}: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


async def test_a_code_that_was_answered_is_refused(asking):
    code = await code_of(asking)
    await run(asking.folder, "approve", code)
    assert "already approved" in await refused(asking, "approve", code)
    await run(asking.folder, "deny", code)
    assert "already denied" in await refused(asking, "deny", code)
    assert "already denied" in await refused(asking, "approve", code)


async def test_a_yes_that_was_not_used_yet_is_taken_back_by_a_no(asking):
    code = await code_of(asking)
    await run(asking.folder, "approve", code)
    done = await run(asking.folder, "deny", code)
    assert (done.exit_code, "is denied" in done.stdout) == (0, True)
    assert (await asking.create(L4)).code == "approval_denied"
    assert asking.create_calls == 0
    assert (await run(asking.folder, "audit", "verify")).exit_code == 0


async def test_a_code_that_was_used_is_refused(asking):
    code = await code_of(asking)
    await run(asking.folder, "approve", code)
    assert (await asking.create(L4)).ok
    assert "used" in await refused(asking, "approve", code)


async def test_a_code_that_is_too_old_is_refused(asking):
    asking.clock.step(seconds=-GOOD_FOR - 60)
    assert (await asking.create(L4)).code == "approval_required"
    (one,) = await asking.house.ledger.open_approvals(asking.house.now())
    assert "ten minutes are over" in await refused(asking, "approve", one.code)
    assert (await read(asking.folder, "approvals"))["waiting"] == []


async def test_whoever_guesses_is_slowed_down_and_told_for_how_long(asking):
    code = await code_of(asking)
    guesses = [await refused(asking, "approve", f"WRONGC0{number}") for number in range(5)]
    assert "no such code" in guesses[0]
    assert "wait" in guesses[-1]
    assert "seconds" in guesses[-1]
    assert "wait" in await refused(asking, "approve", code), "the right one waits too"
    assert asking.create_calls == 0


async def test_without_a_ledger_no_code_is_right(tmp_path):
    done = await run(tmp_path, "approve", "ABCDEFGH", policy=False)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "no such code" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("typed", [[], ["--json"], ["---"], [" "]])
async def test_no_code_is_wrong_usage(tmp_path, typed):
    assert (await run(tmp_path, "approve", *typed)).exit_code == 2


async def test_a_ledger_flag_counts_before_and_after_the_name(asking, tmp_path_factory):
    code, elsewhere = await code_of(asking), tmp_path_factory.mktemp("elsewhere")
    path = str(asking.ledger_path)
    for line in (["approvals", "--ledger", path], ["--ledger", path, "approvals"]):
        done = await run(elsewhere, *line, policy=False)
        assert code in done.stdout
    wrong = await run(elsewhere, "--simulator", "approvals", policy=False)
    assert (wrong.exit_code, "--simulator" in wrong.stderr) == (2, True)


async def test_the_words_of_an_agent_cannot_move_a_cursor(asking):
    await asking.create(RTX_4090, name="\x1b[2Jall is well\r")
    said = await run(asking.folder, "approvals")
    assert "all is well" in said.stdout
    assert "\x1b" not in said.stdout
    assert "\r" not in said.stdout
