"""The schema an agent sees: `PodCreateInput` and our four arguments, flat, shaped by the policy.

The agent cannot even say what it may not have, and the list of tools stays small. The server enforces everything all
the same. Without limits every property, type, default and allowed value of the create-pod document is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from runpod_mcp.catalog.countries import country_of
from runpod_mcp.pods.values import CPU_FLAVOR_IDS, DATA_CENTER_IDS, GPU_TYPE_IDS
from runpod_mcp.policy.document import Policy

Schema = dict[str, Any]


@cache
def schema_of(model: type[BaseModel]) -> Schema:
    """A model's JSON Schema, compact: no titles, nothing nested by reference, null only where null means something.

    It is shared: whoever shapes it copies what is changed.
    """
    raw = model.model_json_schema(by_alias=True)
    properties = {name: _flat(name, value) for name, value in raw.get("properties", {}).items()}
    schema: Schema = {"type": "object", "properties": properties}
    if raw.get("required"):
        schema["required"] = raw["required"]
    return schema


_NULL_MEANS_SOMETHING = ("containerDiskInGb", "volumeInGb")


def _flat(name: str, field: Schema) -> Schema:
    field = {key: value for key, value in field.items() if key != "title"}
    if "anyOf" in field:
        options = [option for option in field.pop("anyOf") if option.get("type") != "null"]
        field = {**options[0], **field}
        if name in _NULL_MEANS_SOMETHING:
            field["type"] = [field["type"], "null"]
    if field.get("default", "") is None:
        del field["default"]
    for holder in (field, field.get("items", {})):
        if holder.get("additionalProperties") is True:
            del holder["additionalProperties"]
    return field


def input_schema_of(model: type[BaseModel]) -> Schema:
    """The schema of a tool's arguments, which says that there are no others."""
    return {**schema_of(model), "additionalProperties": False}


def output_schema_of(model: type[BaseModel]) -> Schema:
    """The schema of a tool's reply; what is in its lists is left to be seen, since every tool repeats it to every agent."""
    schema = schema_of(model)
    properties = {
        name: {key: value for key, value in field.items() if key != "items"}
        for name, field in schema["properties"].items()
    }
    return {**schema, "properties": properties}


def create_pod_schema(full: Schema, policy: Policy) -> Schema:
    """The schema of `create_pod` under a policy."""
    fields = {name: dict(value) for name, value in full["properties"].items()}
    _shape_gpus(fields, policy)
    _shape_cpus(fields, policy)
    _shape_places(fields, policy)
    _shape_settings(fields, policy)
    if policy.pods.interruptible != "allow":
        fields["interruptible"] = {"type": "boolean", "const": policy.pods.interruptible == "require"}
    _shape_lease(fields, policy)
    return {**full, "properties": fields}


def update_pod_schema(full: Schema, policy: Policy) -> Schema:
    """The schema of `update_pod` under a policy."""
    fields = {name: dict(value) for name, value in full["properties"].items()}
    _shape_settings(fields, policy)
    return {**full, "properties": fields}


def lease_schema(full: Schema, policy: Policy) -> Schema:
    """The schema of a tool that gives or moves the end of a lease, under a policy."""
    fields = {name: dict(value) for name, value in full["properties"].items()}
    fields["leaseHours"]["maximum"] = _short(policy.lease.max_hours)
    return {**full, "properties": fields}


def _shape_gpus(fields: Schema, policy: Policy) -> None:
    gpus = policy.gpus
    if gpus.allow is not None or gpus.deny:
        named = [one for one in gpus.allow or () if "*" not in one and one not in GPU_TYPE_IDS]
        allowed = [one for one in (*GPU_TYPE_IDS, *named) if gpus.permits(one)]
        _choices(fields, "gpuTypeIds", allowed)
    if gpus.max_per_pod is not None:
        fields["gpuCount"]["maximum"] = gpus.max_per_pod


def _shape_cpus(fields: Schema, policy: Policy) -> None:
    if policy.cpus.allow is not None:
        _choices(fields, "cpuFlavorIds", [one for one in CPU_FLAVOR_IDS if policy.cpus.permits(one)])
    if policy.cpus.max_vcpus_per_pod is not None:
        fields["vcpuCount"]["maximum"] = policy.cpus.max_vcpus_per_pod


def _shape_places(fields: Schema, policy: Policy) -> None:
    """A limited list of data centers has no default: what is left out means every allowed one."""
    if policy.pods.cloud_types is not None:
        clouds: list[str] = list(policy.pods.cloud_types)
        fields["cloudType"]["enum"] = clouds
        if fields["cloudType"].get("default") not in clouds:
            fields["cloudType"].pop("default", None)
    if policy.pods.limits_place:
        _choices(
            fields,
            "dataCenterIds",
            [one for one in DATA_CENTER_IDS if policy.pods.permits_place(one, country_of(one))],
        )
    if policy.pods.countries:
        fields["countryCodes"]["items"] = {"type": "string", "enum": list(policy.pods.countries)}


def _shape_settings(fields: Schema, policy: Policy) -> None:
    """What a pod can also be given later."""
    pods = policy.pods
    for name, most in (("containerDiskInGb", pods.max_container_disk_gb), ("volumeInGb", pods.max_volume_gb)):
        if most is not None:
            fields[name]["maximum"] = most
            if fields[name].get("default", 0) > most:
                fields[name].pop("default")
    if pods.images is not None:
        _describe(fields["imageName"], f"Allowed: {', '.join(pods.images)}.")
    if pods.ports is not None:
        _describe(fields["ports"], f"Allowed: {', '.join(pods.ports) or 'none'}.")


def _describe(field: Schema, more: str) -> None:
    """More words, also for a field that had none."""
    field["description"] = f"{field['description']} {more}" if "description" in field else more


def _shape_lease(fields: Schema, policy: Policy) -> None:
    hours = fields["leaseHours"]
    hours["maximum"] = _short(policy.lease.max_hours)
    hours["default"] = _short(policy.lease.default_hours)
    hours["description"] = "Hours until the pod is ended."


def _short(number: float) -> int | float:
    return int(number) if number == int(number) else number


def _choices(fields: Schema, name: str, allowed: list[str]) -> None:
    fields[name]["items"] = {"type": "string", "enum": allowed} if allowed else {"type": "string"}
    fields[name].pop("default", None)
    if not allowed:
        fields[name]["description"] = "The policy allows none."


SHAPED: Mapping[str, Callable[[Schema, Policy], Schema]] = {
    "create_pod": create_pod_schema,
    "update_pod": update_pod_schema,
    "create_template": update_pod_schema,
    "update_template": update_pod_schema,
    "start_pod": lease_schema,
    "extend_lease": lease_schema,
}
"""The tools whose arguments a policy narrows."""
