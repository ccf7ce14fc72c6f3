"""Registry credentials over a faked wire: the login goes out once and never comes back."""

from __future__ import annotations

import logging
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from runpod_documents import V1_DOCUMENT, V2_DOCUMENT, needs_documents
from runpod_helpers import V1, V2, FakeRunpod, answer, api, problem
from runpod_rules import check

from runpod_mcp.errors import Failure
from runpod_mcp.runpod.registries import Registry, RegistryOrder
from runpod_mcp.runpod.results import Changed, Gone, Made, Refused, Unknown

BODY = {"id": "r1", "name": "docker", "username": "me", "password": "hunter2-hunter2"}
PATHS = {V2: "/v2/registries", V1: "/v1/containerregistryauth"}
BOTH = pytest.mark.parametrize("url", [V2, V1])
READ = Registry(id="r1", name="docker")


def order(name: str = "docker", username: str = "me", password: str = "hunter2-hunter2") -> RegistryOrder:
    return RegistryOrder(name=name, username=SecretStr(username), password=SecretStr(password))


def registries(fake: FakeRunpod, url: str) -> Any:
    return api(fake, url).resources.registries


@BOTH
async def test_a_credential_is_listed_and_found_without_its_login(url: str) -> None:
    listed: Any = {"registries": [BODY]} if url == V2 else [BODY]
    fake = FakeRunpod(answer(200, listed), answer(200, BODY))
    assert await registries(fake, url).list_all() == [READ]
    found = await registries(fake, url).get("r1")
    assert found == READ
    assert "hunter2" not in repr(found)
    assert fake.calls == [f"GET {PATHS[url]}", f"GET {PATHS[url]}/r1"]


@needs_documents
@BOTH
async def test_a_credential_is_made_as_the_document_wants_it(url: str) -> None:
    fake = FakeRunpod(answer(201, BODY))
    assert await registries(fake, url).create(order()) == Made(READ)
    assert fake.calls == [f"POST {PATHS[url]}"]
    assert fake.body() == {"name": "docker", "username": "me", "password": "hunter2-hunter2"}
    check(V2_DOCUMENT if url == V2 else V1_DOCUMENT, fake.requests[0])


@BOTH
@pytest.mark.parametrize(
    "response",
    [
        problem(422, "password hunter2-hunter2 is odd"),
        problem(400, "hunter2-hunter2", ["$.password: hunter2-hunter2"]),
        answer(500, {"error": "image hunter2-hunter2 is required", "status": 500}),
    ],
)
async def test_the_login_is_in_no_outcome_no_log_and_no_repr(
    url: str, response: httpx2.Response, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outcome = await registries(FakeRunpod(response), url).create(order())
    assert isinstance(outcome, Refused | Unknown)
    assert "hunter2" not in repr(outcome) + repr(order()) + caplog.text


@BOTH
@pytest.mark.parametrize("missing", ["name", "username", "password"])
async def test_a_login_that_is_not_whole_is_not_sent(url: str, missing: str) -> None:
    fake = FakeRunpod(answer(201, BODY))
    outcome = await registries(fake, url).create(order(**{missing: ""}))
    assert isinstance(outcome, Refused)
    assert (outcome.field, fake.calls) == (missing, [])


@BOTH
async def test_a_lost_answer_is_unknown_and_nothing_is_sent_again(url: str) -> None:
    fake = FakeRunpod(httpx2.ReadError("dropped"))
    assert isinstance(await registries(fake, url).create(order()), Unknown)
    assert len(fake.requests) == 1


@BOTH
async def test_a_credential_is_deleted_once(url: str) -> None:
    fake = FakeRunpod(
        answer(204), problem(400, "container registry auth r1 not found"), problem(400, "in use by a pod")
    )
    assert await registries(fake, url).delete("r1") == Changed(None)
    assert await registries(fake, url).delete("r1") == Gone()
    assert isinstance(await registries(fake, url).delete("r1"), Refused)


async def test_a_credential_without_an_id_cannot_be_read() -> None:
    with pytest.raises(Failure, match="could not be read"):
        await registries(FakeRunpod(answer(200, {"name": "x"})), V2).get("r1")
