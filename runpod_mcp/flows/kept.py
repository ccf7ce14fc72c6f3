"""What is kept at Runpod and costs nothing: templates and registry credentials.

Nothing is reserved for them; the audit trail remembers which were made here, and only those are changed and deleted. A
name is its bearer's alone, so that what became of a lost answer can be looked up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.flows.standing import Named, is_called
from runpod_mcp.ledger.audit import Record
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.document import Policy
from runpod_mcp.runpod.results import EditOutcome, Gone, Made, MakeOutcome, NoCapacity, Refused, Unknown

Thing = TypeVar("Thing", bound=Named)


@dataclass(frozen=True, slots=True)
class Kind(Generic[Thing]):
    """One kind of kept thing: its word, the tools that make and list it, and everything of it the account has."""

    word: str
    maker: str
    lister: str
    list_all: Callable[[], Awaitable[Sequence[Thing]]]


async def make(
    house: House, kind: Kind[Thing], name: str, create: Callable[[], Awaitable[MakeOutcome[Thing]]]
) -> Thing:
    """Send one create, look the thing up by its name where the answer was lost, and remember that it was made here.

    Raises:
        Failure: Runpod said no; `outcome_unknown`; or the ledger cannot be written, which says that it was made.
    """
    outcome = await create()
    if isinstance(outcome, Unknown):
        found = await _find(house, kind, name)
        outcome = Made(found) if found else outcome.looks_like or outcome
    if isinstance(outcome, Made):
        await _remember(house, kind, outcome.thing.id, name)
        return outcome.thing
    if isinstance(outcome, Unknown):
        message = (
            f"Runpod's answer was lost, so the {kind.word} {clean(name, 60)!r} may or may not have been made. It costs "
            f"nothing. Look with {kind.lister} in a minute before anything is made anew."
        )
        raise Failure(Code.OUTCOME_UNKNOWN, message, Retry.NEVER, requested=clean(name, 60))
    raise refusal(outcome, "Nothing was made.")


async def delete(
    house: House, kind: Kind[Thing], thing_id: str, send: Callable[[str], Awaitable[EditOutcome[Thing]]]
) -> None:
    """Delete a thing and look until it is out of the list.

    Raises:
        Failure: `conflict` while something uses it; Runpod said no; `runpod_unavailable` when its end cannot be seen.
    """
    outcome = await send(thing_id)
    if isinstance(outcome, Refused | NoCapacity):
        raise _not_deleted(kind, thing_id, outcome)
    if await _is_out_of_the_list(house, kind, thing_id):
        return
    if isinstance(outcome, Unknown) and outcome.looks_like:
        raise _not_deleted(kind, thing_id, outcome.looks_like)
    message = f"The end of {kind.word} {thing_id} cannot be seen yet. Calling again in a moment is safe."
    raise Failure(Code.RUNPOD_UNAVAILABLE, message, Retry.LATER)


async def refuse_what_others_made(house: House, policy: Policy, kind: Kind[Thing], thing_id: str) -> None:
    """Only what was made here is changed or deleted, unless the policy lets this server manage the rest as well.

    Raises:
        Failure: `not_managed`; the ledger cannot be read.
    """
    if policy.pods.manage_unmanaged or await house.ledger.was_made(kind.maker, thing_id):
        return
    message = (
        f"{_named(kind, thing_id)} was not made through this server, so it is left alone. A person can allow it with "
        "manage_unmanaged under [pods] in the policy."
    )
    raise Failure(Code.NOT_MANAGED, message, Retry.NEVER)


def not_found(kind: Kind[Thing], thing_id: str) -> Failure:
    """What to say of a thing that Runpod does not have."""
    message = f"There is no {kind.word} {clean(thing_id, 40)!r}. {kind.lister} shows what there is."
    return Failure(Code.NOT_FOUND, message)


def refusal(outcome: Refused | NoCapacity | Gone, nothing_done: str) -> Failure:
    """A no of Runpod's in our words; `nothing_done` ends it."""
    if not isinstance(outcome, Refused):
        message = f"Runpod cannot take this right now. {nothing_done}"
        return Failure(Code.RUNPOD_UNAVAILABLE, message, Retry.LATER)
    message = f"{outcome.message} {nothing_done}"
    return Failure(outcome.code, message, outcome.retry or Retry.CHANGED, field=outcome.field)


async def _remember(house: House, kind: Kind[Thing], thing_id: str, name: str) -> None:
    """Write down that a thing was made here.

    Raises:
        Failure: the ledger cannot be written.
    """
    record = Record(
        at=house.now(),
        kind="made",
        principal=house.principal,
        tool=kind.maker,
        pod_id=thing_id,
        facts={"name": name},
    )
    try:
        await house.ledger.record(record)
    except Failure as failure:
        message = (
            f"{_named(kind, thing_id)} was made, but that could not be written down, so it counts as made by somebody "
            f"else. {failure.message}"
        )
        raise Failure(failure.code, message, Retry.NEVER) from failure


def _named(kind: Kind[Thing], thing_id: str) -> str:
    return f"{kind.word[0].upper()}{kind.word[1:]} {clean(thing_id, 40)}"


def _not_deleted(kind: Kind[Thing], thing_id: str, outcome: Refused | NoCapacity) -> Failure:
    if isinstance(outcome, Refused) and _speaks_of_use(outcome.detail):
        message = (
            f"{kind.word.capitalize()} {thing_id} is still in use, so Runpod keeps it: {outcome.message} "
            "Delete what uses it first. Nothing was deleted."
        )
        return Failure(Code.CONFLICT, message)
    return refusal(outcome, "Nothing was deleted.")


def _speaks_of_use(words: str) -> bool:
    return any(
        one in words.casefold() for one in ("in use", "is used", "being used", "referenced", "bound to")
    )


async def _find(house: House, kind: Kind[Thing], name: str) -> Thing | None:
    """The thing of this name; not finding it proves nothing, as a new one may be missing from the list for a while."""
    for wait in (0.0, *house.look_again_after):
        if wait:
            await house.clock.sleep(wait)
        try:
            things = await kind.list_all()
        except Failure:
            continue
        if found := next((thing for thing in things if is_called(thing, name)), None):
            return found
    return None


async def _is_out_of_the_list(house: House, kind: Kind[Thing], thing_id: str) -> bool:
    for wait in (0.0, *house.confirm_after):
        if wait:
            await house.clock.sleep(wait)
        try:
            things = await kind.list_all()
        except Failure:
            continue
        if all(thing.id != thing_id for thing in things):
            return True
    return False
