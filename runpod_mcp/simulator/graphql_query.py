"""As much of GraphQL as clients of Runpod speak: one operation, fields, aliases, arguments, variables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"""[\s,\ufeff]+|\#[^\n]*|(?P<token>"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\.\.\.|[_A-Za-z]\w*|[{}()\[\]:=!$@|&])"""
)


class QueryError(Exception):
    """A query that cannot be answered; `code` is GRAPHQL_PARSE_FAILED or GRAPHQL_VALIDATION_FAILED."""

    def __init__(self, message: str, code: str = "GRAPHQL_VALIDATION_FAILED") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Field:
    """A field that is asked for; `key` is its alias or its name."""

    name: str
    key: str
    arguments: Mapping[str, Any]
    fields: Sequence[Field]


@dataclass(frozen=True)
class Operation:
    """A parsed operation: "query" or "mutation", and its fields."""

    kind: str
    fields: Sequence[Field]


def parse(text: str, variables: Mapping[str, Any]) -> Operation:
    """Read one operation, its variables filled in.

    Raises:
        QueryError: the text is no such operation.
    """
    return _Parser(_tokens(text), variables).operation()


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _syntax(text[at])
        if token := match["token"]:
            tokens.append(token)
        at = match.end()
    return tokens


def _syntax(token: str) -> QueryError:
    return QueryError(f"Syntax Error: Unexpected {token or '<EOF>'}.", "GRAPHQL_PARSE_FAILED")


class _Parser:
    def __init__(self, tokens: list[str], variables: Mapping[str, Any]) -> None:
        self._tokens = [*tokens, ""]
        self._at = 0
        self._variables = variables
        self._defaults: dict[str, Any] = {}

    def _peek(self) -> str:
        return self._tokens[self._at]

    def _next(self, expected: str | None = None) -> str:
        token = self._peek()
        if not token or expected not in (None, token):
            raise _syntax(token)
        self._at += 1
        return token

    def _name(self) -> str:
        token = self._next()
        if not token.isidentifier():
            raise _syntax(token)
        return token

    def operation(self) -> Operation:
        kind = "query"
        if self._peek() != "{":
            kind = self._name()
            if kind not in ("query", "mutation"):
                raise _syntax(kind)
            if self._peek() not in ("{", "("):
                self._name()
            self._variable_list()
        fields = self._selection()
        if self._peek():
            raise _syntax(self._peek())
        return Operation(kind, fields)

    def _variable_list(self) -> None:
        if self._peek() != "(":
            return
        self._next("(")
        while self._peek() != ")":
            self._next("$")
            name = self._name()
            self._next(":")
            while self._peek() in ("[", "]", "!") or self._peek().isidentifier():
                self._next()
            if self._peek() == "=":
                self._next("=")
                self._defaults[name] = self._value()
        self._next(")")

    def _selection(self) -> list[Field]:
        self._next("{")
        fields = []
        while self._peek() != "}":
            fields.append(self._field())
        self._next("}")
        return fields

    def _field(self) -> Field:
        key = name = self._name()
        if self._peek() == ":":
            self._next(":")
            name = self._name()
        arguments = self._arguments() if self._peek() == "(" else {}
        fields = self._selection() if self._peek() == "{" else []
        return Field(name, key, arguments, fields)

    def _arguments(self) -> dict[str, Any]:
        return self._pairs("(", ")")

    def _pairs(self, opening: str, closing: str) -> dict[str, Any]:
        self._next(opening)
        pairs = {}
        while self._peek() != closing:
            name = self._name()
            self._next(":")
            pairs[name] = self._value()
        self._next(closing)
        return pairs

    def _value(self) -> Any:
        first = self._peek()
        if first == "{":
            return self._pairs("{", "}")
        if first == "[":
            return self._list()
        self._next()
        if first == "$":
            return self._variable()
        return _scalar(first)

    def _list(self) -> list[Any]:
        self._next("[")
        values = []
        while self._peek() != "]":
            values.append(self._value())
        self._next("]")
        return values

    def _variable(self) -> Any:
        name = self._name()
        return self._variables.get(name, self._defaults.get(name))


def _scalar(token: str) -> Any:
    if token.isidentifier() and token not in ("true", "false", "null"):
        return token
    try:
        return json.loads(token)
    except ValueError:
        raise _syntax(token) from None


def pick(fields: Sequence[Field], node: Mapping[str, Any], type_name: str) -> dict[str, Any]:
    """The asked fields of an object. A value that is a function is called with the field's arguments.

    Raises:
        QueryError: a field does not exist, or an object is asked for without saying which of its fields.
    """
    return {field.key: _pick_one(field, node, type_name) for field in fields}


def _pick_one(field: Field, node: Mapping[str, Any], type_name: str) -> Any:
    if field.name == "__typename":
        return type_name
    if field.name not in node:
        raise QueryError(f'Cannot query field "{field.name}" on type "{type_name}".')
    value = node[field.name]
    return _shape(field, value(field.arguments) if callable(value) else value, type_name)


def _shape(field: Field, value: Any, type_name: str) -> Any:
    if isinstance(value, list):
        return [_shape(field, item, type_name) for item in value]
    if not isinstance(value, Mapping):
        return value
    if not field.fields:
        raise QueryError(f'Field "{field.name}" of type "{field.name}" must have a selection of subfields.')
    return pick(field.fields, value, field.name)
