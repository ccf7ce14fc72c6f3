"""A person's yes or no to one exact request at one ceiling price: looked up, asked for, and used up."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from typing import Any

from runpod_mcp.clock import from_epoch, iso
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import Call, House
from runpod_mcp.flows.remembered import without_secrets
from runpod_mcp.ledger.approvals import GOOD_FOR, Approval, ApprovalState, Question
from runpod_mcp.money import ZERO, Usd, cost, show
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.rules import asks_human

log = logging.getLogger(__name__)

HASH_ROUNDS = 20_000
CODE_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Letters and digits that are not taken for one another."""
MOST_OPEN = 50
"""Questions of one principal in ten minutes: more would hide the one that matters, or tire whoever answers."""
LONGEST_SHOWN = 300
"""Characters of one argument that a person is shown."""


class YesNeeded(Failure):
    """A person must say yes first; nothing was done. `approval` is the question that waits."""

    approval: Approval | None = None


async def need_yes(house: House, policy: Policy, reason: str, usd_per_hour: Usd, usd_at_most: Usd) -> None:
    """Return once where a person said yes to this very call at this cost or a higher one; the yes is used up by that.

    Raises:
        YesNeeded: `approval_required`; the question is written down and waits for ten minutes.
        Failure: `approval_denied`: a person said no to it.
    """
    if house.call is None:
        raise YesNeeded(Code.APPROVAL_REQUIRED, f"A person must allow this first: {reason}.", Retry.NEVER)
    try:
        mine = await _open_here(house)
    except Failure as failure:
        message = f"A person must allow this first: {reason}. Their answer cannot be looked up now: {failure.message}"
        raise YesNeeded(Code.APPROVAL_REQUIRED, message, Retry.LATER) from failure
    known = _about(mine, house.call)
    if any(one.state is ApprovalState.DENIED for one in known):
        raise Failure(Code.APPROVAL_DENIED, "A person said no to this request.", Retry.NEVER)
    covering = [one for one in known if _covers(one.question, usd_per_hour, usd_at_most)]
    for one in covering:
        if _is_yes(policy, one) and await house.ledger.use_approval(one.code, house.now()):
            return
    waiting = next((one for one in covering if one.state is ApprovalState.WAITING), None)
    if waiting is None and len(mine) >= MOST_OPEN:
        raise _too_many(reason)
    approval = waiting or await _ask(house, house.call, reason, usd_per_hour, usd_at_most)
    raise _waits(policy, approval, reason)


async def need_yes_to(house: House, policy: Policy, tool: str) -> None:
    """The same for a tool that makes nothing dearer, where the policy names it.

    Raises:
        Failure: as in `need_yes`.
    """
    if reason := asks_human(policy, tool, ZERO, ZERO):
        await need_yes(house, policy, reason, ZERO, ZERO)


def _is_yes(policy: Policy, one: Approval) -> bool:
    """Whether a person allowed it, in a way that the policy in force trusts."""
    trusted = policy.approval.via == "any" or one.by != "dialog"
    return one.state is ApprovalState.APPROVED and trusted


def _covers(question: Question, usd_per_hour: Usd, usd_at_most: Usd) -> bool:
    """Whether the cost is no higher than what was shown; minutes may have passed, and hours count from the call on."""
    later = cost(question.usd_per_hour, GOOD_FOR)
    return usd_per_hour <= question.usd_per_hour and usd_at_most <= question.usd_at_most + later


async def _open_here(house: House) -> list[Approval]:
    """The open questions of this principal."""
    everybodys = await house.ledger.open_approvals(house.now())
    return [one for one in everybodys if one.question.principal == house.principal]


def _about(approvals: list[Approval], call: Call) -> list[Approval]:
    """Those about this very call; what is shown of it is compared first, because the hash is slow."""
    shown = _remembered(call)
    return [
        one
        for one in approvals
        if one.question.tool == call.tool
        and one.question.request == shown
        and secrets.compare_digest(one.question.request_hash, request_hash(call, one.code))
    ]


def _remembered(call: Call) -> str:
    return json.dumps(without_secrets(call.arguments), sort_keys=True)


def _too_many(reason: str) -> YesNeeded:
    message = (
        f"A person must allow this first: {reason}. But {MOST_OPEN} requests of the last ten minutes are open already, so "
        "they are not asked about more; they see those with `runpod-mcp approvals`."
    )
    return YesNeeded(Code.APPROVAL_REQUIRED, message, Retry.LATER)


async def _ask(house: House, call: Call, reason: str, usd_per_hour: Usd, usd_at_most: Usd) -> Approval:
    now = (await house.ledger.spending(house.now(), ())).now
    code = "".join(secrets.choice(CODE_LETTERS) for _ in range(8))
    question = Question(
        code=code,
        principal=house.principal,
        tool=call.tool,
        request_hash=request_hash(call, code),
        request=_remembered(call),
        words=_words(call, reason, usd_per_hour, usd_at_most),
        usd_per_hour=usd_per_hour,
        usd_at_most=usd_at_most,
        asked_at=now,
        good_until=now + GOOD_FOR,
    )
    approval = await house.ledger.ask(question)
    log.warning(
        "a person is asked: %s `runpod-mcp approve %s` or `runpod-mcp deny %s`", question.words, code, code
    )
    house.notices.tell(
        "approval_waiting",
        now,
        tool=call.tool,
        question=question.words,
        code=code,
        goodUntil=iso(from_epoch(question.good_until)),
        command=f"runpod-mcp approve {code}",
    )
    return approval


def request_hash(call: Call, salt: str) -> str:
    """A hash of a call with its secrets, salted and slow, so that none of them can be guessed from it."""
    named = {name: value for name, value in call.arguments.items() if value is not None}
    whole = json.dumps([call.tool, named], sort_keys=True).encode()
    return hashlib.pbkdf2_hmac("sha256", whole, salt.encode(), HASH_ROUNDS).hex()


def _words(call: Call, reason: str, usd_per_hour: Usd, usd_at_most: Usd) -> str:
    """The question, which reads the same however often it is asked.

    Our own words come first and every argument is in it, quoted and cut by itself: nothing that an agent writes into one
    can push another out of sight, or be taken for a price.
    """
    price = (
        f" It may cost up to {show(usd_per_hour)}/h, {show(usd_at_most)} in all."
        if usd_per_hour or usd_at_most
        else ""
    )
    asked = ", ".join(f"{name} {_value(value)}" for name, value in without_secrets(call.arguments).items())
    whole = f" It asks for: {asked}." if asked else ""
    return f"May the agent call {call.tool}? It needs your yes because {reason}.{price}{whole}"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return clean(", ".join(map(_quoted, value)), LONGEST_SHOWN) or "nothing"
    return _quoted(value)


def _quoted(value: Any) -> str:
    return json.dumps(clean(value, LONGEST_SHOWN) if isinstance(value, str) else value, ensure_ascii=False)


def _waits(policy: Policy, approval: Approval, reason: str) -> YesNeeded:
    until = f"{from_epoch(approval.question.good_until):%H:%M} UTC"
    if policy.approval.via == "out_of_band":
        how = "They see it with `runpod-mcp approvals`"
    else:
        how = f"Ask them to run `runpod-mcp approve {approval.code}`"
    needed = YesNeeded(
        Code.APPROVAL_REQUIRED,
        f"A person must allow this first: {reason}. {how}; then call again with the same arguments before {until}.",
        Retry.LATER,
    )
    needed.approval = approval
    return needed
