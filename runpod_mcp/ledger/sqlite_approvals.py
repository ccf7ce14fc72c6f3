"""Questions to a person and their answers, as rows. Every function is called inside a transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import fields

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.ledger.approvals import Approval, ApprovalState, Question
from runpod_mcp.ledger.audit import Record

WRONG_BEFORE_SLOW = 3
LONGEST_WAIT = 60
"""Seconds. Codes are long enough for that; waiting longer, whoever has the right one would come too late."""
_FIELDS = tuple(field.name for field in fields(Question))
_ADD = f"INSERT INTO question ({', '.join(_FIELDS)}) VALUES ({', '.join(f':{name}' for name in _FIELDS)})"  # noqa: S608


def add_question(db: sqlite3.Connection, question: Question) -> Approval:
    """Write a question down."""
    db.execute(_ADD, {name: getattr(question, name) for name in _FIELDS})
    return Approval(question)


def of_question(question: Question) -> Record:
    """That a person was asked; the code stays out, so that a trail shown to somebody approves nothing."""
    return Record(
        at=question.asked_at,
        kind="asked",
        principal=question.principal,
        tool=question.tool,
        facts={
            "request": json.loads(question.request),
            "usdPerHour": question.usd_per_hour / 1_000_000,
            "usdAtMost": question.usd_at_most / 1_000_000,
        },
    )


def of_answer(approval: Approval) -> Record:
    """What a person said."""
    question = approval.question
    return Record(
        at=approval.answered_at or question.asked_at,
        kind="answered",
        principal=question.principal,
        tool=question.tool,
        facts={"answer": approval.state.value, "by": approval.by, "askedAt": question.asked_at},
    )


def of_use(approval: Approval, at: int) -> Record:
    """That a yes was used up: the call it was given for went through."""
    question = approval.question
    return Record(
        at=at,
        kind="used",
        principal=question.principal,
        tool=question.tool,
        facts={"by": approval.by, "askedAt": question.asked_at, "answeredAt": approval.answered_at},
    )


def find_approval(db: sqlite3.Connection, code: str) -> Approval | None:
    """A question by its code, with what came of it."""
    row = db.execute("SELECT * FROM question WHERE code = ?", (code,)).fetchone()
    return _approval(db, row) if row else None


def open_approvals(db: sqlite3.Connection, now: int) -> Iterator[Approval]:
    """The questions that can still be answered, or whose yes can still be used, oldest first."""
    rows = db.execute("SELECT * FROM question WHERE good_until > ? ORDER BY seq", (now,)).fetchall()
    return (one for row in rows if (one := _approval(db, row)).is_open(now))


def add_answer(
    db: sqlite3.Connection, code: str, state: ApprovalState, by: str, now: int
) -> Approval | Failure:
    """Write down what a person said; or why not: no such code, too many wrong ones, answered, too old.

    An answer is given once, but a yes that was not used yet can be taken back by a no. The refusal is returned, so that a wrong code is counted: whoever guesses is slowed down.
    """
    if too_fast := _too_fast(db, now):
        return too_fast
    found = find_approval(db, code)
    if found is None:
        _count_wrong(db, now)
        message = "There is no such code. `runpod-mcp approvals` shows those that wait."
        return Failure(Code.NOT_FOUND, message, Retry.NEVER)
    if not found.is_open(now):
        message = "That request is no longer open: it was used, or its ten minutes are over."
        return Failure(Code.CONFLICT, message, Retry.NEVER)
    taken_back = (found.state, state) == (ApprovalState.APPROVED, ApprovalState.DENIED)
    if found.state is not ApprovalState.WAITING and not taken_back:
        return Failure(Code.CONFLICT, f"That request was already {found.state.value}.", Retry.NEVER)
    _add_event(db, code, state, by, now)
    _write_meta(db, "wrong_codes", 0)
    return Approval(found.question, state, by, now)


def use(db: sqlite3.Connection, code: str, now: int) -> Approval | None:
    """Use a yes up: the yes, once; None when there is none."""
    found = find_approval(db, code)
    if found is None or found.state is not ApprovalState.APPROVED or not found.is_open(now):
        return None
    _add_event(db, code, ApprovalState.USED, "", now)
    return found


def as_question(row: sqlite3.Row) -> Question:
    """A row of `question`."""
    return Question(**{name: row[name] for name in _FIELDS})


def _approval(db: sqlite3.Connection, row: sqlite3.Row) -> Approval:
    question = as_question(row)
    events = db.execute("SELECT * FROM answer WHERE code = ? ORDER BY seq", (question.code,)).fetchall()
    if not events:
        return Approval(question)
    said = next((event for event in reversed(events) if event["state"] != ApprovalState.USED), events[0])
    return Approval(question, ApprovalState(events[-1]["state"]), said["by"], said["at"])


def _add_event(db: sqlite3.Connection, code: str, state: ApprovalState, by: str, now: int) -> None:
    db.execute("INSERT INTO answer (code, state, by, at) VALUES (?, ?, ?, ?)", (code, state.value, by, now))


def _too_fast(db: sqlite3.Connection, now: int) -> Failure | None:
    wrong, since = _meta(db, "wrong_codes"), _meta(db, "wrong_code_at")
    wait = min(LONGEST_WAIT, 2 ** min(wrong - WRONG_BEFORE_SLOW, 12)) if wrong >= WRONG_BEFORE_SLOW else 0
    left = min(since, now) + wait - now  # a clock that was set back makes nobody wait for ever
    if left <= 0:
        return None
    return Failure(
        Code.RATE_LIMITED, f"Too many wrong codes; wait {left} seconds before the next one.", Retry.LATER
    )


def _count_wrong(db: sqlite3.Connection, now: int) -> None:
    _write_meta(db, "wrong_codes", _meta(db, "wrong_codes") + 1)
    _write_meta(db, "wrong_code_at", now)


def _write_meta(db: sqlite3.Connection, key: str, value: int) -> None:
    db.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


def _meta(db: sqlite3.Connection, key: str) -> int:
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return int(row["value"]) if row else 0
