"""What is published for `create_pod`, property by property, against Runpod's create-pod document."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from runpod_mcp.pods.create_input import CreateRequest, PodCreateInput
from runpod_mcp.pods.values import CPU_FLAVOR_IDS, CUDA_VERSIONS, DATA_CENTER_IDS, GPU_TYPE_IDS
from runpod_mcp.policy.document import read_policy
from runpod_mcp.server.input_schema import create_pod_schema, input_schema_of

DOCUMENT = Path(__file__).parents[2].parent / "shared" / "specs" / "create-pod.openapi.yaml"

pytestmark = pytest.mark.skipif(not DOCUMENT.exists(), reason="the create-pod document is not here")

OURS = {"requestId", "dryRun", "leaseHours", "maxUsdPerHour"}

DIFFERENCES = {
    ("ports", "default"): "the document's default for this array is one comma-separated string",
    ("env", "items"): "the document gives this object `items`, which means nothing for an object",
    ("env", "additionalProperties"): "what its `items` mean: every value is a string",
    ("containerDiskInGb", "minimum"): "a disk of 0 GB or less cannot be asked for",
    ("volumeInGb", "minimum"): "a volume of less than 0 GB cannot be asked for",
}
"""Where and why what is published is not what the document says."""


@cache
def documented() -> dict[str, Any]:
    whole = yaml.safe_load(DOCUMENT.read_text("utf-8"))
    return whole["components"]["schemas"]["PodCreateInput"]["properties"]


def whole_schema() -> dict[str, Any]:
    return input_schema_of(PodCreateInput)


def under_a_policy_without_limits() -> dict[str, Any]:
    return create_pod_schema(input_schema_of(CreateRequest), read_policy("version = 1", "nowhere"))


def comparable(schema: dict[str, Any]) -> dict[str, Any]:
    """What a schema demands, whichever way it says so; examples and descriptions demand nothing."""
    facts = {key: value for key, value in schema.items() if key not in ("description", "example")}
    kinds = facts.get("type")
    facts["nullable"] = facts.pop("nullable", False) or "null" in (kinds if isinstance(kinds, list) else ())
    if isinstance(kinds, list):
        (facts["type"],) = (kind for kind in kinds if kind != "null")
    return facts


def differences(published: dict[str, Any]) -> set[tuple[str, str]]:
    found = set()
    for name, schema in documented().items():
        theirs, ours = comparable(schema), comparable(published[name])
        found |= {(name, key) for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key)}
    return found


def test_the_document_has_33_properties_and_so_has_what_is_published():
    assert len(documented()) == 33
    assert sorted(whole_schema()["properties"]) == sorted(documented())
    assert whole_schema()["additionalProperties"] is False
    assert "required" not in whole_schema()


def test_every_difference_to_the_document_has_a_reason_and_every_reason_a_difference():
    assert differences(whole_schema()["properties"]) == set(DIFFERENCES)


def test_a_policy_without_limits_takes_nothing_away():
    published = under_a_policy_without_limits()["properties"]
    assert differences(published) == set(DIFFERENCES)
    assert published.keys() - documented().keys() == OURS


def test_the_default_of_ports_means_what_the_documents_string_says():
    assert whole_schema()["properties"]["ports"]["default"] == documented()["ports"]["default"].split(",")


def test_every_default_of_the_document_is_what_a_request_without_the_field_has():
    request = PodCreateInput.model_validate({"imageName": "a"}).model_dump(by_alias=True)
    for name, schema in documented().items():
        default = whole_schema()["properties"][name].get("default")
        assert request[name] == ("a" if name == "imageName" else default), name
        assert ("default" in schema) == ("default" in whole_schema()["properties"][name]), name


@pytest.mark.parametrize(
    ("field", "ours", "count"),
    [
        ("gpuTypeIds", GPU_TYPE_IDS, 49),
        ("dataCenterIds", DATA_CENTER_IDS, 26),
        ("cpuFlavorIds", CPU_FLAVOR_IDS, 6),
        ("allowedCudaVersions", CUDA_VERSIONS, 12),
    ],
)
def test_the_lists_of_values_are_the_documents_in_its_order(field, ours, count):
    assert list(ours) == documented()[field]["items"]["enum"]
    assert len(ours) == len(set(ours)) == count


@pytest.mark.parametrize("field", ["gpuTypeIds", "dataCenterIds", "cpuFlavorIds", "allowedCudaVersions"])
def test_every_value_of_the_document_is_read_back_to_the_letter(field):
    values = documented()[field]["items"]["enum"]
    request = PodCreateInput.model_validate({"imageName": "a", field: values})
    assert request.model_dump(by_alias=True)[field] == values


def test_every_field_is_described_in_words_of_our_own():
    theirs = " ".join(" ".join(schema.get("description", "").split()) for schema in documented().values())
    for name, schema in under_a_policy_without_limits()["properties"].items():
        sentences = [part.strip() for part in re.split(r"[.;:]\s", schema["description"]) if part.strip()]
        assert sentences, name
        for sentence in sentences:
            assert len(sentence.split()) < 5 or sentence.rstrip(".").casefold() not in theirs.casefold(), name
