"""One kind of thing at one path of Runpod's: list, find, make, change and delete, the same way for every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic

from runpod_mcp.runpod import outcomes
from runpod_mcp.runpod.failures import unreadable
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.listing import Thing, list_whole
from runpod_mcp.runpod.questions import find
from runpod_mcp.runpod.reading import identifier, segment
from runpod_mcp.runpod.results import EditOutcome, Gone, MakeOutcome


@dataclass(frozen=True, slots=True)
class Shelf(Generic[Thing]):
    """Where things of a kind are and how they are read.

    `what` is the kind in words (`network volume`), `key` the field of v2's answers that holds the list; v1 sends bare
    lists, and answers 500 to mistakes as well. `query` goes with the question for one thing.
    """

    wire: Wire
    path: str
    what: str
    read: Callable[[object], Thing | None]
    key: str | None = None
    query: Mapping[str, str] | None = None

    async def list_all(self, query: Mapping[str, str] | None = None) -> list[Thing]:
        """Every thing of the account.

        Raises:
            Failure: the list could not be had whole.
        """
        return await list_whole(self.wire, self.path, f"{self.what}s", self.read, key=self.key, query=query)

    async def get(self, identity: str) -> Thing | None:
        """One thing, or None when Runpod has no such thing.

        Raises:
            Failure: it could not be had or read.
        """
        if identifier(identity) is None:
            return None
        body = await find(self.wire, self.at(identity), f"the {self.what}", self.query)
        if body is None:
            return None
        if (thing := self.read(body)) is None:
            raise unreadable(f"the {self.what}")
        return thing

    async def make(self, body: Mapping[str, Any], *, secrets: bool = False) -> MakeOutcome[Thing]:
        """Send one create, once; with `secrets` in the body none of Runpod's words come back."""
        sent = await self.wire.send("POST", self.path, body=body, deadline=self.wire.timeouts.create)
        return outcomes.made(
            sent,
            self.read,
            self.wire.clock.now(),
            what=f"a {self.what}",
            secrets_sent=secrets,
            says_500_to_all=self.key is None,
        )

    async def change(
        self, identity: str, body: Mapping[str, Any], *, secrets: bool = False, refers: bool = False
    ) -> EditOutcome[Thing]:
        """Send one PATCH, once; with `refers` the body names other things, so that a 404 may speak of one of those."""
        return await self._send("PATCH", identity, body, secrets, refers)

    async def delete(self, identity: str) -> EditOutcome[Thing]:
        """Send one DELETE, once."""
        return await self._send("DELETE", identity, None, False, False)

    def at(self, identity: str) -> str:
        """The path of one thing."""
        return f"{self.path}/{segment(identity)}"

    async def _send(
        self, method: str, identity: str, body: Mapping[str, Any] | None, secrets: bool, refers: bool
    ) -> EditOutcome[Thing]:
        if identifier(identity) is None:
            return Gone()
        sent = await self.wire.send_when_let(method, self.at(identity), body=body)
        return outcomes.changed(
            sent,
            self.read,
            self.wire.clock.now(),
            what=self.what,
            refers=refers,
            secrets_sent=secrets,
            says_500_to_all=self.key is None,
        )
