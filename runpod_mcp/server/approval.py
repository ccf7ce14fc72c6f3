"""Asking the person through the client's own dialog, in both protocol eras.

A call is tried first on a house that can look but not act. Where that shows that a yes is needed, the question that
was written down is asked; the answer is written down too, and the call itself then finds it. So a dialog, the command
line and the dashboard all lead through the same row. Where the dialog brings no answer, the call itself says what the
person should run.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit
from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from runpod_mcp.errors import Failure
from runpod_mcp.flows.approval import YesNeeded
from runpod_mcp.flows.context import House
from runpod_mcp.flows.looking import Acted, looking
from runpod_mcp.ledger.approvals import Approval, ApprovalState
from runpod_mcp.policy.document import Policy

log = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")

MOST_ASKED = 1000

Attempt = Callable[[House], Awaitable[CallToolResult]]


class Yes(BaseModel):
    """What a person answers."""

    allow: bool = Field(title="Allow it?", description="Good for this one call, for ten minutes.")


class Asked(Yes):
    """No question was needed, or none could be put."""

    allow: bool = False


class Dialog:
    """The questions of one tool that are before a person now.

    What was asked is remembered by its request, which has one context until it is answered: the same call made beside it, or a question that
    came up since at another price, is another one, and this answer is none to it. A question that a dialog brought no
    answer to stays open for the command line; some clients decline or cancel whatever they are asked.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._codes: dict[int, str] = {}
        self._unanswered: dict[str, None] = {}

    async def question(self, context: Context[None, Any], attempt: Attempt) -> Elicit[Yes] | Asked:
        """The question to put to the person before a call, where one is needed and the client can put it."""
        self._codes.pop(id(context), None)  # one that asked and ended may have left its code behind
        if not _can_ask(self._house, context):
            return Asked()
        waiting = await _waits_for(self._house, attempt)
        if waiting is None or waiting.code in self._unanswered:
            return Asked()
        _remember(self._codes, id(context), waiting.code)
        return Elicit(waiting.question.words, Yes)

    def unanswered(self, context: Context[None, Any]) -> bool:
        """Leave the question of a request to the command line; whether a dialog was asked one and has not answered it."""
        code = self._codes.pop(id(context), None)
        if code is None:
            return False
        _remember(self._unanswered, code, None)
        return True

    def told(self, needed: YesNeeded) -> YesNeeded:
        """What the agent is told of a question that waits."""
        if needed.approval is None or needed.approval.code not in self._unanswered:
            return needed
        return replace(
            needed, message=f"{needed.message} The client's dialog brought no yes; it is not shown again."
        )

    async def write_answer(self, context: Context[None, Any], outcome: ElicitationResult[Yes]) -> None:
        """Write down what the person said; decline and cancel are no yes, and leave the question open."""
        if not isinstance(outcome, AcceptedElicitation):
            self.unanswered(context)
            return
        code = self._codes.pop(id(context), None)
        if code is None or isinstance(outcome.data, Asked):
            return
        state = ApprovalState.APPROVED if outcome.data.allow else ApprovalState.DENIED
        try:
            await self._house.ledger.answer(code, state, "dialog", self._house.now())
        except Failure as failure:
            log.warning("an answer came too late: %s", failure)


def _remember(kept: dict[K, V], key: K, value: V) -> None:
    """Keep something as the newest, and drop the oldest where there are too many."""
    if len(kept) >= MOST_ASKED:
        kept.pop(next(iter(kept)))
    kept.pop(key, None)
    kept[key] = value


async def _waits_for(house: House, attempt: Attempt) -> Approval | None:
    """The question that a call would wait for; nothing is done."""
    try:
        await attempt(looking(house))
    except YesNeeded as needed:
        return needed.approval
    except (Failure, Acted):
        return None
    return None


def _can_ask(house: House, context: Context[None, Any]) -> bool:
    """Whether the policy has questions at all, trusts the client's dialog, and the client has one."""
    try:
        policy = house.policies.current()
    except Failure:
        return False
    return asks_at_all(policy) and policy.approval.via == "any" and _has_dialog(context)


def asks_at_all(policy: Policy) -> bool:
    """Whether a policy can ask a person for anything."""
    rules = policy.approval
    return bool(rules.tools) or rules.above_usd_per_hour is not None or rules.above_usd_per_lease is not None


def _has_dialog(context: Context[None, Any]) -> bool:
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)
