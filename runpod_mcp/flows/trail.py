"""What the audit trail is told besides reservations and leases: every call that could change something, and the policy."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Mapping
from typing import Any

from runpod_mcp.errors import Failure
from runpod_mcp.flows.approval import YesNeeded
from runpod_mcp.flows.context import House
from runpod_mcp.flows.remembered import without_secrets
from runpod_mcp.ledger.audit import Record
from runpod_mcp.pods.blotted import blotted
from runpod_mcp.pods.words import clean

log = logging.getLogger(__name__)


async def note_call(
    house: House,
    tool: str,
    arguments: Mapping[str, Any],
    known: Collection[str],
    failure: Failure | None,
    said: Mapping[str, Any],
) -> None:
    """Record a call and what came of it: `done`, or the code it was refused or failed with.

    Of an argument that the tool does not know only the name is kept: it may be a secret under a misspelt name.

    A trail that cannot be written stops nothing here: what costs money is recorded where it is set aside.
    """
    asked = {name: value for name, value in arguments.items() if name in known}
    facts: dict[str, Any] = {"arguments": without_secrets(asked), "verdict": _verdict(failure, said)}
    if unknown := sorted(clean(name, 60) for name in arguments if name not in known):
        facts["unknown"] = unknown[:20]
    if failure and not isinstance(failure, YesNeeded):  # its words hold the code
        facts["message"] = clean(blotted(failure.message), 500)
    record = Record(
        at=house.now(),
        kind="called",
        principal=house.principal,
        tool=tool,
        pod_id=_pod_id(arguments, said),
        facts=facts,
    )
    try:
        await house.ledger.record(record)
    except Failure as trouble:
        log.error("a call of %s could not be recorded: %s", tool, trouble)


async def note_policy(house: House) -> None:
    """Record the policy in force, once for each that comes into force.

    Raises:
        Failure: the ledger cannot be written.
    """
    await house.ledger.record_news(Record(at=house.now(), kind="policy", facts=_policy(house)))


class PolicyNotes:
    """Records the policy before each call it decides, where it is another than before the last one: one that was in
    force for a moment only is in the trail as well."""

    def __init__(self, house: House) -> None:
        self._house, self._last = house, dict[str, Any]()

    async def note(self) -> None:
        """Look at the policy; a trail that cannot be written stops nothing here."""
        if (facts := _policy(self._house)) == self._last:
            return
        try:
            await note_policy(self._house)
        except Failure as trouble:
            log.error("the policy could not be recorded: %s", trouble)
        else:
            self._last = facts


def _policy(house: House) -> dict[str, Any]:
    try:
        policy = house.policies.current()
    except Failure as failure:
        return {"state": "broken", "why": clean(failure.message, 500)}
    seal = hashlib.sha256(policy.model_dump_json().encode()).hexdigest()
    return {"state": "in force", "from": policy.origin, "sha256": seal}


def _verdict(failure: Failure | None, said: Mapping[str, Any]) -> str:
    if failure:
        return failure.code.value
    return "would pass" if said.get("dryRun") else "done"


def _pod_id(arguments: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    pod = said.get("pod")
    named = pod.get("podId") if isinstance(pod, Mapping) else arguments.get("podId")
    return clean(named, 64) if isinstance(named, str) else ""
