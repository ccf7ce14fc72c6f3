"""`audit` and `audit verify`: what happened, and whether somebody wrote over it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from front_door import L4, FrontDoor, front_door, toml_with
from person_helpers import NARROW, fits, in_step, read, run

from runpod_mcp.cli.audit import verdict_of
from runpod_mcp.ledger.approvals import ApprovalState
from runpod_mcp.ledger.audit import Record

ASKS = toml_with(approval={"tools": ["delete_pod"]})


async def lived(door: FrontDoor) -> str:
    """A pod is rented, made to live longer, and deleted after a person's yes; another one runs. The first one's id."""
    in_step(door)
    door.clock.step(hours=-3)
    pod = await door.create(L4, volumeInGb=20, leaseHours=1)
    await door.call("extend_lease", podId=pod.pod_id, leaseHours=2)
    door.clock.step(hours=1)
    await door.call("delete_pod", podId=pod.pod_id)
    (one,) = await door.house.ledger.open_approvals(door.house.now())
    await door.house.ledger.answer(one.code, ApprovalState.APPROVED, "dialog", door.house.now())
    assert (await door.call("delete_pod", podId=pod.pod_id)).ok
    in_step(door)
    assert (await door.create(L4, volumeInGb=20, requestId="second")).ok
    assert (await door.create("NVIDIA H100 80GB HBM3")).code == "gpu_not_allowed"
    return pod.pod_id


@pytest.fixture
async def trail(tmp_path: Path) -> AsyncIterator[tuple[FrontDoor, str]]:
    async with front_door(tmp_path, ASKS) as door:
        yield door, await lived(door)


async def test_the_trail_is_readable(trail):
    door, pod = trail
    said = (await run(door.folder, "audit")).stdout
    for words in (
        "time (UTC)",
        "set aside until",
        "rented at $0.4",
        "extended until",
        "a person is asked",
        "approved, by the client's dialog",
        "yes used up, said",
        "ended",
        "gpu_not_allowed: The policy does not allow NVIDIA H100",
        pod,
        "local",
    ):
        assert words in said
    for columns in (NARROW, 60, 1):
        assert fits((await run(door.folder, "audit", columns=columns)).stdout, max(2, columns))


@pytest.mark.parametrize("columns", [NARROW, 80])
async def test_a_verdict_is_read_whole_on_a_usual_terminal(trail, columns):
    """It is what the trail is for: in a table that is too wide it goes on below."""
    door, _ = trail
    said = (await run(door.folder, "audit", columns=columns)).stdout
    assert "The policy does not allow NVIDIA H100 80GB HBM3" in verdicts(said)


def verdicts(table: str) -> str:
    """What stands in the last column, in one line."""
    names, *lines = table.splitlines()
    return " ".join(line[names.index("verdict") :].strip() for line in lines)


async def test_the_same_as_json(trail):
    door, _pod = trail
    records = (await read(door.folder, "audit"))["records"]
    assert [one["seq"] for one in records] == list(range(1, len(records) + 1))
    assert {"reserved", "lease", "called", "asked", "answered", "used"} <= {one["kind"] for one in records}
    assert all(one["at"].endswith("Z") and one["verdict"] and len(one["seal"]) == 64 for one in records)


async def test_one_pods_records_the_newest_or_those_since_a_time_can_be_asked_for(trail):
    door, pod = trail
    everything = (await read(door.folder, "audit"))["records"]
    of_pod = (await read(door.folder, "audit", "--pod", pod))["records"]
    assert 0 < len(of_pod) < len(everything)
    assert {one["podId"] for one in of_pod} <= {pod, ""}
    assert (await read(door.folder, "audit", "--limit", "2"))["records"] == everything[-2:]
    assert "newest 2" in (await run(door.folder, "audit", "--limit", "2")).stdout
    assert len((await read(door.folder, "audit", "--since", "1h"))["records"]) < len(everything)
    assert (await run(door.folder, "audit", "--pod", "nobody")).stdout == "Nothing was recorded that fits.\n"


@pytest.mark.parametrize(
    "line", [["--since", "soon"], ["--limit", "0"], ["--json", "verify"], ["--pod", "x", "verify"]]
)
async def test_what_makes_no_sense_is_wrong_usage(tmp_path, line):
    assert (await run(tmp_path, "audit", *line)).exit_code == 2


@pytest.mark.parametrize(
    ("kind", "facts", "words"),
    [
        ("lease", {"what": "voided", "note": "no capacity"}, "came to nothing: no capacity"),
        ("lease", {"what": "unknown"}, "answer lost, a pod may exist"),
        ("lease", {"what": "repriced", "usdPerHour": 1.5}, "now costs at $1.50/h"),
        ("reserved", {"usdPerHour": "x"}, "?/h set aside until ?"),
        ("policy", {"state": "in force", "from": "/a/policy.toml"}, "policy in force: /a/policy.toml"),
        ("policy", {"state": "broken", "why": "no such key"}, "policy broken: no such key"),
        ("policy", {"state": "gone"}, "policy gone"),
        ("called", {"verdict": "done"}, "done"),
        ("made", {"name": "my template"}, "made: my template"),
        ("asked", {"usdPerHour": 1.5, "usdAtMost": 3}, "a person is asked: up to $1.50/h, $3.00 in all"),
        ("answered", {"answer": "denied", "by": "cli"}, "denied, by the command line"),
        ("answered", {"answer": "denied", "by": "somebody"}, "denied, by somebody"),
        ("used", {"answeredAt": 0}, "yes used up, said 1970-01-01 00:00 UTC"),
        ("something new", {"b": 1, "a": 2}, '{"a": 2, "b": 1}'),
    ],
)
def test_every_kind_of_record_is_said_in_words(kind, facts, words):
    assert verdict_of(Record(at=0, kind=kind, facts=facts)) == words


# verify


async def test_a_trail_that_nobody_touched_is_whole(trail):
    door, _ = trail
    done = await run(door.folder, "audit", "verify")
    assert done.exit_code == 0, done.output
    assert "The trail is whole" in done.stdout
    facts = await read(door.folder, "audit", "verify")
    last = (await read(door.folder, "audit"))["records"][-1]
    assert facts == {
        "whole": True,
        "records": last["seq"],
        "lastSeal": last["seal"],
        "trail": [],
        "ledger": [],
    }
    assert fits((await run(door.folder, "audit", "verify", columns=NARROW)).stdout, NARROW)


async def test_how_far_a_long_look_is_can_be_heard(trail):
    door, _ = trail
    heard: list[str] = []
    await door.house.ledger.verify_audit(lambda rows, what: heard.append(f"{rows} {what}"))
    await door.house.ledger.verify(lambda rows, what: heard.append(f"{rows} {what}"))
    assert heard == [
        "0 records followed",
        "0 reservations compared",
        "0 entries compared",
        "0 questions compared",
        "0 answers compared",
        "0 used answers compared",
        "0 leases computed anew",
    ]


def change(sql: str, *values: Any) -> Callable[[sqlite3.Connection], None]:
    def tamper(db: sqlite3.Connection) -> None:
        assert db.execute(sql, values).rowcount > 0, "nothing was tampered with"

    return tamper


def swap_records(db: sqlite3.Connection) -> None:
    """Two records change places."""
    db.execute("UPDATE audit SET seq = -1 WHERE seq = 2")
    db.execute("UPDATE audit SET seq = 2 WHERE seq = 3")
    db.execute("UPDATE audit SET seq = 3 WHERE seq = -1")


def rewrite(seq_sql: str, **changed: Any) -> Callable[[sqlite3.Connection], None]:
    """One record is changed and given the seal that fits what it says now."""

    def tamper(db: sqlite3.Connection) -> None:
        row = dict(db.execute(f"SELECT * FROM audit WHERE seq = ({seq_sql})").fetchone())
        row |= changed
        row["seal"] = sealed(row)
        db.execute(
            "UPDATE audit SET facts = :facts, principal = :principal, at = :at, seal = :seal WHERE seq = :seq",
            row,
        )

    return tamper


def sealed(row: dict[str, Any]) -> str:
    """The seal as it is described, computed here anew."""
    names = ("seq", "previous", "at", "kind", "principal", "tool", "reservation_id", "pod_id", "facts")
    return hashlib.sha256(json.dumps([row[name] for name in names]).encode()).hexdigest()


def rewrite_everything_after(db: sqlite3.Connection) -> None:
    """A record of money is changed, and every later seal is computed anew, so that the chain holds."""
    first = db.execute("SELECT seq FROM audit WHERE kind = 'reserved' ORDER BY seq").fetchone()["seq"]
    previous = None
    for found in db.execute("SELECT * FROM audit WHERE seq >= ? ORDER BY seq", (first,)).fetchall():
        row = dict(found)
        if previous is None:
            row["facts"] = json.dumps(
                {**json.loads(row["facts"]), "usdPerHour": 0.01}, sort_keys=True, separators=(",", ":")
            )
        else:
            row["previous"] = previous
        row["seal"] = previous = sealed(row)
        db.execute(
            "UPDATE audit SET facts = :facts, previous = :previous, seal = :seal WHERE seq = :seq", row
        )


def delete_and_close_up(where: str) -> Callable[[sqlite3.Connection], None]:
    """Records are deleted, the later ones moved up and sealed anew, and SQLite's own count is set back."""

    def tamper(db: sqlite3.Connection) -> None:
        assert db.execute(f"DELETE FROM audit WHERE {where}").rowcount
        previous, place = "0" * 64, 0
        for place, found in enumerate(db.execute("SELECT * FROM audit ORDER BY seq").fetchall(), 1):
            row = {**dict(found), "was": found["seq"], "seq": place, "previous": previous}
            row["seal"] = previous = sealed(row)
            db.execute(
                "UPDATE audit SET seq = :seq, previous = :previous, seal = :seal WHERE seq = :was", row
            )
        db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'audit'", (place,))

    return tamper


def forge_record(db: sqlite3.Connection) -> None:
    """A record of a lease that never was, well sealed, at the end."""
    last = db.execute("SELECT * FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    row = {**dict(last), "seq": last["seq"] + 1, "previous": last["seal"], "kind": "reserved", "facts": "{}"}
    row["reservation_id"] = "r-forged"
    row["seal"] = sealed(row)
    db.execute(f"INSERT INTO audit ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})", row)


NEWEST = "SELECT MAX(seq) FROM audit"
LAST_LEASE = "SELECT MAX(seq) FROM audit WHERE kind = 'lease'"

TAMPERING: dict[str, tuple[Callable[[sqlite3.Connection], None], str]] = {
    "a verdict is changed": (
        change('UPDATE audit SET facts = \'{"verdict":"done"}\' WHERE seq = (SELECT MAX(seq) FROM audit)'),
        "was changed",
    ),
    "a time is changed": (change("UPDATE audit SET at = at - 60 WHERE seq = 1"), "record 1 was changed"),
    "who it was is changed": (
        change("UPDATE audit SET principal = 'somebody' WHERE seq = 2"),
        "record 2 was changed",
    ),
    "facts are made unreadable": (
        change("UPDATE audit SET facts = 'gone' WHERE seq = 2"),
        "record 2 was changed",
    ),
    "facts are made a list": (change("UPDATE audit SET facts = '[1]' WHERE seq = 2"), "record 2 was changed"),
    "a record is deleted": (change("DELETE FROM audit WHERE seq = 3"), "record 3 missing"),
    "two records are deleted": (change("DELETE FROM audit WHERE seq IN (3, 4)"), "records 3 to 4 missing"),
    "the first record is deleted": (change("DELETE FROM audit WHERE seq = 1"), "record 1 missing"),
    "the last records are deleted": (
        change(f"DELETE FROM audit WHERE seq > ({NEWEST}) - 2"),
        "missing at the end",
    ),
    "all records are deleted": (change("DELETE FROM audit"), "missing at the end"),
    "two records change places": (swap_records, "record 2 was changed"),
    "a record is rewritten with its seal": (rewrite("SELECT 2", at=5), "record 3 does not follow"),
    "the last record of a lease is rewritten with its seal": (
        rewrite(LAST_LEASE, facts="{}"),
        "does not say what entry",
    ),
    "a price and every later seal are rewritten": (rewrite_everything_after, "does not say what reservation"),
    "a lease is taken out and the rest closes up": (
        delete_and_close_up("kind = 'lease' AND seq < 6"),
        "does not say what entry",
    ),
    "a reservation is taken out and the rest closes up": (
        delete_and_close_up("kind = 'reserved' AND seq < 6"),
        "has no record",
    ),
    "the end is taken off and the count set back": (
        delete_and_close_up("seq >= (SELECT MAX(seq) FROM audit WHERE kind = 'lease')"),
        "has no record",
    ),
    "a record of nothing is put at the end": (forge_record, "speaks of what the ledger does not have"),
    "the record of a reservation is deleted": (
        change("DELETE FROM audit WHERE kind = 'reserved' AND seq > 1"),
        "has no record",
    ),
    "an entry's price is changed": (
        change("UPDATE entry SET usd_per_hour = 1 WHERE seq = (SELECT MAX(seq) FROM entry)"),
        "does not say what entry",
    ),
    "an entry's end of the lease is changed": (
        change("UPDATE entry SET lease_ends_at = lease_ends_at + 86400 WHERE lease_ends_at IS NOT NULL"),
        "does not say what entry",
    ),
    "an entry's time of keeping is changed": (
        change("UPDATE entry SET stopped_until = stopped_until + 86400 WHERE stopped_until IS NOT NULL"),
        "does not say what entry",
    ),
    "an entry is made senseless": (
        change("UPDATE entry SET usd_per_hour = NULL WHERE kind = 'settled'"),
        "does not say what entry",
    ),
    "an entry is deleted": (
        change("DELETE FROM entry WHERE seq = (SELECT MAX(seq) FROM entry)"),
        "speaks of what the ledger does not have",
    ),
    "a ceiling is raised": (
        change("UPDATE reservation SET usd_per_hour = 9000000 WHERE request_id = 'second'"),
        "does not say what reservation",
    ),
    "a price of disks is lowered": (
        change("UPDATE reservation SET stopped_usd_per_hour = 0, disk_usd_per_hour = 0"),
        "does not say what reservation",
    ),
    "a request id is changed": (
        change("UPDATE reservation SET request_id = 'third' WHERE request_id = 'second'"),
        "does not say what reservation",
    ),
    "a reservation is made senseless": (
        change("UPDATE reservation SET lease_ends_at = 0 WHERE request_id = 'second'"),
        "does not say what reservation",
    ),
    "a request is made unreadable": (
        change("UPDATE reservation SET request = 'gone' WHERE request_id = 'second'"),
        "does not say what reservation",
    ),
    "a reservation is deleted": (
        change("DELETE FROM reservation WHERE request_id = 'second'"),
        "speaks of what the ledger does not have",
    ),
    "a question's price is changed": (
        change("UPDATE question SET usd_per_hour = 9000000"),
        "does not say what question",
    ),
    "a question is made unreadable": (
        change("UPDATE question SET request = 'gone'"),
        "does not say what question",
    ),
    "an answer is turned round": (
        change("UPDATE answer SET state = 'denied' WHERE state = 'approved'"),
        "does not say what answer",
    ),
    "an answer is forged": (
        change("INSERT INTO answer (code, state, by, at) SELECT code, 'denied', 'cli', 1 FROM question"),
        "has no record",
    ),
    "a question is deleted": (change("DELETE FROM question"), "speaks of what the ledger does not have"),
    "a used yes is made good again": (
        change("DELETE FROM answer WHERE state = 'used'"),
        "speaks of what the ledger does not have",
    ),
    "the time at which a yes was used is changed": (
        change("UPDATE answer SET at = at + 1 WHERE state = 'used'"),
        "does not say what use",
    ),
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_tampering_is_found(trail, what):
    door, _ = trail
    tamper, words = TAMPERING[what]
    await door.house.ledger.close()
    write_over(door.ledger_path, tamper)
    done = await run(door.folder, "audit", "verify", "--json")
    assert done.exit_code == 1, f"{what}: not found"
    facts = json.loads(done.stdout)
    assert facts["whole"] is False
    assert any(words in one for one in facts["trail"]), facts["trail"]
    said = await run(door.folder, "audit", "verify")
    assert said.exit_code == 1
    assert words in said.stdout
    assert (await run(door.folder, "audit")).exit_code == 0, "it can still be read"


def write_over(path: Path, tamper: Callable[[sqlite3.Connection], None]) -> None:
    """What somebody with the file does: the guards are taken out, the rows changed, the guards put back."""
    with closing(sqlite3.connect(path)) as db, db:
        db.row_factory = sqlite3.Row
        guards = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for guard in guards:
            db.execute(f"DROP TRIGGER {guard['name']}")
        tamper(db)
        for guard in guards:
            db.execute(guard["sql"])


async def test_what_is_derived_is_computed_anew(trail):
    door, _ = trail
    await door.house.ledger.close()
    write_over(door.ledger_path, change("UPDATE spent SET usd = usd - 1000 WHERE window_key = 'total'"))
    done = await run(door.folder, "audit", "verify")
    assert done.exit_code == 1
    assert "Ledger: spent has" in done.stdout


async def test_the_last_call_rewritten_with_its_seal_is_only_told_by_a_seal_that_was_kept(trail):
    """The chain has no secret: whoever may write the file may forge its end. The printed seal is for keeping elsewhere."""
    door, _ = trail
    before = (await read(door.folder, "audit", "verify"))["lastSeal"]
    await door.house.ledger.close()
    write_over(door.ledger_path, rewrite(NEWEST, facts='{"verdict":"done"}'))
    after = await read(door.folder, "audit", "verify")
    assert after["whole"]
    assert after["lastSeal"] != before
