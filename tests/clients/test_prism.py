"""Runpod's own documents, played by Prism: every tool's calls are accepted, and every answer is understood or refused in words of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from clients_prism import DOCUMENTS, Exchange, door_to, prism
from front_door import IMAGE, KEY, RTX_4090, FrontDoor, Said
from prism_story import BELOW, NEWER, NO_GOOD_ANSWER, OF_THE_JOB_HOST, STORIES, Step

from runpod_mcp.config import TOOLSETS
from runpod_mcp.runpod.api import Done
from runpod_mcp.runpod.results import Changed, Gone, Made
from runpod_mcp.server.toolsets import tools_of

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(not DOCUMENTS["v2"].is_file(), reason="Runpod's API documents are not here"),
]


@pytest.fixture(scope="module", params=["v2", "v1"])
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, int]]:
    """A dialect, and the port where Prism plays its document."""
    with prism(request.param, tmp_path_factory.mktemp("prism")) as port:
        yield request.param, port


@pytest.fixture(scope="module")
def played_v2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with prism("v2", tmp_path_factory.mktemp("prism")) as port:
        yield port


def operation(seen: Exchange) -> str:
    """`GET /v2/pods/{id}`: what an exchange was about."""
    path = seen.path.partition("?")[0]
    things = "pods|workers|network-volumes|networkvolumes|templates|registries|containerregistryauth|serverless|endpoints"
    path = re.sub(rf"(?<!billing)(?<!catalog)/({things})/[^/]+", r"/\1/{id}", path)
    return f"{seen.method} {path}"


def accepted(seen: list[Exchange]) -> None:
    """Prism found nothing wrong with any request, and answered each as Runpod would."""
    wrong = [
        str(one) for one in seen if one.wrong or (one.status >= 400 and operation(one) not in NO_GOOD_ANSWER)
    ]
    assert wrong == []


def id_in(said: Said) -> str:
    """The id of what was made."""
    things = ("pod", "networkVolume", "template", "registry")
    (thing,) = [said.facts[name] for name in things if name in said.facts]
    names = ("podId", "networkVolumeId", "templateId", "containerRegistryAuthId")
    return next(str(thing[name]) for name in names if name in thing)


def test_every_tool_has_a_step() -> None:
    called = {step.tool for story in STORIES.values() for step in story}
    assert called | set(OF_THE_JOB_HOST) == {spec.name for spec in tools_of(TOOLSETS)}


async def take(step: Step, dialect: str, door: FrontDoor, made: dict[str, str]) -> None:
    """Call one tool, which must end as the step says."""
    arguments: dict[str, Any] = {
        name: made.get(value, "abc") if isinstance(value, str) and value.startswith("<") else value
        for name, value in step.arguments.items()
    }
    said = await door.call(step.tool, **arguments)
    assert said.code == step.codes.get(dialect), f"{step.tool}: {said.text}"
    if step.keeps and said.ok:
        made[step.keeps] = id_in(said)


@pytest.mark.parametrize("story", STORIES)
async def test_every_tool_sends_what_the_document_takes_and_reads_what_it_answers(
    played: tuple[str, int], story: str, tmp_path: Path
) -> None:
    dialect, port = played
    made: dict[str, str] = {}
    async with door_to(port, dialect, tmp_path) as (door, through):
        for step in STORIES[story]:
            before = len(through.seen)
            await take(step, dialect, door, made)
            sent = [operation(one) for one in through.seen[before:]]
            assert step.sends(dialect) is None or step.sends(dialect) in sent, f"{step.tool} sent {sent}"
    accepted(through.seen)


SENT_BELOW = [
    (dialect, call) for dialect in DOCUMENTS for call, (_, *sent) in BELOW.items() if sent[dialect == "v1"]
]


@pytest.mark.parametrize(("played", "call"), SENT_BELOW, indirect=["played"])
async def test_what_no_tool_reaches_here_is_taken_from_the_layer_below(
    played: tuple[str, int], call: str, tmp_path: Path
) -> None:
    dialect, port = played
    send, *expected = BELOW[call]
    wanted = expected[dialect == "v1"]
    async with door_to(port, dialect, tmp_path) as (door, through):
        outcome = await send(door.house.api)
    accepted(through.seen)
    assert wanted in map(operation, through.seen)
    if not wanted.startswith("GET"):
        assert isinstance(outcome, Made | Changed | Gone | Done), outcome


@pytest.mark.parametrize(
    ("field", "tool", "arguments"), NEWER, ids=[f"{one[0]} of {one[1]}" for one in NEWER]
)
async def test_a_field_that_came_after_the_document_is_sent_and_its_refusal_told_in_our_words(
    played_v2: int, field: str, tool: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    """When this fails the document has caught up, and the row can go."""
    async with door_to(played_v2, "v2", tmp_path) as (door, through):
        said = await door.call(tool, **arguments)
    (refused,) = [one for one in through.seen if one.wrong]
    assert (refused.method, refused.status) == ("POST", 422)
    assert len(refused.wrong) == 1, str(refused)
    assert refused.wrong[0].endswith(f"unevaluated properties: '{field}'"), str(refused)
    assert said.code == "invalid_request", said.text


async def test_prism_itself_finds_what_is_wrong(played_v2: int, tmp_path: Path) -> None:
    async with door_to(played_v2, "v2", tmp_path) as (_, through):
        for body in ({"name": "x"}, {"name": "x", "image": IMAGE, "gpu": {"id": RTX_4090, "amount": 1}}):
            asked = httpx2.Request(
                "POST", "http://simulator/v2/pods", json=body, headers={"Authorization": f"Bearer {KEY}"}
            )
            answer = await through.handle_async_request(asked)
            assert answer.status_code == 422
    assert all(one.wrong for one in through.seen)
    assert len(through.seen) == 2
