"""Logins of private registries go in once and never come out: not in a reply, an error, a log or a file."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from front_door import FrontDoor, Said, front_door, toml_with

USER, PASSWORD = "ada-lovelace-7741", "hunter2-swordfish-9381"


@pytest.fixture(params=["v2", "v1"])
async def door(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FrontDoor]:
    async with front_door(tmp_path, dialect=request.param, toolsets=("core", "registries")) as opened:
        yield opened
        await opened.keep_promises()


async def store(door: FrontDoor, name: str = "docker hub", **more: Any) -> Said:
    login = {"username": USER, "password": PASSWORD}
    return await door.call("create_registry", **{"name": name, **login, **more})


def id_of(said: Said) -> str:
    assert said.ok, said.text
    return str(said.facts["registry"]["containerRegistryAuthId"])


def kept(door: FrontDoor) -> dict[str, Any]:
    """The credentials that Runpod itself keeps."""
    return door.sim.world.shelf.registries.all


async def test_a_login_is_stored_listed_by_name_and_deleted(door):
    made = id_of(await store(door))
    assert (kept(door)[made].username, kept(door)[made].password) == (USER, PASSWORD)
    listed = await door.call("list_registries")
    assert listed.facts == {
        "registries": [{"containerRegistryAuthId": made, "name": "docker hub"}],
        "total": 1,
    }
    assert made in listed.text
    assert "docker hub" in listed.text
    gone = await door.call("delete_registry", containerRegistryAuthId=made)
    assert gone.facts == {"containerRegistryAuthId": made}
    assert kept(door) == {}
    assert (await door.call("list_registries")).text == "0 registry credentials"


@pytest.mark.parametrize(
    "trouble",
    [
        {},
        {"kind": "invalid", "detail": f"$.password: {PASSWORD} of {USER} is odd"},
        {"kind": "error_before", "detail": f"image {PASSWORD} {USER} not found"},
        {"kind": "error_after", "detail": f"{PASSWORD} {USER}"},
        {"kind": "garbage"},
        {"kind": "drop_before"},
        {"kind": "no_capacity"},
        {"kind": "rate_limited"},
    ],
    ids=lambda trouble: trouble.get("kind", "none"),
)
async def test_the_login_never_comes_back(door, tmp_path, caplog, trouble):
    caplog.set_level(logging.DEBUG)
    if trouble:
        door.sim.faults.add("registry_create", **trouble)
    replies = [await store(door), await store(door), await door.call("list_registries")]
    if not trouble:
        replies.append(await door.call("delete_registry", containerRegistryAuthId=id_of(replies[0])))
    await door.house.ledger.close()
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir()).decode("latin-1")
    for place in ("".join(one.text + one.result.model_dump_json() for one in replies), caplog.text, files):
        assert PASSWORD not in place
        assert USER not in place


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"password": 9381774100}, "password"),
        ({"username": True}, "username"),
        ({"password": [PASSWORD]}, "password"),
        ({"password": {"value": PASSWORD}}, "password"),
        ({"password": None}, "password"),
        ({"password": ""}, "password"),
        ({"username": ""}, "username"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "x" * 192}, "name"),
        ({"pasword": PASSWORD}, "pasword"),
        ({"registry": "ghcr.io"}, "registry"),
    ],
)
async def test_a_wrong_argument_is_refused_without_repeating_a_secret(door, caplog, arguments, field):
    said = await store(door, **arguments)
    assert (said.code, said.facts["field"]) == ("invalid_arguments", field)
    for place in (said.text, said.result.model_dump_json(), caplog.text):
        assert not any(secret in place for secret in (PASSWORD, USER, "9381774100"))
    assert door.calls("registry_create") == 0


async def test_arguments_that_are_no_object_of_text_say_nothing_of_them():
    from pydantic import ValidationError

    from runpod_mcp.server.registry_tools import CreateRegistry

    with pytest.raises(ValidationError):
        CreateRegistry.model_validate([PASSWORD])
    asked = CreateRegistry.model_validate({"name": "x", "username": USER, "password": PASSWORD})
    assert PASSWORD not in repr(asked) + asked.model_dump_json()
    assert USER not in repr(asked) + asked.model_dump_json()


async def test_a_login_that_nobody_stored_here_is_left_alone_unless_a_person_allows_it(door):
    theirs = door.sim.world.shelf.registries.add("a person's", USER, PASSWORD).id
    said = await door.call("delete_registry", containerRegistryAuthId=theirs)
    assert (said.code, said.facts["retry"]) == ("not_managed", "never")
    assert "Registry credential" in said.text
    assert "manage_unmanaged under [pods]" in said.text
    assert theirs in kept(door)
    door.write_policy(toml_with(pods={"manage_unmanaged": True}))
    assert (await door.call("delete_registry", containerRegistryAuthId=theirs)).ok
    assert kept(door) == {}


async def test_a_login_that_was_stored_but_not_written_down_is_said_to_be_so(door, tmp_path):
    assert (await door.call("list_pods")).ok
    (tmp_path / "ledger.db").rename(tmp_path / "elsewhere.db")
    said = await store(door)
    (tmp_path / "elsewhere.db").rename(tmp_path / "ledger.db")
    (made,) = kept(door)
    assert (said.code, said.facts["retry"]) == ("ledger_unavailable", "never")
    assert f"Registry credential {made} was made, but that could not be written down" in said.text
    assert (await door.call("delete_registry", containerRegistryAuthId=made)).code == "not_managed"


async def test_a_taken_name_is_refused_in_our_words(door):
    await store(door)
    again = await store(door)
    assert (again.code, again.facts["field"]) == ("conflict", "name")
    assert door.calls("registry_create") == 1


@pytest.mark.parametrize("fault", ["drop_after", "error_after", "hang_after", "garbage"])
async def test_a_login_whose_answer_was_lost_is_found_by_its_name(door, fault):
    door.sim.faults.add("registry_create", fault, times=1)
    assert id_of(await store(door)) in kept(door)
    assert door.calls("registry_create") == 1


@pytest.mark.parametrize("lists_fail", [True, False])
async def test_a_login_that_does_not_show_may_or_may_not_be_there(door, lists_fail):
    door.sim.faults.add("registry_create", "drop_before", times=1)
    if lists_fail:
        door.sim.faults.add("registry_list", "unavailable", skip=1, times=100)
    said = await store(door)
    assert (said.code, said.facts["retry"]) == ("outcome_unknown", "never")
    assert "list_registries" in said.text
    assert "costs nothing" in said.text
    assert door.calls("registry_create") == 1


async def test_a_login_that_a_pod_pulls_with_is_kept(door):
    made = id_of(await store(door))
    pod = await door.create(containerRegistryAuthId=made)
    said = await door.call("delete_registry", containerRegistryAuthId=made)
    assert said.code == "conflict"
    assert "still in use" in said.text
    assert "Nothing was deleted" in said.text
    assert made in kept(door)
    await door.call("delete_pod", podId=pod.pod_id)
    assert (await door.call("delete_registry", containerRegistryAuthId=made)).ok


async def test_what_is_not_there_or_no_id_is_not_deleted(door):
    made = id_of(await store(door))
    await door.call("delete_registry", containerRegistryAuthId=made)
    assert (await door.call("delete_registry", containerRegistryAuthId=made)).code == "not_found"
    for odd in ("../x", "", "a b", "x" * 65):
        assert (await door.call("delete_registry", containerRegistryAuthId=odd)).code == "invalid_arguments"
    assert door.calls("registry_delete") == 1


@pytest.mark.parametrize("fault", ["drop_after", "error_after"])
async def test_a_delete_whose_answer_was_lost_is_looked_up(door, fault):
    made = id_of(await store(door))
    door.sim.faults.add("registry_delete", fault, times=1)
    assert (await door.call("delete_registry", containerRegistryAuthId=made)).ok
    assert door.calls("registry_delete") == 1


async def test_a_delete_that_did_nothing_is_not_called_done(door):
    made = id_of(await store(door))
    door.sim.faults.add("registry_delete", "ignored", times=1)
    door.sim.faults.add("registry_list", "unauthorized", skip=1, times=1)
    said = await door.call("delete_registry", containerRegistryAuthId=made)
    assert (said.code, said.facts["retry"]) == ("runpod_unavailable", "later")
    assert (await door.call("delete_registry", containerRegistryAuthId=made)).ok


async def test_a_refused_delete_is_said_as_such(door):
    made = id_of(await store(door))
    door.sim.faults.add("registry_delete", "forbidden", times=1)
    said = await door.call("delete_registry", containerRegistryAuthId=made)
    assert said.code == "unauthorized"
    assert "Nothing was deleted" in said.text
    door.sim.faults.add("registry_delete", "no_capacity", times=1)
    assert (await door.call("delete_registry", containerRegistryAuthId=made)).code in (
        "runpod_unavailable",
        "invalid_request",
    )


@pytest.mark.parametrize("tool", ["create_registry", "delete_registry"])
async def test_a_tool_that_needs_a_yes_is_not_done_without(door, tool):
    made = id_of(await store(door, "first"))
    door.write_policy(toml_with(approval={"tools": [tool]}))
    said = (
        await store(door)
        if tool == "create_registry"
        else await door.call(tool, containerRegistryAuthId=made)
    )
    assert said.code == "approval_required"
    assert list(kept(door)) == [made]


async def test_names_from_outside_are_cleaned_and_pages_are_bounded(door):
    for number in range(60):
        door.sim.world.shelf.registries.add(f"r{number:02}\x1b[2J\n" + "x" * 90, USER, PASSWORD)
    first = await door.call("list_registries")
    assert (first.facts["total"], len(first.facts["registries"])) == (60, 50)
    assert all(ord(letter) >= 32 or letter == "\n" for letter in first.text)
    assert len(first.text.splitlines()) == 52
    rest = await door.call("list_registries", cursor=first.facts["nextCursor"])
    assert len(rest.facts["registries"]) == 10
    assert "nextCursor" not in rest.facts
    other = await door.call("list_registries", cursor="networkVolumes-50")
    assert (other.code, other.facts["field"]) == ("invalid_arguments", "cursor")


async def test_an_unreadable_list_is_no_empty_list(door):
    door.sim.faults.add("registry_list", "unauthorized", times=10)
    assert (await door.call("list_registries")).code == "unauthorized"
    assert (await store(door)).code == "unauthorized"
    assert door.calls("registry_create") == 0
