"""What came of a change: an answer, or the lack of one, as a value of `results.py`."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from runpod_mcp.errors import Code, Retry
from runpod_mcp.runpod.failures import (
    QUOTE_BEGINS,
    Meaning,
    is_capacity,
    is_mistake,
    is_no_such_thing,
    meaning,
    quoted,
    said,
)
from runpod_mcp.runpod.results import (
    Changed,
    EditOutcome,
    Gone,
    Made,
    MakeOutcome,
    NoCapacity,
    Refused,
    Unknown,
)
from runpod_mcp.runpod.sent import Answer, Lost, NotSent, Sent

log = logging.getLogger(__name__)

T = TypeVar("T")

_PLACE = re.compile(r"\$(?:\.(?!env)[A-Za-z]{1,40}){1,3}")
"""A place in the body as v2 names it (`$.gpu.count`); below `env` the names are the agent's own."""

_REFUSING_REDIRECTS = (301, 307, 308)
"""302 and 303 also follow a POST that was done; these three say that it was not."""


def made(
    sent: Sent,
    read: Callable[[object], T | None],
    now: datetime,
    *,
    what: str,
    secrets_sent: bool = False,
    says_500_to_all: bool = False,
) -> MakeOutcome[T]:
    """What a create came to; `what` is the thing with its article.

    With `secrets_sent`, env values or credentials went out with it: they could come back in Runpod's words in any
    shape, so none of those words is kept. `says_500_to_all` is for v1, which answers 500 to a lack of capacity and to
    mistakes as well (observed live in July to September 2026).
    """
    if not isinstance(sent, Answer):
        return _without_answer(sent)
    if sent.ok:
        thing = read(sent.body)
        if thing is None:
            return Unknown(f"Runpod answered {sent.status} without {what} that can be read")
        return Made(thing)
    return _said_no(sent, now, secrets_sent, says_500_to_all)


def changed(
    sent: Sent,
    read: Callable[[object], T | None],
    now: datetime,
    *,
    what: str,
    refers: bool = False,
    secrets_sent: bool = False,
    says_500_to_all: bool = False,
) -> EditOutcome[T]:
    """What a change or a delete came to; `what` is the kind of thing in words.

    `refers` says that the change names other things as well: a 404 may then speak of one of those, so it is no proof
    that the thing is gone.
    """
    if not isinstance(sent, Answer):
        return _without_answer(sent)
    if sent.ok:
        return Changed(read(sent.body))
    if _not_found(sent, what):
        return Gone()
    if is_no_such_thing(sent):
        return _names_nothing(what) if refers else Gone()
    return _said_no(sent, now, secrets_sent, says_500_to_all)


def _not_found(answer: Answer, what: str) -> bool:
    """Whether Runpod says of this very kind of thing that it is not there, which it also does with 400."""
    words = " ".join(said(answer).casefold().split())
    named = re.search(rf"\b{re.escape(what)}( \S{{1,40}})? not found", words)
    return named is not None and (answer.status == 400 or is_no_such_thing(answer))


def _names_nothing(what: str) -> Refused:
    message = f"Runpod does not find the {what}, or something that the change names; check the ids."
    return Refused(Code.NOT_FOUND, message, retry=Retry.CHANGED)


def _without_answer(sent: Lost | NotSent) -> Refused | Unknown:
    if isinstance(sent, NotSent):
        return Refused(sent.code, f"{sent.reason} Nothing was sent.")
    log.warning("the answer to a change was lost: %s", sent.reason)
    return Unknown(sent.reason)


def _said_no(
    answer: Answer, now: datetime, secrets_sent: bool, says_500_to_all: bool
) -> NoCapacity | Refused | Unknown:
    found = meaning(answer, now)
    words = "its words are withheld, since secrets were sent" if secrets_sent else found.detail or "no words"
    log.warning("Runpod said no: HTTP %d, %s", answer.status, words)
    outcome = _outcome(answer, found, says_500_to_all)
    return _without_words(outcome, found) if secrets_sent else outcome


def _without_words(outcome: NoCapacity | Refused | Unknown, found: Meaning) -> NoCapacity | Refused | Unknown:
    """The outcome without anything Runpod wrote, but for the places in the request that it named."""
    if isinstance(outcome, NoCapacity):
        return NoCapacity("")
    if isinstance(outcome, Unknown):
        hint = _without_words(outcome.looks_like, found) if outcome.looks_like else None
        return replace(outcome, looks_like=hint if isinstance(hint, NoCapacity | Refused) else None)
    places = ", ".join(dict.fromkeys(_PLACE.findall(found.detail)))
    named = f" It names {places}." if places else ""
    return replace(outcome, message=outcome.message.partition(QUOTE_BEGINS)[0] + named, detail="")


def _outcome(answer: Answer, found: Meaning, says_500_to_all: bool) -> NoCapacity | Refused | Unknown:
    if answer.status in _REFUSING_REDIRECTS:
        return _refused(found)
    if answer.status >= 500:
        # Only Runpod's own 500 has telling words: a gateway's page is about the gateway.
        told = says_500_to_all and answer.status == 500 and isinstance(answer.body, dict)
        return Unknown(f"Runpod answered HTTP {answer.status}", _looks_like(found) if told else None)
    if answer.status in (408, 425) or answer.status < 400:
        return Unknown(f"Runpod answered HTTP {answer.status}")
    if answer.status == 400 and is_capacity(found.detail):
        return NoCapacity(found.detail)
    return _refused(found)


def _looks_like(found: Meaning) -> NoCapacity | Refused | None:
    """What the words beside a 500 of v1's would mean, could its status be believed."""
    if is_capacity(found.detail):
        return NoCapacity(found.detail)
    if found.code is Code.INSUFFICIENT_BALANCE:
        return _refused(found)
    if is_mistake(found.detail):
        message = f"Runpod turned the request down.{quoted(found.detail)}"
        return Refused(Code.INVALID_REQUEST, message, found.detail)
    return None


def _refused(found: Meaning) -> Refused:
    return Refused(found.code, found.message, found.detail, found.retry_after, found.retry)
