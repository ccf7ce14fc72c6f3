"""The one place where what went wrong inside becomes what an agent reads."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.remembered import COMMANDS, SECRET
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.words import clean, nearest

log = logging.getLogger(__name__)

MOST_DEPTH = 64
_HALF = re.compile("[\ud800-\udfff]")


def failure_of(error: BaseException | None, *, only_looks: bool = False) -> Failure:
    """What to tell the agent of an exception raised under a tool, which may be one that only looks."""
    if isinstance(error, Failure):
        return error
    log.error("a tool failed unexpectedly", exc_info=error)
    came_of_it = (
        "Nothing was changed."
        if only_looks
        else "What it was to change may have been changed; look, with list_pods for pods, before you repeat anything."
    )
    return Failure(
        Code.INTERNAL_ERROR,
        f"Something failed inside this server. {came_of_it} The server's log on stderr has the details for the person "
        "who runs it.",
        Retry.NEVER,
    )


def read_create(arguments: Mapping[str, Any]) -> CreateRequest:
    """The arguments of `create_pod`, read as strictly as the tool reads them.

    Raises:
        Failure: `invalid_arguments`.
    """
    try:
        return CreateRequest.model_validate(dict(arguments))
    except ValidationError as error:
        known = [field.alias or name for name, field in CreateRequest.model_fields.items()]
        raise invalid_arguments(error, known) from error


def invalid_arguments(error: ValidationError, known: list[str]) -> Failure:
    """What is wrong with the arguments, in our words, and how much more there is; `known` are the tool's.

    A name that does not exist comes first: it is often why another one is missing.
    """
    problems = error.errors(include_url=False, include_context=False)
    first = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
    path = [str(part) for part in first["loc"]]
    words = _sentence(first, path, known)
    more = f" ({len(problems) - 1} more.)" if len(problems) > 1 else ""
    return Failure(
        Code.INVALID_ARGUMENTS,
        f"{words}{'' if words.endswith('?') else '.'}{more}",
        field=clean(".".join(path), 80) or None,
    )


def refuse_odd_values(arguments: Mapping[str, Any]) -> None:
    """Refuse what neither the ledger nor Runpod could be told: half characters, and values nested without end.

    Raises:
        Failure: `invalid_arguments`, naming the argument.
    """
    for name, value in arguments.items():
        if problem := _odd(name, 0) or _odd(value, 0):
            shown = clean(name, 60)
            raise Failure(Code.INVALID_ARGUMENTS, f"{shown}: {problem}.", field=shown or None)


def _odd(value: Any, depth: int) -> str | None:
    if isinstance(value, str):
        return "has half a character (a lone surrogate)" if _HALF.search(value) else None
    if not isinstance(value, list | dict):
        return None
    if depth >= MOST_DEPTH:
        return f"is nested more than {MOST_DEPTH} deep"
    parts = [*value, *value.values()] if isinstance(value, dict) else value
    return next((problem for part in parts if (problem := _odd(part, depth + 1))), None)


def _sentence(problem: Mapping[str, Any], path: list[str], known: list[str]) -> str:
    if problem["type"] == "extra_forbidden":
        return _unknown(path[0], known)
    name = clean(".".join(path), 80)
    expected = _EXPECTED.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "dict_type" and path == ["env"]:
        expected += " with text values"
    expected = clean(expected[0].lower() + expected[1:], 200)
    if problem["type"] == "missing":
        return f"{name} is missing"
    found = problem.get("input")
    tells = path[:1] and path[0] not in SECRET | COMMANDS
    shown = f" (got {_written(found)})" if tells and isinstance(found, int | float | str) else ""
    return f"{name}: {expected}{shown}" if name else expected


def _written(value: float | str) -> str:
    """A value as a reader knows it; Python refuses to write out a number of thousands of digits."""
    try:
        return clean(repr(value), 40)
    except ValueError:
        return "one of thousands of digits"


_EXPECTED = {
    "string_type": "expected text",
    "int_from_float": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "list_type": "expected a list",
    "dict_type": "expected an object",
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
}


def _unknown(name: str, known: list[str]) -> str:
    meant = nearest(name, known)
    there_are = f"known: {', '.join(known)}" if known else "this tool takes none"
    hint = f"did you mean {meant}?" if meant else there_are
    return f"there is no argument {clean(name, 60)!r}; {hint}"
