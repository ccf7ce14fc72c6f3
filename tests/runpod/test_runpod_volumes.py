"""Network volumes over a faked wire, in both dialects."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from runpod_documents import V1_DOCUMENT, V2_DOCUMENT, needs_documents
from runpod_helpers import V1, V2, FakeRunpod, answer, api, problem
from runpod_rules import check

from runpod_mcp.errors import Code, Failure
from runpod_mcp.runpod.results import Changed, Gone, Made, Refused, Unknown
from runpod_mcp.runpod.volumes import NetworkVolume, VolumeChange, VolumeOrder

IN_V2 = {"id": "v1", "name": "data", "size": 50, "dataCenter": "EU-RO-1", "type": "HIGH_PERFORMANCE"}
IN_V1 = {"id": "v1", "name": "data", "size": 50, "dataCenterId": "EU-RO-1"}
PATHS = {V2: "/v2/network-volumes", V1: "/v1/networkvolumes"}
BODIES = {V2: IN_V2, V1: IN_V1}
LISTS: dict[str, Any] = {V2: {"networkVolumes": [IN_V2]}, V1: [IN_V1]}
BOTH = pytest.mark.parametrize("url", [V2, V1])


def read(url: str) -> NetworkVolume:
    tier: Any = "HIGH_PERFORMANCE" if url == V2 else None
    return NetworkVolume(id="v1", name="data", size_gb=50, data_center_id="EU-RO-1", tier=tier)


def volumes(fake: FakeRunpod, url: str) -> Any:
    return api(fake, url).resources.volumes


def order(**fields: Any) -> VolumeOrder:
    return VolumeOrder(**({"name": "data", "size_gb": 50, "data_center_id": "EU-RO-1"} | fields))


@BOTH
async def test_a_volume_is_listed_and_found_by_its_id(url: str) -> None:
    fake = FakeRunpod(answer(200, LISTS[url]), answer(200, BODIES[url]))
    assert await volumes(fake, url).list_all() == [read(url)]
    assert await volumes(fake, url).get("v/1") == read(url)
    assert fake.calls == [f"GET {PATHS[url]}", f"GET {PATHS[url]}/v%2F1"]


@BOTH
async def test_a_volume_that_is_not_there_is_none(url: str) -> None:
    fake = FakeRunpod(answer(404, {"detail": "resource not found"}))
    assert await volumes(fake, url).get("v1") is None
    assert await volumes(fake, url).get("..") is None
    assert len(fake.requests) == 1


async def test_v2_makes_a_volume_of_a_tier() -> None:
    fake = FakeRunpod(answer(201, IN_V2))
    outcome = await volumes(fake, V2).create(order(tier="HIGH_PERFORMANCE"))
    assert outcome == Made(read(V2))
    assert fake.calls == ["POST /v2/network-volumes"]
    assert fake.body() == {
        "name": "data",
        "size": 50,
        "dataCenter": "EU-RO-1",
        "type": "HIGH_PERFORMANCE",
    }


async def test_v1_makes_a_volume_and_refuses_a_tier() -> None:
    fake = FakeRunpod(answer(200, IN_V1))
    assert await volumes(fake, V1).create(order()) == Made(read(V1))
    assert fake.body() == {"name": "data", "size": 50, "dataCenterId": "EU-RO-1"}
    outcome = await volumes(fake, V1).create(order(tier="STANDARD"))
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.field) == (Code.INVALID_ARGUMENTS, "tier")
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("url", "wrong", "field"),
    [
        (V2, {"size_gb": 9}, "size"),
        (V2, {"size_gb": 4097}, "size"),
        (V1, {"size_gb": 0}, "size"),
        (V1, {"size_gb": 4001}, "size"),
        (V2, {"name": " "}, "name"),
        (V1, {"name": ""}, "name"),
        (V2, {"data_center_id": "eu-ro-1"}, "dataCenterId"),
        (V1, {"data_center_id": ""}, "dataCenterId"),
    ],
)
async def test_an_order_that_cannot_be_had_is_not_sent(url: str, wrong: dict[str, Any], field: str) -> None:
    fake = FakeRunpod(answer(201, IN_V2))
    outcome = await volumes(fake, url).create(order(**wrong))
    assert isinstance(outcome, Refused)
    assert (outcome.field, fake.calls) == (field, [])
    assert outcome.message.endswith("Nothing was sent.")


@BOTH
async def test_a_volume_is_renamed_and_grown(url: str) -> None:
    fake = FakeRunpod(answer(200, BODIES[url]))
    change = VolumeChange(name="new", size_gb=60)
    assert await volumes(fake, url).update("v1", change) == Changed(read(url))
    assert fake.calls == [f"PATCH {PATHS[url]}/v1"]
    assert fake.body() == {"name": "new", "size": 60}


@BOTH
async def test_a_change_of_nothing_is_not_sent(url: str) -> None:
    fake = FakeRunpod(answer(200, BODIES[url]))
    outcome = await volumes(fake, url).update("v1", VolumeChange())
    assert isinstance(outcome, Refused)
    assert fake.calls == []


@BOTH
async def test_a_deleted_volume_is_gone_the_second_time(url: str) -> None:
    fake = FakeRunpod(answer(204), answer(404, {"error": "network volume not found"}))
    assert await volumes(fake, url).delete("v1") == Changed(None)
    assert await volumes(fake, url).delete("v1") == Gone()
    assert await volumes(fake, url).delete(".") == Gone()
    assert fake.calls == [f"DELETE {PATHS[url]}/v1"] * 2


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (problem(400, "network volume v1 not found"), Gone),
        (problem(400, "volume is attached to a pod"), Refused),
        (problem(404, "The requested path was not found."), Refused),
        (problem(409, "in use"), Refused),
    ],
)
async def test_a_400_that_says_so_means_gone_and_any_other_does_not(
    response: httpx2.Response, kind: type
) -> None:
    assert isinstance(await volumes(FakeRunpod(response), V2).delete("v1"), kind)


@BOTH
@pytest.mark.parametrize(
    "lost",
    [
        httpx2.ReadTimeout("slow"),
        httpx2.RemoteProtocolError("dropped"),
        answer(500, {"error": "oops"}),
        answer(502),
        answer(200, {"name": "no id"}),
        answer(200, ["not", "a", "volume"]),
        httpx2.Response(200, content=b"<html>"),
    ],
)
async def test_a_create_whose_answer_is_lost_is_unknown_and_sent_once(url: str, lost: Any) -> None:
    fake = FakeRunpod(lost)
    assert isinstance(await volumes(fake, url).create(order()), Unknown)
    assert len(fake.requests) == 1


async def test_a_create_that_never_left_is_refused() -> None:
    outcome = await volumes(FakeRunpod(httpx2.ConnectError("no route")), V2).create(order())
    assert isinstance(outcome, Refused)
    assert outcome.code is Code.RUNPOD_UNAVAILABLE


async def test_a_500_of_v1_is_unknown_with_what_its_words_look_like() -> None:
    response = answer(500, {"error": "create network volume: size must be larger", "status": 500})
    outcome = await volumes(FakeRunpod(response), V1).create(order())
    assert isinstance(outcome, Unknown)
    assert isinstance(outcome.looks_like, Refused)


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (V2, []),
        (V2, {"networkVolumes": None}),
        (V2, {"networkVolumes": [IN_V2, {"name": "no id"}]}),
        (V2, {"networkVolumes": [IN_V2], "pagination": {"hasNextPage": True}}),
        (V2, {"networkVolumes": [], "pagination": {"nextCursor": "same"}}),
        (V1, {}),
        (V1, [IN_V1, 3]),
        (V1, [{"id": ".."}]),
    ],
)
async def test_a_list_that_cannot_be_read_whole_is_no_list(url: str, body: Any) -> None:
    with pytest.raises(Failure, match=r"could not be read|has no end"):
        await volumes(FakeRunpod(answer(200, body)), url).list_all()


async def test_pages_are_followed_and_a_volume_seen_twice_is_one() -> None:
    pages = [
        {"networkVolumes": [IN_V2], "pagination": {"nextCursor": "a"}},
        {"networkVolumes": [IN_V2, IN_V2 | {"id": "v2"}]},
    ]
    fake = FakeRunpod(*(answer(200, page) for page in pages))
    assert [one.id for one in await volumes(fake, V2).list_all()] == ["v1", "v2"]
    assert fake.calls[1] == "GET /v2/network-volumes?cursor=a"


@BOTH
async def test_odd_fields_are_none(url: str) -> None:
    body = {"id": "v1", "name": 3, "size": "many", "dataCenter": {}, "dataCenterId": [], "type": "NEW"}
    assert await volumes(FakeRunpod(answer(200, body)), url).get("v1") == NetworkVolume(id="v1")


@BOTH
async def test_one_volume_that_is_none_at_all_is_unreadable(url: str) -> None:
    with pytest.raises(Failure, match="network volume could not be read"):
        await volumes(FakeRunpod(answer(200, {"id": 3})), url).get("v1")


sizes = st.integers(-5, 5000)
names = st.text(st.characters(codec="utf-8"), max_size=12)


@needs_documents
@settings(max_examples=60, deadline=None)
@given(name=names, size=sizes, tier=st.sampled_from([None, "STANDARD", "HIGH_PERFORMANCE"]), place=names)
async def test_whatever_is_sent_is_what_the_documents_allow(
    name: str, size: int, tier: Any, place: str
) -> None:
    wanted = VolumeOrder(name=name, size_gb=size, data_center_id=place, tier=tier)
    for url, document in ((V2, V2_DOCUMENT), (V1, V1_DOCUMENT)):
        fake = FakeRunpod(answer(201, BODIES[url]))
        made = await volumes(fake, url).create(wanted)
        changed = await volumes(fake, url).update("v1", VolumeChange(name=name, size_gb=size))
        assert isinstance(made, Made | Refused)
        assert isinstance(changed, Changed | Refused)
        assert len(fake.requests) == isinstance(made, Made) + isinstance(changed, Changed)
        for request in fake.requests:
            check(document, request)
