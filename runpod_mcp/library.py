"""For programs that embed this server in an agent framework, or try their agents and policies on the simulator.

`runpod_mcp` itself offers what is here; the other modules may change from one version to the next.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from runpod_mcp.clock import Clock, SteppedClock, SystemClock
from runpod_mcp.config import DEFAULT_API_URL, Settings, read_settings
from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.judge import decided
from runpod_mcp.flows.resolve import resolve
from runpod_mcp.policy.decide import Case, read_as
from runpod_mcp.policy.decision import Decision
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.spending import Spending
from runpod_mcp.server.app import Server
from runpod_mcp.server.app import build_server as server_over
from runpod_mcp.server.failures import read_create
from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.in_process import SimulatorTransport
from runpod_mcp.wiring import looked_after, make_house

__all__ = ["build_server", "decide"]


async def decide(
    policy: Policy, request: Mapping[str, Any], *, simulator: Simulator | None = None
) -> Decision:
    """Judge the arguments of a `create_pod` under a policy, on the prices and stock of a simulator; nothing is rented.

    Nothing counts as spent or running; `runpod-mcp policy test` judges with sums of your own. Amounts in the offer of an
    `Allow` or `AskHuman` are micro-dollars, those in a `Deny` dollars.

    Raises:
        Failure: `invalid_arguments`, when an argument is unknown or of the wrong kind, or names what nobody sells.
    """
    world = simulator or Simulator(SteppedClock())
    async with _opened(policy, read_settings({}, simulator=True), world) as house:
        wanted = await resolve(house, read_create(request))
        catalog = await house.prices.read(*read_as(wanted.request))
        return await decided(house, Case(policy, catalog, Spending(house.now())), wanted)


@asynccontextmanager
async def build_server(
    policy: Policy | Path | str,
    *,
    simulator: Simulator | None = None,
    api_key: str | None = None,
    api_url: str = DEFAULT_API_URL,
    ledger: Path | str | None = None,
    toolsets: Collection[str] = ("core",),
    read_only: bool = False,
    webhook_secret: str | None = None,
) -> AsyncIterator[Server]:
    """An MCP server for as long as the block lasts: hand it to `mcp.Client(server)`, or await `server.run_stdio_async()`.

    `policy` is a policy, or the path of a file that is read again when it changes. Behind the server is either a
    `simulator` or Runpod itself, with an `api_key`. `ledger` is the file whose budgets it shares: left out, it is the usual
    one of `runpod-mcp`, and with a simulator one that ends with the block. `toolsets` names more tools than the core, or
    "all"; `read_only` offers those that change nothing. No variable of the environment is read, `RUNPOD_MCP_LEDGER` neither.

    On Runpod, leases are looked after and news is sent to the policy's webhook in the background while the block lasts. On a
    simulator nothing happens by itself: `await server.keep()` is one round. A block is left by the task that entered it.

    Raises:
        Failure: `settings_broken`, when an argument is wrong or two do not go together; `policy_broken`, when the policy
            cannot be read.
    """
    settings = _settings(
        simulator,
        api_key=api_key,
        webhook_secret=webhook_secret,
        policy=None if isinstance(policy, Policy) else _file(policy),
        api_url=api_url,
        ledger=None if ledger is None else str(ledger),
        toolsets=toolsets if isinstance(toolsets, str) else ",".join(toolsets),
        read_only=read_only,
    )
    given = policy if isinstance(policy, Policy) else None
    async with _opened(given, settings, simulator) as house, AsyncExitStack() as stack:
        house.policies.current()
        if simulator is None:
            await stack.enter_async_context(looked_after(house, settings))
        server = server_over(house, read_only=settings.read_only, toolsets=settings.toolsets)
        stack.callback(server.close)
        yield server


@asynccontextmanager
async def _opened(
    policy: Policy | None, settings: Settings, simulator: Simulator | None
) -> AsyncIterator[House]:
    """A house under this policy, or under the file that the settings name; closed again at the end."""
    clock: Clock = _WorldTime(simulator) if simulator else SystemClock()
    transport = SimulatorTransport(simulator) if simulator else None
    with TemporaryDirectory(prefix="runpod-mcp-", ignore_cleanup_errors=True) as passing:
        with _as_arguments():
            house = make_house(settings, settings.ledger or Path(passing) / "ledger.db", clock, transport)
        try:
            yield house if policy is None else replace(house, policies=_Given(policy))
        finally:
            await house.api.close()
            await house.ledger.close()


@dataclass(frozen=True, slots=True)
class _Given:
    """A policy that does not change."""

    policy: Policy

    def current(self) -> Policy:
        return self.policy


@dataclass(frozen=True, slots=True)
class _WorldTime:
    """The time of a simulated world, its steps included, so that a lease ends there when it ends here."""

    simulator: Simulator

    def now(self) -> datetime:
        return self.simulator.now()

    async def sleep(self, seconds: float) -> None:
        await self.simulator.base_clock.sleep(seconds)


_ARGUMENTS = {
    "RUNPOD_API_KEY": "api_key",
    "RUNPOD_API_URL": "api_url",
    "RUNPOD_MCP_LEDGER": "ledger",
    "RUNPOD_MCP_POLICY": "policy",
    "RUNPOD_MCP_TOOLSETS": "toolsets",
}


def _settings(simulator: Simulator | None, **given: Any) -> Settings:
    """Settings that the program gives; nothing of its environment is read."""
    key, secret = given.pop("api_key"), given.pop("webhook_secret")
    if (simulator is None) == (not (key or "").strip()):
        raise Failure(
            Code.SETTINGS_BROKEN, "Give build_server either simulator=Simulator() or api_key, and not both."
        )
    named = {"RUNPOD_API_KEY": key or "", "RUNPOD_MCP_WEBHOOK_SECRET": secret or ""}
    with _as_arguments():
        return read_settings(named, simulator=simulator is not None, **given)


def _file(policy: Path | str) -> str:
    """The path of a policy file; never none, or the default policy would apply unasked."""
    if "\n" in str(policy):
        message = "policy is the path of a file; for a policy's text give Policy.from_toml(text)."
        raise Failure(Code.SETTINGS_BROKEN, message)
    return str(policy) or "."


@contextmanager
def _as_arguments() -> Iterator[None]:
    """What is wrong with a setting is said of the argument that gave it."""
    try:
        yield
    except Failure as failure:
        for setting, argument in _ARGUMENTS.items():
            failure.message = failure.message.replace(setting, argument)
        raise
