"""A small strict reader of request bodies: the part of JSON Schema that Runpod's v2 document uses.

Its sentences are the ones the live v2 service was seen to answer with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def violations(value: object, schema: Schema, path: str = "$") -> list[str]:
    """Everything about a body that its schema does not allow, one sentence each."""
    return list(_violations(value, schema, path))


def _violations(value: object, schema: Schema, path: str) -> Iterator[str]:
    if "one_of" in schema:
        schema = _variant(value, schema)
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(_is(value, kind) for kind in kinds):
        yield f"{path}: got {_kind(value)}, want {' or '.join(kinds)}"
    elif isinstance(value, dict):
        yield from _object(value, schema, path)
    elif isinstance(value, list):
        yield from _array(value, schema, path)
    elif value is not None:
        yield from _scalar(value, schema, path)


def _variant(value: object, schema: Schema) -> Schema:
    """The variant a value names in its field `by`; without a known name, a schema that only demands one."""
    variants: Mapping[str, Schema] = schema["one_of"]
    name = value.get(schema["by"]) if isinstance(value, dict) else None
    if isinstance(name, str) and name in variants:
        return variants[name]
    naming = {"type": "string", "enum": tuple(variants)}
    others = {"type": ["string", "number", "boolean", "array", "object", "null"]}
    return {
        "type": "object",
        "required": (schema["by"],),
        "properties": {schema["by"]: naming},
        "additional": others,
    }


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


def _kind(value: object) -> str:
    return next(kind for kind in _TYPES if _is(value, kind))


def _object(value: dict[str, Any], schema: Schema, path: str) -> Iterator[str]:
    known: Mapping[str, Schema] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}: missing property '{name}'"
    others: Schema | None = schema.get("additional")
    fewest = schema.get("min_properties", 0)
    if len(value) < fewest:
        yield f"{path}: minProperties: got {len(value)}, want {fewest}"
    extra = [name for name in value if name not in known]
    if extra and others is None:
        yield f"{path}: additional properties {', '.join(repr(name) for name in extra)} not allowed"
    for name, item in value.items():
        if inner := known.get(name, others):
            yield from _violations(item, inner, f"{path}.{name}")


def _array(value: list[Any], schema: Schema, path: str) -> Iterator[str]:
    most = schema.get("most")
    if most is not None and len(value) > most:
        yield f"{path}: maxItems: got {len(value)}, want {most}"
    fewest = schema.get("fewest", 0)
    if len(value) < fewest:
        yield f"{path}: minItems: got {len(value)}, want {fewest}"
    if schema.get("unique") and any(item in value[:index] for index, item in enumerate(value)):
        yield f"{path}: items are not unique"
    for index, item in enumerate(value):
        yield from _violations(item, schema["items"], f"{path}[{index}]")


def _scalar(value: Any, schema: Schema, path: str) -> Iterator[str]:
    choices = schema.get("enum")
    if choices and value not in choices:
        yield f"{path}: value must be one of {', '.join(repr(choice) for choice in choices)}"
    if "least" in schema and value < schema["least"]:
        yield f"{path}: minimum: got {value}, want {schema['least']}"
    if "most" in schema and value > schema["most"]:
        yield f"{path}: maximum: got {value}, want {schema['most']}"
    if "min_length" in schema and len(value) < schema["min_length"]:
        yield f"{path}: minLength: got {len(value)}, want {schema['min_length']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path}: '{value}' does not match pattern '{schema['pattern']}'"
