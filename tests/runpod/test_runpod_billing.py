"""Charges over a faked wire: every row is read, or none is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from runpod_documents import V1_DOCUMENT, V2_DOCUMENT, needs_documents
from runpod_helpers import V1, V2, FakeRunpod, answer, api, problem
from runpod_rules import check

from runpod_mcp.errors import Code, Failure
from runpod_mcp.money import Usd
from runpod_mcp.runpod.billing import BillingQuestion, BillingRow

START, END = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)
TIMES = {"startTime": "2026-11-01T00:00:00Z", "endTime": "2026-11-02T00:00:00Z"}


def billing(fake: FakeRunpod, url: str) -> Any:
    return api(fake, url).resources.billing


def question(subject: Any, **fields: Any) -> BillingQuestion:
    return BillingQuestion(subject=subject, **fields)


V2_ROWS = [
    ("everything", "", {"podGpuAmount": 1, "storageHighPerformanceAmount": 0.5}, None),
    ("pods", "/pods", {"podId": "x", "gpuAmount": 1.0000001, "diskAmount": 0}, "x"),
    ("serverless", "/serverless", {"serverlessId": "x", "feeAmount": 0.1}, "x"),
    ("public_endpoints", "/endpoints", {}, None),
    ("network_volumes", "/network-volumes", {"networkVolumeId": "x", "standardAmount": 2}, "x"),
    ("clusters", "/clusters", {"clusterId": "x", "networkingAmount": 2}, "x"),
]


@needs_documents
@pytest.mark.parametrize(("subject", "path", "fields", "resource"), V2_ROWS)
async def test_v2_has_a_path_for_every_subject(
    subject: str, path: str, fields: dict[str, Any], resource: str | None
) -> None:
    fake = FakeRunpod(answer(200, {"records": [{**TIMES, "totalAmount": 1.2345671, **fields}]}))
    [row] = await billing(fake, V2).read(question(subject, start=START, end=END, bucket="hour"))
    assert (row.start, row.end, row.resource_id) == (START, END, resource)
    assert row.amount == 1_234_568
    assert len(row.parts) == sum(name.endswith("Amount") for name in fields)
    assert fake.calls == [
        f"GET /v2/billing{path}?startTime=2026-11-01T00%3A00%3A00Z&endTime=2026-11-02T00%3A00%3A00Z"
        "&bucketSize=hour"
    ]
    check(V2_DOCUMENT, fake.requests[0])


async def test_the_parts_of_an_amount_have_plain_names_and_round_up() -> None:
    body = {
        **TIMES,
        "totalAmount": 0.3,
        "gpuAmount": 0.1000001,
        "highPerformanceAmount": -0.5,
        "Odd Amount": "x",
    }
    [row] = await billing(FakeRunpod(answer(200, {"records": [body]})), V2).read(question("pods"))
    assert row.parts == {"gpu": 100_001, "high_performance": -500_000}


@needs_documents
@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("pods", "podId"),
        ("serverless", "serverlessId"),
        ("network_volumes", "networkVolumeId"),
        ("clusters", "clusterId"),
    ],
)
async def test_v2_asks_for_one_resource_by_its_name(subject: str, name: str) -> None:
    fake = FakeRunpod(answer(200, {"records": []}))
    assert await billing(fake, V2).read(question(subject, resource_id="a b")) == []
    assert fake.calls[0].endswith(f"?bucketSize=day&{name}=a+b")
    check(V2_DOCUMENT, fake.requests[0])


@needs_documents
@pytest.mark.parametrize(
    ("subject", "group", "call"),
    [
        ("pods", "resource", "/v1/billing/pods?bucketSize=week&grouping=podId&podId=x"),
        ("pods", "gpu_type", "/v1/billing/pods?bucketSize=week&grouping=gpuTypeId&podId=x"),
        ("serverless", "resource", "/v1/billing/endpoints?bucketSize=week&grouping=endpointId&endpointId=x"),
    ],
)
async def test_v1_sums_by_resource_or_by_gpu_type(subject: str, group: Any, call: str) -> None:
    body = {
        "amount": 1.5,
        "time": "2026-11-01 00:00:00",
        "timeBilledMs": 3_600_001,
        "diskSpaceBilledGb": 50,
        "podId": "x",
        "endpointId": "x",
        "gpuTypeId": "NVIDIA L4",
    }
    fake = FakeRunpod(answer(200, [body]))
    asked = question(subject, group=group, bucket="week", resource_id="x")
    assert await billing(fake, V1).read(asked) == [
        BillingRow(
            start=START,
            amount=Usd(1_500_000),
            resource_id="x",
            gpu_type_id="NVIDIA L4",
            seconds=3601,
            disk_gb=50,
        )
    ]
    assert fake.calls == [f"GET {call}"]
    check(V1_DOCUMENT, fake.requests[0])


@needs_documents
async def test_v1_bills_all_volumes_in_one_sum() -> None:
    body = {"amount": 3, "time": "2026-11-01T00:00:00Z", "highPerformanceStorageAmount": 1}
    fake = FakeRunpod(answer(200, [body]))
    [row] = await billing(fake, V1).read(question("network_volumes", start=START))
    assert (row.amount, row.parts, row.seconds) == (3_000_000, {"high_performance": 1_000_000}, None)
    assert fake.calls == ["GET /v1/billing/networkvolumes?startTime=2026-11-01T00%3A00%3A00Z&bucketSize=day"]
    check(V1_DOCUMENT, fake.requests[0])


@pytest.mark.parametrize(
    ("url", "asked", "field"),
    [
        (V2, question("pods", group="gpu_type"), "grouping"),
        (V2, question("everything", resource_id="x"), "resourceId"),
        (V2, question("public_endpoints", resource_id="x"), "resourceId"),
        (V2, question("pods", start=END, end=START), "endTime"),
        (V1, question("pods", start=END, end=END), "endTime"),
        (V1, question("everything"), "subject"),
        (V1, question("clusters"), "subject"),
        (V1, question("network_volumes", resource_id="x"), "resourceId"),
        (V1, question("network_volumes", group="gpu_type"), "grouping"),
    ],
)
async def test_what_a_dialect_cannot_answer_is_not_asked(
    url: str, asked: BillingQuestion, field: str
) -> None:
    fake = FakeRunpod(answer(200, []))
    with pytest.raises(Failure) as caught:
        await billing(fake, url).read(asked)
    assert (caught.value.code, caught.value.field) == (Code.INVALID_ARGUMENTS, field)
    assert fake.calls == []


GOOD_V2: dict[str, Any] = {**TIMES, "totalAmount": 1}
GOOD_V1: dict[str, Any] = {"time": "2026-11-01", "amount": 1}


@pytest.mark.parametrize("amount", ["1.5", None, True, [], 10**30])
async def test_an_amount_that_is_no_amount_spoils_the_charges(amount: Any) -> None:
    for url, body in (
        (V2, {"records": [GOOD_V2, GOOD_V2 | {"totalAmount": amount}]}),
        (V1, [GOOD_V1, GOOD_V1 | {"amount": amount}]),
    ):
        with pytest.raises(Failure, match="charges could not be read"):
            await billing(FakeRunpod(answer(200, body)), url).read(question("pods"))


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (V2, []),
        (V2, {"records": None}),
        (V2, {"records": [3]}),
        (V2, {"records": [GOOD_V2 | {"startTime": "soon"}]}),
        (V1, {"records": []}),
        (V1, [GOOD_V1 | {"time": None}]),
    ],
)
async def test_charges_that_cannot_be_read_whole_are_no_charges(url: str, body: Any) -> None:
    with pytest.raises(Failure, match="charges could not be read"):
        await billing(FakeRunpod(answer(200, body)), url).read(question("pods"))


async def test_a_read_is_tried_again_and_a_refusal_is_said() -> None:
    fake = FakeRunpod(answer(503), answer(200, {"records": []}))
    assert await billing(fake, V2).read(question("pods")) == []
    with pytest.raises(Failure) as caught:
        await billing(FakeRunpod(problem(403, "access denied")), V2).read(question("pods"))
    assert caught.value.code is Code.UNAUTHORIZED
