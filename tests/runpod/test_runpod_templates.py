"""Templates over a faked wire, in both dialects."""

from __future__ import annotations

import logging
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
from runpod_mcp.runpod.templates import README_LENGTH, Template, TemplateChange, TemplateOrder

SECRET = "hunter2-hunter2"
IN_V2 = {
    "id": "t1",
    "name": "T",
    "image": "img",
    "disk": 5,
    "mounts": {"persistent": {"size": 10, "path": "/w"}},
    "ports": ["22/tcp"],
    "serverless": True,
    "public": False,
    "category": "NVIDIA",
    "env": {"TOKEN": SECRET},
    "registry": "r1",
    "args": "bash",
    "entrypoint": ["/bin/sh"],
    "cmd": ["-c", "x"],
    "startSsh": True,
    "startJupyter": False,
    "allowedCudaVersions": ["12.8"],
}
IN_V1 = {
    "id": "t1",
    "name": "T",
    "imageName": "img",
    "containerDiskInGb": 5,
    "volumeInGb": 10,
    "volumeMountPath": "/w",
    "ports": ["22/tcp"],
    "isServerless": True,
    "isPublic": False,
    "isRunpod": False,
    "category": "NVIDIA",
    "env": {"TOKEN": SECRET},
    "containerRegistryAuthId": "r1",
    "dockerEntrypoint": ["/bin/sh"],
    "dockerStartCmd": ["-c", "x"],
    "readme": "# T",
}
COMMON: dict[str, Any] = {
    "id": "t1",
    "name": "T",
    "image": "img",
    "container_disk_gb": 5,
    "volume_gb": 10,
    "volume_mount_path": "/w",
    "ports": ("22/tcp",),
    "serverless": True,
    "public": False,
    "category": "NVIDIA",
    "env_names": ("TOKEN",),
    "registry_id": "r1",
    "entrypoint": ("/bin/sh",),
    "start_command": ("-c", "x"),
}
READ = {
    V2: Template(**COMMON, args="bash", start_ssh=True, start_jupyter=False, allowed_cuda_versions=("12.8",)),
    V1: Template(**COMMON, official=False, readme="# T"),
}
BODIES: dict[str, Any] = {V2: IN_V2, V1: IN_V1}
BOTH = pytest.mark.parametrize("url", [V2, V1])


def templates(fake: FakeRunpod, url: str) -> Any:
    return api(fake, url).resources.templates


@BOTH
async def test_a_template_is_read_with_the_names_of_its_env_only(url: str) -> None:
    found = await templates(FakeRunpod(answer(200, BODIES[url])), url).get("t1")
    assert found == READ[url]
    assert SECRET not in repr(found)


@BOTH
async def test_own_templates_are_listed(url: str) -> None:
    body = {"templates": [IN_V2]} if url == V2 else [IN_V1]
    fake = FakeRunpod(answer(200, body))
    assert await templates(fake, url).list_all() == [READ[url]]
    assert fake.calls == [f"GET {'/v2' if url == V2 else '/v1'}/templates"]


async def test_v2_lists_public_templates_by_source_and_leaves_out_what_it_cannot_read() -> None:
    fake = FakeRunpod(answer(200, {"templates": [IN_V2, {"name": "no id"}, 3]}))
    assert await templates(fake, V2).list_public("verified") == [READ[V2]]
    assert fake.calls == ["GET /v2/catalog/templates?source=verified"]


async def test_v1_tells_public_templates_apart_by_what_it_says_of_them() -> None:
    listed = [
        IN_V1,
        IN_V1 | {"id": "official", "isRunpod": True},
        IN_V1 | {"id": "others", "isPublic": True},
        {"name": "no id"},
    ]
    fake = FakeRunpod(answer(200, listed))
    assert [one.id for one in await templates(fake, V1).list_public("official")] == ["official"]
    assert [one.id for one in await templates(fake, V1).list_public("community")] == ["others"]
    assert fake.calls == [
        "GET /v1/templates?includeRunpodTemplates=true",
        "GET /v1/templates?includePublicTemplates=true",
    ]
    with pytest.raises(Failure, match="v1 API has no list of verified templates"):
        await templates(fake, V1).list_public("verified")


@BOTH
async def test_a_public_list_that_is_none_is_unreadable(url: str) -> None:
    with pytest.raises(Failure, match="could not be read"):
        await templates(FakeRunpod(answer(200, {"templates": 3})), url).list_public("official")


async def test_a_create_says_what_v2_would_choose_otherwise() -> None:
    fake = FakeRunpod(answer(201, IN_V2))
    assert await templates(fake, V2).create(TemplateOrder(name="T", image="img")) == Made(READ[V2])
    assert fake.calls == ["POST /v2/templates"]
    assert fake.body() == {
        "name": "T",
        "image": "img",
        "serverless": False,
        "public": False,
        "category": "NVIDIA",
        "ports": [],
        "env": {},
    }


async def test_a_whole_create_in_v2() -> None:
    fake = FakeRunpod(answer(201, IN_V2))
    order = TemplateOrder(
        name="T",
        image="img",
        serverless=True,
        container_disk_gb=5,
        volume_gb=10,
        volume_mount_path="/w",
        ports=("22/tcp",),
        env={"TOKEN": SECRET},
        registry_id="r1",
        entrypoint=("/bin/sh",),
        start_command=("-c", "x"),
        start_ssh=True,
        start_jupyter=False,
        allowed_cuda_versions=("12.8",),
    )
    await templates(fake, V2).create(order)
    assert fake.body() == {key: value for key, value in IN_V2.items() if key not in ("id", "args")}
    assert SECRET not in repr(order)


async def test_a_create_in_v1_asks_for_no_volume_where_none_is_wanted() -> None:
    fake = FakeRunpod(answer(200, IN_V1))
    order = TemplateOrder(name="T", image="img", readme="# T", category="CPU", public=True)
    assert await templates(fake, V1).create(order) == Made(READ[V1])
    assert fake.body() == {
        "name": "T",
        "imageName": "img",
        "isServerless": False,
        "isPublic": True,
        "category": "CPU",
        "volumeInGb": 0,
        "volumeMountPath": "/workspace",
        "ports": [],
        "env": {},
        "readme": "# T",
    }


@BOTH
async def test_a_change_holds_only_what_is_to_change(url: str) -> None:
    fake = FakeRunpod(answer(200, BODIES[url]))
    change = TemplateChange(image="new", ports=(), env={}, start_command=())
    assert await templates(fake, url).update("t1", change) == Changed(READ[url])
    names = {V2: ("image", "cmd"), V1: ("imageName", "dockerStartCmd")}[url]
    assert fake.body() == {names[0]: "new", "ports": [], "env": {}, names[1]: []}


async def test_v2_takes_a_registry_out_of_a_template_and_v1_cannot() -> None:
    fake = FakeRunpod(answer(200, IN_V2))
    await templates(fake, V2).update("t1", TemplateChange(registry_id=""))
    assert fake.body() == {"registry": None}
    outcome = await templates(fake, V1).update("t1", TemplateChange(registry_id=""))
    assert isinstance(outcome, Refused)
    assert (outcome.field, len(fake.requests)) == ("containerRegistryAuthId", 1)


@pytest.mark.parametrize(
    ("url", "order", "field"),
    [
        (V2, TemplateOrder(name=" ", image="i"), "name"),
        (V1, TemplateOrder(name="n", image=""), "imageName"),
        (V2, TemplateOrder(name="n", image="i", readme="x"), "readme"),
        (V2, TemplateOrder(name="n", image="i", volume_gb=9), "volumeInGb"),
        (V1, TemplateOrder(name="n", image="i", start_ssh=True), "startSsh"),
        (V1, TemplateOrder(name="n", image="i", start_jupyter=False), "startJupyter"),
        (V1, TemplateOrder(name="n", image="i", allowed_cuda_versions=("12.8",)), "allowedCudaVersions"),
        (V2, TemplateChange(), None),
        (V1, TemplateChange(), None),
        (V2, TemplateChange(volume_gb=0), "volumeInGb"),
        (V2, TemplateChange(volume_gb=20), "volumeMountPath"),
        (V2, TemplateChange(volume_mount_path="/x"), "volumeMountPath"),
        (V1, TemplateChange(category="CPU"), "category"),
        (V1, TemplateChange(allowed_cuda_versions=()), "allowedCudaVersions"),
        (V1, TemplateChange(serverless=True), "isServerless"),
    ],
)
async def test_what_a_dialect_cannot_express_is_refused_and_not_sent(
    url: str, order: TemplateOrder | TemplateChange, field: str | None
) -> None:
    fake = FakeRunpod(answer(200, BODIES[url]))
    shelf = templates(fake, url)
    outcome = await (shelf.create(order) if isinstance(order, TemplateOrder) else shelf.update("t1", order))
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.field, fake.calls) == (Code.INVALID_ARGUMENTS, field, [])


@BOTH
async def test_runpods_words_about_a_template_with_env_are_withheld(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake = FakeRunpod(problem(422, f"$.env.TOKEN: {SECRET} is odd"))
    made = await templates(fake, url).create(TemplateOrder(name="n", image="i", env={"TOKEN": SECRET}))
    changed = await templates(fake, url).update("t1", TemplateChange(env={"TOKEN": SECRET}))
    assert isinstance(made, Refused)
    assert SECRET not in repr(made) + repr(changed) + caplog.text


@BOTH
async def test_a_404_to_a_change_that_names_a_registry_is_no_proof_that_the_template_is_gone(
    url: str,
) -> None:
    shelf = templates(FakeRunpod(answer(404, {"detail": "resource not found"})), url)
    named = await shelf.update("t1", TemplateChange(registry_id="r1"))
    assert isinstance(named, Refused)
    assert named.code is Code.NOT_FOUND
    assert await shelf.update("t1", TemplateChange(name="n")) == Gone()


@BOTH
async def test_a_change_whose_answer_is_lost_is_unknown(url: str) -> None:
    fake = FakeRunpod(httpx2.ReadTimeout("slow"))
    assert isinstance(await templates(fake, url).update("t1", TemplateChange(name="n")), Unknown)
    assert isinstance(await templates(fake, url).delete("t1"), Unknown)
    assert len(fake.requests) == 2


@BOTH
async def test_a_hostile_template_is_read_as_little(url: str) -> None:
    body = {
        "id": "t1",
        "name": {"$": 1},
        "ports": "22/tcp",
        "env": [["A", "B"]],
        "mounts": [],
        "readme": "x" * (README_LENGTH + 1),
        "category": 3,
        "isPublic": "yes",
        "public": 1,
    }
    found = await templates(FakeRunpod(answer(200, body)), url).get("t1")
    readme = "x" * README_LENGTH if url == V1 else None
    assert found == Template(id="t1", readme=readme)


words = st.text(st.characters(codec="utf-8"), max_size=8)
lists = st.lists(words, max_size=2).map(tuple)
COMMON_FIELDS: dict[str, Any] = {
    "container_disk_gb": st.none() | st.integers(1, 100),
    "volume_mount_path": words,
    "ports": lists,
    "env": st.dictionaries(words, words, max_size=2),
    "registry_id": st.none() | words,
    "entrypoint": lists,
    "start_command": lists,
    "public": st.booleans(),
    "serverless": st.booleans(),
    "category": st.sampled_from(["CPU", "NVIDIA", "AMD"]),
    "readme": st.none() | words,
    "start_ssh": st.none() | st.booleans(),
    "start_jupyter": st.none() | st.booleans(),
    "allowed_cuda_versions": st.lists(st.sampled_from(["12.8", "13.0"]), max_size=2).map(tuple),
    "volume_gb": st.integers(0, 30),
}
ORDERS = st.fixed_dictionaries({"name": words, "image": words}, optional=COMMON_FIELDS)
CHANGES = st.fixed_dictionaries({}, optional={"name": words, "image": words, **COMMON_FIELDS})


@needs_documents
@settings(max_examples=80, deadline=None)
@given(ORDERS, CHANGES)
async def test_whatever_is_sent_is_what_the_documents_allow(
    order: dict[str, Any], change: dict[str, Any]
) -> None:
    for url, document in ((V2, V2_DOCUMENT), (V1, V1_DOCUMENT)):
        fake = FakeRunpod(answer(201, BODIES[url]))
        shelf = templates(fake, url)
        made = await shelf.create(TemplateOrder(**order))
        changed = await shelf.update("t1", TemplateChange(**change))
        assert isinstance(made, Made | Refused)
        assert isinstance(changed, Changed | Refused)
        assert len(fake.requests) == isinstance(made, Made) + isinstance(changed, Changed)
        for request in fake.requests:
            check(document, request)
