"""What every story needs: the policy, the ledger, Runpod, prices and time."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from runpod_mcp.clock import Clock, epoch
from runpod_mcp.errors import Failure
from runpod_mcp.flows.notices import Notices
from runpod_mcp.flows.prices import Prices
from runpod_mcp.ledger.store import Ledger
from runpod_mcp.policy.document import Policy
from runpod_mcp.runpod.api import RunpodApi


class Policies(Protocol):
    """Where the policy in force comes from."""

    def current(self) -> Policy:
        """The policy, or `Failure(POLICY_BROKEN)`."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """What an agent asked for: the tool and its arguments as they came, secrets and all."""

    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The rooms, wired together once.

    `principal` is whose budget it is, `holder` the name under which this process claims work that only one should do. `look_again_after` are the waits, in seconds, between looks for a pod whose
    create call was not answered; `confirm_after` those between looks for a pod that should be gone. `call` is the tool
    call that is being answered, where there is one; `notices` is where news for the person is left.
    """

    policies: Policies
    ledger: Ledger
    api: RunpodApi
    prices: Prices
    clock: Clock
    principal: str = "local"
    holder: str = field(default_factory=lambda: secrets.token_hex(8))
    look_again_after: tuple[float, ...] = (1, 2, 4, 8)
    confirm_after: tuple[float, ...] = (0.5, 1, 2, 4)
    call: Call | None = None
    notices: Notices = field(default_factory=Notices)

    def policy_or_none(self) -> Policy | None:
        """The policy, where it can be read: ending what is ours must work under a broken one too."""
        try:
            return self.policies.current()
        except Failure:
            return None

    def now(self) -> int:
        """Whole seconds since 1970, UTC."""
        return epoch(self.clock.now())
