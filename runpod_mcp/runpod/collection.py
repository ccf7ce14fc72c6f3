"""Things of one kind in one dialect: the same six calls for volumes, templates, registries and endpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from runpod_mcp.errors import Failure
from runpod_mcp.runpod.listing import Thing
from runpod_mcp.runpod.results import EditOutcome, MakeOutcome, refused
from runpod_mcp.runpod.shelf import Shelf

Order = TypeVar("Order")
Change = TypeVar("Change")

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Words(Generic[Order, Change]):
    """How a dialect writes orders and changes of one kind.

    `gaps` says what it has no words for, `secret` whether the body holds secrets, so that nothing Runpod says about it
    is kept, and `refers` whether a change names other things, which may be what a 404 speaks of.
    """

    gaps: Callable[[Order | Change], Sequence[Failure]]
    create: Callable[[Order], Body]
    change: Callable[[Change], Body]
    secret: Callable[[Order | Change], bool] = lambda _: False
    refers: Callable[[Change], bool] = lambda _: False


class Collection(Generic[Thing, Order, Change]):
    """Things of one kind. Reads raise `Failure`; changes are sent once and answer with an outcome."""

    def __init__(
        self,
        shelf: Shelf[Thing],
        words: Words[Order, Change],
        list_query: Mapping[str, str] | None = None,
    ) -> None:
        """`list_query` goes with the question for all of them."""
        self._shelf = shelf
        self._words = words
        self._list_query = list_query

    def gaps(self, order: Order | Change) -> Sequence[Failure]:
        """What this dialect cannot make of an order or a change; neither is sent then."""
        return self._words.gaps(order)

    async def list_all(self) -> list[Thing]:
        """Everything of the account."""
        return await self._shelf.list_all(self._list_query)

    async def get(self, identity: str) -> Thing | None:
        """One of them, or None."""
        return await self._shelf.get(identity)

    async def create(self, order: Order) -> MakeOutcome[Thing]:
        """Send one create, once."""
        if gaps := self.gaps(order):
            return refused(gaps)
        return await self._shelf.make(self._words.create(order), secrets=self._words.secret(order))

    async def update(self, identity: str, change: Change) -> EditOutcome[Thing]:
        """Send one change, once."""
        if gaps := self.gaps(change):
            return refused(gaps)
        return await self._shelf.change(
            identity,
            self._words.change(change),
            secrets=self._words.secret(change),
            refers=self._words.refers(change),
        )

    async def delete(self, identity: str) -> EditOutcome[Thing]:
        """Send one delete, once."""
        return await self._shelf.delete(identity)


def filled(**values: Any) -> dict[str, Any]:
    """A body of the fields that have a value; tuples become lists, and None is left out."""
    found = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return {name: value for name, value in found.items() if value is not None}
