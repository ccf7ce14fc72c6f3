"""A house that can look but not act: for finding out what a call would need before it is made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from runpod_mcp.flows.context import House

_LEDGER_MAY = frozenset(
    {
        "lease",
        "lease_of_pod",
        "lease_of_request",
        "leases",
        "leases_between",
        "page_of_leases",
        "entries",
        "spending",
        "open_approvals",
        "ask",
        "records",
    }
)
_API_MAY = (
    "dialect",
    "places_one",
    "gaps",
    "change_gaps",
    "list_",
    "get_",
    "read_",
    "worker",
    "cards",
    "list_all",
    "get",
)


class Acted(Exception):
    """The call got as far as doing something: nothing stands in its way."""


def looking(house: House) -> House:
    """The house with its hands tied: whatever would change the ledger or Runpod raises `Acted` instead.

    A yes cannot be used up here either, and work that only one should do is neither claimed nor waited for; a question
    may be written down.
    """
    ledger: Any = _Ledger(house.ledger, _LEDGER_MAY.__contains__)
    api: Any = _Only(house.api, _reads)
    return replace(house, ledger=ledger, api=api)


def _reads(name: str) -> bool:
    return name == "resources" or name.startswith(_API_MAY)


class _Only:
    """Something of which only what is allowed can be called."""

    def __init__(self, inner: Any, may: Any) -> None:
        self._inner, self._may = inner, may

    def __getattr__(self, name: str) -> Any:
        if not self._may(name):
            return _act
        found = getattr(self._inner, name)
        return _Resources(found) if name == "resources" else found


class _Ledger(_Only):
    """A ledger in which work seems to be claimed."""

    async def claim(self, *_: Any) -> bool:
        """Nobody else is kept from it by this."""
        return True


class _Resources:
    """Runpod's further resources, each of which can only be read."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return _Only(getattr(self._inner, name), _reads)


async def _act(*_: Any, **__: Any) -> Any:
    raise Acted
