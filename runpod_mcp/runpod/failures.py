"""The one place where an answer of Runpod's becomes our `Code` and our words.

| status | code | again? |
|---|---|---|
| 400 | invalid_request; insufficient_balance for the words of a spend limit | changed |
| 401 | unauthorized | never |
| 402 | insufficient_balance | later |
| 403 | unauthorized; runpod_unavailable when Runpod's edge, not Runpod, said it | never, later |
| 404 | not_found; runpod_unavailable when it is the path that is unknown | changed, never |
| 405, 410, 3xx | runpod_unavailable: the URL is wrong or retired | never |
| 409 | conflict | changed |
| 413, 422 | invalid_request, with what Runpod objected to | changed |
| 429 | rate_limited | later |
| 408, 425, 5xx | runpod_unavailable | later |

What Runpod wrote is data: it goes to the log, or, where it helps, into a message in quotes and cut short.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.pods.words import clean
from runpod_mcp.runpod.limits import seconds_to_wait
from runpod_mcp.runpod.reading import fields, strings, text
from runpod_mcp.runpod.sent import Answer

QUOTE_BEGINS = " Runpod wrote:"
QUOTE_LENGTH = 200

CAPACITY_TEXTS = (
    "there are no longer any instances available",
    "there are no instances currently available",
    "this machine does not have the resources to deploy your pod",
    "not enough free gpus on the host machine",
    "failed to resume pod",
)
"""Runpod has no code for a lack of capacity; these are its words (v2 and v1, observed live in July to October 2026)."""

SPEND_TEXTS = (
    "spending limit",
    "spend limit",
    "budget limit",
    "exceeded your",
    "insufficient balance",
    "insufficient fund",
    "insufficient credit",
    "not enough balance",
    "not enough credit",
    "balance is too low",
)
"""Words that public clients take for a spend limit or an empty account; Runpod documents none."""

MISTAKE_TEXTS = (
    "image",
    "must be",
    "must either provide",
    "is required",
    "is invalid",
    "invalid ",
    "not found",
    "not allowed",
    "unknown gpu type",
    "unsupported",
)
"""Words of a mistake in the request, which v1 answers with 500 as well (observed live in August 2026)."""

_TROUBLE_TEXTS = (
    "timeout",
    "timed out",
    "internal",
    "try again",
    "unavailable",
    "something went wrong",
    "context deadline",
)

_UNKNOWN_PATH_TEXTS = ("path was not found", "page not found", "no such route", "<html", "<!doctype")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an answer that is no success means; `detail` is what Runpod wrote, as data for the log."""

    code: Code
    message: str
    retry: Retry
    detail: str = ""
    retry_after: int | None = None

    def as_failure(self) -> Failure:
        """The same as an exception, for reads."""
        return Failure(self.code, self.message, self.retry)


def said(answer: Answer) -> str:
    """What Runpod wrote in an answer, without control characters, and cut.

    v2 writes `detail` and `errors` (strings), v1 `error` or `message`, GraphQL `errors` (objects with `message`).
    """
    body = fields(answer.body)
    detail = text(body.get("detail")) or text(body.get("error")) or text(body.get("message")) or ""
    objections = list(strings(body.get("errors"))) or _messages(body.get("errors"))
    words = " ".join([detail, "; ".join(objections)]).strip() or text(body.get("title")) or answer.text
    return " ".join(clean(words, 1000).split())


def quoted(words: str) -> str:
    """Runpod's words inside a sentence of ours: in quotes that they cannot close, at most 200 characters."""
    plain = clean(words.replace('"', "'").replace("`", "'"), QUOTE_LENGTH)
    return f'{QUOTE_BEGINS} "{plain}".' if plain else ""


def is_capacity(words: str) -> bool:
    """Whether these are Runpod's words for having no machine."""
    return _has(words, CAPACITY_TEXTS)


def is_mistake(words: str) -> bool:
    """Whether these are words about the request and not about trouble at Runpod."""
    return _has(words, MISTAKE_TEXTS) and not _has(words, _TROUBLE_TEXTS)


def is_spend_limit(words: str) -> bool:
    """Whether these are words about the account's money."""
    return _has(words, SPEND_TEXTS)


def is_no_such_thing(answer: Answer) -> bool:
    """Whether a 404 speaks of the thing that was asked for and not of a path that Runpod does not know."""
    return answer.status == 404 and not _has(said(answer), _UNKNOWN_PATH_TEXTS)


def meaning(answer: Answer, now: datetime | None = None) -> Meaning:
    """What an answer that is no success means, in our words; `now` resolves a `Retry-After` that is a date."""
    words = said(answer)
    if answer.status == 429:
        return _rate_limited(answer, words, now or datetime.now(UTC))
    if answer.status == 403:
        return _forbidden(answer, words)
    if answer.status in (400, 402) or (answer.status >= 500 and is_spend_limit(words)):
        return _bad_request(answer, words)
    if answer.status == 404 and not is_no_such_thing(answer):
        return Meaning(Code.RUNPOD_UNAVAILABLE, _WRONG_PATH, Retry.NEVER, words)
    if answer.status in (413, 422):
        return Meaning(Code.INVALID_REQUEST, _OBJECTIONS[answer.status] + quoted(words), Retry.CHANGED, words)
    code, message, retry = _PLAIN.get(answer.status) or _by_class(answer.status)
    return Meaning(code, message, retry, words)


def unreadable(what: str) -> Failure:
    """Runpod answered a question with something that is not the answer."""
    return Failure(Code.RUNPOD_UNAVAILABLE, f"Runpod's answer about {what} could not be read.", Retry.LATER)


_WRONG_PATH = "Runpod does not know this path; check RUNPOD_API_URL."
_NO_MONEY = "The Runpod account has too little balance, or has reached its spend limit."
_OBJECTIONS = {
    413: "The request is larger than Runpod takes; shorten env or the start command.",
    422: "Runpod does not accept the request.",
}
_PLAIN = {
    401: (
        Code.UNAUTHORIZED,
        "Runpod does not accept the API key; check RUNPOD_API_KEY, or the file it is read from (`runpod-mcp doctor` says which).",
        Retry.NEVER,
    ),
    404: (Code.NOT_FOUND, "Runpod has no such thing, or this key may not see it.", Retry.CHANGED),
    405: (Code.RUNPOD_UNAVAILABLE, _WRONG_PATH, Retry.NEVER),
    408: (Code.RUNPOD_UNAVAILABLE, "Runpod gave up waiting for the request.", Retry.LATER),
    409: (Code.CONFLICT, "Runpod does not allow this in the state it is in now.", Retry.CHANGED),
    410: (
        Code.RUNPOD_UNAVAILABLE,
        "Runpod has retired the API that RUNPOD_API_URL names; set it to https://api.runpod.io/v2.",
        Retry.NEVER,
    ),
    425: (Code.RUNPOD_UNAVAILABLE, "Runpod asks to try again.", Retry.LATER),
}


def _by_class(status: int) -> tuple[Code, str, Retry]:
    if status >= 500:
        return Code.RUNPOD_UNAVAILABLE, f"Runpod failed to answer (HTTP {status}).", Retry.LATER
    if 300 <= status < 400:
        return Code.RUNPOD_UNAVAILABLE, "Runpod points to another address; check RUNPOD_API_URL.", Retry.NEVER
    if status >= 400:
        return Code.INVALID_REQUEST, f"Runpod turned the request down (HTTP {status}).", Retry.CHANGED
    return Code.RUNPOD_UNAVAILABLE, "Runpod's answer could not be read.", Retry.LATER


def _rate_limited(answer: Answer, words: str, now: datetime) -> Meaning:
    seconds = seconds_to_wait(answer.headers, now)
    wait = "a while" if seconds is None else f"{seconds} seconds"
    message = f"Runpod's rate limit is reached; it asks to wait {wait}."
    return Meaning(Code.RATE_LIMITED, message, Retry.LATER, words, seconds)


def _forbidden(answer: Answer, words: str) -> Meaning:
    """403 with a body of Cloudflare's says nothing about the key (observed live in August 2026)."""
    plain = answer.text.casefold()
    if "error code: 1" in plain or "cloudflare" in plain:
        message = "Runpod's edge turned this program away before Runpod saw the key."
        return Meaning(Code.RUNPOD_UNAVAILABLE, message, Retry.LATER, words)
    if is_spend_limit(words):
        return Meaning(Code.INSUFFICIENT_BALANCE, _NO_MONEY, Retry.LATER, words)
    message = "The API key is valid but may not do this; check its permissions, and that the account may use this GPU pool."
    return Meaning(Code.UNAUTHORIZED, message, Retry.NEVER, words)


def _bad_request(answer: Answer, words: str) -> Meaning:
    if answer.status == 402 or is_spend_limit(words):
        return Meaning(Code.INSUFFICIENT_BALANCE, _NO_MONEY, Retry.LATER, words)
    return Meaning(
        Code.INVALID_REQUEST, f"Runpod turned the request down.{quoted(words)}", Retry.CHANGED, words
    )


def _has(words: str, known: Iterable[str]) -> bool:
    folded = " ".join(words.casefold().split())
    return any(one in folded for one in known)


def _messages(errors: object) -> list[str]:
    found = errors if isinstance(errors, list) else []
    return [message for error in found if (message := text(fields(error).get("message")))]
