"""A person says yes or no: through the client's dialog in both eras, or at the command line; good once, for one request."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from front_door import A4000, IMAGE, L4, RTX_4090, FrontDoor, Said, front_door, toml_with
from mcp_types import ElicitRequestParams, ElicitResult

from runpod_mcp.config import TOOLSETS
from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.approval import MOST_OPEN, Call, request_hash
from runpod_mcp.flows.looking import Acted, looking
from runpod_mcp.flows.remembered import without_secrets
from runpod_mcp.ledger.approvals import Approval, ApprovalState

DEAR = toml_with(approval={"above_usd_per_hour": 0.40})
DELETES = toml_with(approval={"tools": ["delete_pod"]})
ASK_ELSEWHERE = toml_with(approval={"above_usd_per_hour": 0.40, "via": "out_of_band"})


class Person:
    """Answers dialogs, and remembers what was asked."""

    def __init__(self, answer: Callable[[str], ElicitResult]) -> None:
        self.questions: list[str] = []
        self._answer = answer

    async def __call__(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
        self.questions.append(params.message)
        return self._answer(params.message)


def says(allow: bool) -> Person:
    return Person(lambda _: ElicitResult(action="accept", content={"allow": allow}))


def does(action: Any) -> Person:
    return Person(lambda _: ElicitResult(action=action))


@asynccontextmanager
async def before(
    person: Person | None, folder: Path, policy: str = DEAR, **more: Any
) -> AsyncIterator[FrontDoor]:
    async with front_door(folder, policy, person=person, **more) as door:
        yield door
        await door.keep_promises()


async def waiting(door: FrontDoor) -> list[Approval]:
    return list(await door.house.ledger.open_approvals(door.house.now()))


async def answer(door: FrontDoor, yes: bool = True) -> Approval:
    """What a person does at the command line."""
    (one,) = [one for one in await waiting(door) if one.state is ApprovalState.WAITING]
    state = ApprovalState.APPROVED if yes else ApprovalState.DENIED
    return await door.house.ledger.answer(one.code, state, "cli", door.house.now())


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_a_yes_in_the_clients_dialog_rents_the_pod(tmp_path, era):
    person = says(True)
    async with before(person, tmp_path, mode=era) as door:
        said = await door.create()
        assert said.ok, said.text
        assert len(person.questions) == 1
        for word in ("create_pod", L4, "$0.4997/h", "because it costs more than $0.40 per hour"):
            assert word in person.questions[0]
        assert door.created == 1


async def test_a_no_in_the_clients_dialog_is_a_no_and_is_not_asked_again(tmp_path, era):
    person = says(False)
    async with before(person, tmp_path, mode=era) as door:
        for _ in range(3):
            said = await door.create()
            assert (said.code, said.facts["retry"]) == ("approval_denied", "never")
        assert len(person.questions) == 1
        assert door.create_calls == 0


def answers(content: Any) -> Person:
    return Person(lambda _: ElicitResult(action="accept", content=content))


@pytest.mark.parametrize(
    "person",
    [does("decline"), does("cancel"), answers(None), answers({}), answers({"allow": "perhaps"})],
    ids=["decline", "cancel", "nothing", "empty", "nonsense"],
)
async def test_a_dialog_that_brings_no_answer_leaves_the_question_to_the_command_line(tmp_path, era, person):
    person = Person(person._answer)
    async with before(person, tmp_path, mode=era) as door:
        for _ in range(3):
            said = await door.create()
            assert (said.code, said.facts["retry"]) == ("approval_required", "later")
            (one,) = await waiting(door)
            assert f"runpod-mcp approve {one.code}" in said.text
            assert "dialog brought no yes" in said.text
        assert len(person.questions) == 1, "the dialog is not shown again"
        assert door.create_calls == 0
        await answer(door)
        assert (await door.create()).ok
        assert (await door.create()).code == "approval_required", (
            "the next question is put in the dialog again"
        )
        assert len(person.questions) == 2


async def test_a_client_that_answers_a_dialog_with_an_error_is_told_what_the_person_should_run(tmp_path):
    def broken(_: str) -> ElicitResult:
        raise RuntimeError("no dialog here after all")

    async with before(Person(broken), tmp_path, mode="legacy") as door:
        said = await door.create()
        (one,) = await waiting(door)
        assert said.code == "approval_required"
        assert f"runpod-mcp approve {one.code}" in said.text
        assert door.create_calls == 0


async def test_what_needs_no_yes_is_not_asked_for(tmp_path, era):
    person = says(True)
    async with before(person, tmp_path, mode=era) as door:
        assert (await door.create(A4000)).ok
        assert (await door.create(L4, dryRun=True)).ok
        assert (await door.create("NVIDIA H100 80GB HBM3")).code == "gpu_not_allowed"
        assert (await door.create(gpuCounts=2)).code == "invalid_arguments"
        assert person.questions == []


async def test_a_client_without_a_dialog_is_told_what_the_person_should_run(tmp_path, era):
    async with before(None, tmp_path, mode=era) as door:
        said = await door.create()
        assert (said.code, said.facts["retry"]) == ("approval_required", "later")
        (one,) = await waiting(door)
        assert f"runpod-mcp approve {one.code}" in said.text
        assert "same arguments" in said.text
        assert door.create_calls == 0
        again = await door.create()
        assert f"runpod-mcp approve {one.code}" in again.text, "the same question, not a second one"
        await answer(door)
        assert (await door.create()).ok
        assert door.created == 1


async def test_a_yes_is_good_once(tmp_path):
    async with before(None, tmp_path) as door:
        await door.create()
        await answer(door)
        assert (await door.create()).ok
        assert (await door.create()).code == "approval_required"
        assert door.created == 1


async def test_a_yes_is_good_for_the_very_same_arguments_only(tmp_path):
    async with before(None, tmp_path) as door:
        await door.create(env={"A": "1"})
        await answer(door)
        for other in (
            {"env": {"A": "2"}},
            {"env": {"A": "1", "B": "2"}},
            {"env": {"A": "1"}, "imageName": "runpod/other"},
            {"env": {"A": "1"}, "leaseHours": 3},
            {"env": {"A": "1"}, "gpuTypeIds": [RTX_4090]},
        ):
            assert (await door.create(**other)).code == "approval_required"
        assert door.create_calls == 0
        assert (await door.create(env={"A": "1"})).ok


async def test_a_yes_to_one_tool_is_none_to_another(tmp_path):
    policy = toml_with(approval={"tools": ["delete_pod", "stop_pod"]})
    async with before(None, tmp_path, policy) as door:
        pod = (await door.create(volumeInGb=20)).pod_id
        await door.call("stop_pod", podId=pod)
        await answer(door)
        assert (await door.call("delete_pod", podId=pod)).code == "approval_required"
        assert (await door.call("stop_pod", podId=pod)).ok


async def test_a_person_is_not_asked_about_more_than_they_can_read(tmp_path):
    async with before(None, tmp_path) as door:
        for number in range(MOST_OPEN):
            assert "approve" in (await door.create(name=f"pod {number}")).text
        said = await door.create(name="one more")
        assert said.code == "approval_required"
        assert "50 requests of the last ten minutes are open already" in said.text
        assert len(await waiting(door)) == MOST_OPEN
        first = (await waiting(door))[0]
        assert first.code in (await door.create(name="pod 0")).text, "those that wait are found as before"
        await door.house.ledger.answer(first.code, ApprovalState.APPROVED, "cli", door.house.now())
        assert (await door.create(name="pod 0")).ok
        assert "runpod-mcp approve" in (await door.create(name="one more")).text
        door.clock.step(minutes=10)
        assert len(await waiting(door)) == 0


async def test_a_yes_of_one_principal_is_none_of_another(tmp_path):
    async with before(None, tmp_path) as door:
        await door.create()
        await answer(door)
        stranger = replace(door.house, principal="somebody else", call=_call())
        from runpod_mcp.flows.create_pod import create_pod
        from runpod_mcp.pods.create_input import CreateRequest

        with pytest.raises(Failure) as caught:
            await create_pod(stranger, CreateRequest.model_validate({"gpuTypeIds": [L4], "imageName": IMAGE}))
        assert caught.value.code is Code.APPROVAL_REQUIRED


def _call() -> Call:
    return Call("create_pod", {"gpuTypeIds": [L4], "imageName": IMAGE})


async def test_a_yes_is_over_after_ten_minutes(tmp_path):
    async with before(None, tmp_path) as door:
        await door.create()
        await answer(door)
        door.clock.step(minutes=10)
        assert (await door.create()).code == "approval_required"
        first, code = (await door.house.ledger.records())[1], await _first_code(door)
        assert first.kind == "asked"
        with pytest.raises(Failure, match="no longer open"):
            await door.house.ledger.answer(code, ApprovalState.APPROVED, "cli", door.house.now())


async def _first_code(door: FrontDoor) -> str:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(door.ledger_path)) as db:
        (code,) = db.execute("SELECT code FROM question ORDER BY seq LIMIT 1").fetchone()
    return str(code)


async def test_a_yes_covers_its_price_and_no_higher_one(tmp_path):
    async with before(None, tmp_path) as door:
        await door.create()
        await answer(door)
        door.sim.stock.set(L4, secure_price=0.60)
        door.clock.step(seconds=40)
        said = await door.create()
        assert said.code == "approval_required"
        assert door.create_calls == 0
        door.sim.stock.set(L4, secure_price=0.45)
        door.clock.step(seconds=40)
        assert (await door.create()).ok, "a lower price is covered"


async def test_a_yes_covers_what_the_whole_may_cost_and_no_more(tmp_path):
    async with before(None, tmp_path, toml_with(approval={"tools": ["start_pod", "update_pod"]})) as door:
        pod = (await door.create(volumeInGb=20)).pod_id
        await door.call("update_pod", podId=pod, volumeInGb=100)
        await answer(door)
        assert (await door.call("extend_lease", podId=pod, leaseHours=8)).ok
        grown = await door.call("update_pod", podId=pod, volumeInGb=100)
        assert grown.code == "approval_required", "the lease became four times as long since"
        await door.call("stop_pod", podId=pod)
        await door.call("start_pod", podId=pod)
        (one,) = [one for one in await waiting(door) if one.question.tool == "start_pod"]
        await door.house.ledger.answer(one.code, ApprovalState.APPROVED, "cli", door.house.now())
        door.write_policy(toml_with(approval={"tools": ["start_pod"]}, lease={"default_hours": 8}))
        assert (await door.call("start_pod", podId=pod)).code == "approval_required"
        door.write_policy(toml_with(approval={"tools": ["start_pod"]}))
        assert (await door.call("start_pod", podId=pod)).ok


async def test_a_yes_to_more_hours_is_good_some_minutes_later(tmp_path):
    async with before(None, tmp_path, toml_with(approval={"tools": ["extend_lease"]})) as door:
        pod = (await door.create(volumeInGb=0)).pod_id
        await door.call("extend_lease", podId=pod, leaseHours=4)
        door.clock.step(minutes=5)
        await answer(door)
        door.clock.step(minutes=4)
        assert (await door.call("extend_lease", podId=pod, leaseHours=4)).ok


async def test_the_price_is_looked_at_again_after_a_slow_answer(tmp_path, era):
    """The person took their time, and meanwhile the price rose: they are asked again, at the new price."""
    doors: list[FrontDoor] = []

    def slowly(question: str) -> ElicitResult:
        if "$0.4997/h" in question:
            doors[0].sim.stock.set(L4, secure_price=0.60)
            doors[0].clock.step(minutes=2)
        return ElicitResult(action="accept", content={"allow": True})

    person = Person(slowly)
    async with before(person, tmp_path, mode=era) as door:
        doors.append(door)
        said = await door.create()
        if said.ok:
            assert len(person.questions) == 2
        else:
            assert said.code == "approval_required"
            assert door.create_calls == 0


async def test_out_of_band_never_shows_the_code_and_ignores_the_dialog(tmp_path, era, caplog):
    person = says(True)
    with caplog.at_level(logging.WARNING):
        async with before(person, tmp_path, ASK_ELSEWHERE, mode=era) as door:
            said = await door.create()
            assert said.code == "approval_required"
            assert person.questions == []
            (one,) = await waiting(door)
            assert one.code not in said.text + str(said.facts)
            assert "runpod-mcp approvals" in said.text
            assert one.code in caplog.text, "the person sees it on stderr"
            await answer(door)
            assert (await door.create()).ok


async def test_a_yes_in_a_dialog_is_none_once_the_policy_trusts_no_dialog(tmp_path, era):
    def meanwhile(_: str) -> ElicitResult:
        doors[0].write_policy(ASK_ELSEWHERE)
        return ElicitResult(action="accept", content={"allow": True})

    doors: list[FrontDoor] = []
    async with before(Person(meanwhile), tmp_path, mode=era) as door:
        doors.append(door)
        said = await door.create()
        assert said.code == "approval_required"
        assert "runpod-mcp approvals" in said.text
        assert door.create_calls == 0
        await answer(door)
        assert (await door.create()).ok


async def test_ending_asks_too_where_the_policy_says_so(tmp_path, era):
    person = says(True)
    async with before(person, tmp_path, DELETES, mode=era) as door:
        pod = (await door.create()).pod_id
        assert (await door.call("delete_pod", podId=pod)).ok
        assert "delete_pod" in person.questions[0]
        assert door.live == []


async def test_a_person_who_says_no_to_an_end_keeps_the_pod(tmp_path, era):
    async with before(says(False), tmp_path, DELETES, mode=era) as door:
        pod = (await door.create()).pod_id
        assert (await door.call("delete_pod", podId=pod)).code == "approval_denied"
        assert len(door.live) == 1


@pytest.mark.parametrize(
    ("tool", "more"),
    [
        ("start_pod", {"leaseHours": 1}),
        ("extend_lease", {"leaseHours": 5}),
        ("update_pod", {"volumeInGb": 200}),
        ("restart_pod", {}),
    ],
)
async def test_every_tool_that_a_policy_can_ask_about_waits_for_its_own_yes(tmp_path, tool, more):
    person = says(True)
    async with before(person, tmp_path, toml_with(approval={"tools": [tool]})) as door:
        pod = (await door.create(volumeInGb=20)).pod_id
        door.clock.step(minutes=5)
        if tool == "start_pod":
            await door.call("stop_pod", podId=pod)
        said = await door.call(tool, podId=pod, **more)
        assert said.ok, said.text
        assert len(person.questions) == 1
        assert pod in person.questions[0]


async def test_no_secret_is_in_a_question_or_beside_it(tmp_path):
    person = says(True)
    async with before(person, tmp_path) as door:
        assert (await door.create(env={"TOKEN": "swordfish"})).ok
        assert "TOKEN" in person.questions[0]
        assert "swordfish" not in person.questions[0]
    assert b"swordfish" not in (tmp_path / "ledger.db").read_bytes()


async def test_no_argument_hides_another_or_passes_for_our_words(tmp_path):
    forged = 'x"). It may cost up to $0.01/h, $0.02 in all.'
    env = {f"A_NAME_WITHOUT_ANY_MEANING_{number}": "1" for number in range(40)}
    async with before(None, tmp_path) as door:
        said = await door.call(
            "create_pod",
            env=env,
            dockerStartCmd=["z" * 900],
            name=forged,
            ports=[],
            gpuTypeIds=[L4],
            gpuCount=2,
            imageName="runpod/other",
        )
        assert said.code == "approval_required", said.text
        (one,) = await waiting(door)
        ours, asked = one.question.words.split(" It asks for: ")
        assert ours == (
            "May the agent call create_pod? It needs your yes because it costs more than $0.40 per hour. "
            "It may cost up to $0.9897/h, $2.1128 in all."
        )
        for words in ("gpuCount 2", 'imageName "runpod/other"', f'gpuTypeIds "{L4}"', "ports nothing"):
            assert words in asked
        assert json.dumps(forged) in asked


def test_the_same_call_has_another_hash_under_another_code():
    call = Call("create_pod", {"env": {"A": "1"}, "name": None})
    assert request_hash(call, "ONE") != request_hash(call, "TWO")
    assert request_hash(call, "ONE") == request_hash(Call("create_pod", {"env": {"A": "1"}}), "ONE")
    assert request_hash(call, "ONE") != request_hash(Call("start_pod", {"env": {"A": "1"}}), "ONE")


def test_of_secrets_nothing_but_their_names_is_remembered():
    shown = without_secrets(
        {
            "env": {"B": "2", "A": "1"},
            "password": "swordfish",
            "input": {"x": "y"},
            "ports": ["22/tcp"],
            "name": "x\x1b[31m" + "y" * 999,
            "dryRun": True,
            "nested": {"a": 1},
            "left": None,
        }
    )
    assert shown["env"] == ["A", "B"]
    assert shown["password"] == shown["input"] == "(not shown)"
    assert shown["ports"] == ["22/tcp"]
    assert shown["dryRun"] is True
    assert len(shown["name"]) <= 301
    assert "\x1b" not in shown["name"]
    assert "left" not in shown
    assert shown["nested"] == "(not shown)"
    assert without_secrets({"env": "swordfish"})["env"] == "(not shown)"


async def test_a_code_is_guessed_slower_and_slower(tmp_path):
    async with before(None, tmp_path) as door:
        await door.create()
        ledger, refused = door.house.ledger, []
        for guess in range(8):
            with pytest.raises(Failure) as caught:
                await ledger.answer(f"WRONG{guess:03}", ApprovalState.APPROVED, "cli", door.house.now())
            refused.append(caught.value.code)
        assert refused[:3] == [Code.NOT_FOUND] * 3
        assert set(refused[3:]) == {Code.RATE_LIMITED}
        door.clock.step(seconds=2)
        assert (await answer(door)).state is ApprovalState.APPROVED, "the right one works after the wait"
        door.clock.step(hours=-1)
        with pytest.raises(Failure) as caught:
            await ledger.answer("WRONG", ApprovalState.APPROVED, "cli", door.house.now())
        assert caught.value.code is Code.NOT_FOUND, "a clock set back makes nobody wait for ever"


async def test_wrong_codes_never_keep_the_right_one_out_until_it_is_too_old_and_are_forgotten_after_it(
    tmp_path,
):
    async with before(None, tmp_path) as door:
        for guess in range(40):
            with pytest.raises(Failure):
                await door.house.ledger.answer(
                    f"WRONG{guess}", ApprovalState.APPROVED, "cli", door.house.now()
                )
            door.clock.step(minutes=1)
        await door.create()
        with pytest.raises(Failure, match="no such code"):
            await door.house.ledger.answer("WRONG", ApprovalState.APPROVED, "cli", door.house.now())
        door.clock.step(minutes=1)
        await answer(door)
        for _ in range(3):
            with pytest.raises(Failure, match="no such code"):
                await door.house.ledger.answer("WRONG", ApprovalState.APPROVED, "cli", door.house.now())


async def test_a_question_is_answered_once(tmp_path):
    async with before(None, tmp_path) as door:
        await door.create()
        one = await answer(door, yes=False)
        with pytest.raises(Failure, match="already denied"):
            await door.house.ledger.answer(one.code, ApprovalState.APPROVED, "cli", door.house.now())
        assert (await door.create()).code == "approval_denied"


async def test_the_trail_tells_of_the_question_and_the_answer_and_not_of_the_code(tmp_path):
    async with before(None, tmp_path) as door:
        await door.create()
        one = await answer(door)
        await door.create()
        records = await door.house.ledger.records()
        kinds = [record.kind for record in records]
        assert kinds.index("asked") < kinds.index("answered") < kinds.index("used") < kinds.index("reserved")
        assert kinds.count("used") == 1
        assert one.code not in str(records)
        assert await door.house.ledger.verify_audit() == ()


async def test_under_a_broken_policy_nobody_is_asked(tmp_path, era):
    person = says(True)
    async with before(person, tmp_path, mode=era) as door:
        door.write_policy("version = ")
        said: Said = await door.create()
        assert said.code == "policy_broken"
        assert person.questions == []


async def test_a_call_outside_of_any_tool_is_told_to_ask_and_leaves_no_question(tmp_path):
    async with before(None, tmp_path) as door:
        from runpod_mcp.flows.create_pod import create_pod
        from runpod_mcp.pods.create_input import CreateRequest

        request = CreateRequest.model_validate({"gpuTypeIds": [L4], "imageName": IMAGE})
        with pytest.raises(Failure, match="A person must allow this first"):
            await create_pod(door.house, request)
        assert await waiting(door) == []


async def test_what_looks_can_read_everything_and_change_nothing(tmp_path):
    async with before(None, tmp_path) as door:
        seen = looking(door.house)
        assert await seen.api.list_pods() == []
        assert await seen.api.resources.volumes.list_all() == []
        for deed in (
            seen.api.delete_pod("abc"),
            seen.api.resources.volumes.delete("abc"),
            seen.ledger.use_approval("CODE", 0),
        ):
            with pytest.raises(Acted):
                await deed
        assert await seen.ledger.claim("work", "me", 0, 1)
        assert await door.house.ledger.claim("work", "another", 0, 1), "it was not claimed"


async def test_a_code_that_is_used_or_unknown_is_no_yes(tmp_path):
    async with before(None, tmp_path) as door:
        ledger = door.house.ledger
        assert not await ledger.use_approval("NOSUCH", door.house.now())
        await door.create()
        one = await answer(door)
        assert await ledger.use_approval(one.code, door.house.now())
        assert not await ledger.use_approval(one.code, door.house.now())


@pytest.mark.parametrize(
    ("tool", "first", "more"),
    [
        ("create_network_volume", None, {"name": "data", "sizeGb": 10, "dataCenterId": "EU-RO-1"}),
        ("update_network_volume", "networkVolumeId", {"sizeGb": 20}),
        ("delete_network_volume", "networkVolumeId", {}),
        ("create_template", None, {"name": "mine", "imageName": IMAGE}),
        ("create_registry", None, {"name": "mine", "username": "u", "password": "swordfish"}),
        ("create_endpoint", None, {"name": "serve", "imageName": IMAGE, "gpuTypeIds": [L4], "workersMax": 1}),
    ],
)
async def test_tools_of_further_toolsets_ask_in_the_dialog_too(tmp_path, tool, first, more):
    person = says(True)
    toolsets = ("core", "storage", "templates", "registries", "endpoints")
    async with before(person, tmp_path, toml_with(approval={"tools": [tool]}), toolsets=toolsets) as door:
        if first:
            volume = await door.call("create_network_volume", name="old", sizeGb=10, dataCenterId="EU-RO-1")
            more = {**more, first: volume.facts["networkVolume"]["networkVolumeId"]}
        said = await door.call(tool, **more)
        assert said.ok, said.text
        assert len(person.questions) == 1
        assert tool in person.questions[0]
        assert "swordfish" not in person.questions[0]


async def test_more_workers_ask_in_the_dialog_and_fewer_do_not(tmp_path):
    person = says(True)
    async with before(person, tmp_path, toml_with(), toolsets=("core", "endpoints")) as door:
        made = await door.call(
            "create_endpoint", name="serve", imageName=IMAGE, gpuTypeIds=[L4], workersMax=1
        )
        assert made.ok, made.text
        endpoint = made.facts["endpoint"]["endpointId"]
        door.write_policy(toml_with(approval={"above_usd_per_hour": 0.5}))
        more = await door.call("update_endpoint", endpointId=endpoint, workersMax=2)
        assert more.ok, more.text
        assert len(person.questions) == 1
        assert (await door.call("update_endpoint", endpointId=endpoint, workersMax=1)).ok
        assert len(person.questions) == 1


async def test_a_yes_in_one_dialog_is_none_to_the_other_one_that_stands_beside_it(tmp_path):
    """Two calls alike, asked at two prices: the person allows the cheaper one only."""
    asked: list[str] = []
    both_there = anyio.Event()

    async def person(context: Any, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        if len(asked) == 1:
            doors[0].sim.stock.set(L4, secure_price=2.0)
            doors[0].clock.step(seconds=40)
            tasks.start_soon(doors[0].create)
            await both_there.wait()
            return ElicitResult(action="accept", content={"allow": True})
        both_there.set()
        await anyio.sleep_forever()
        raise AssertionError

    doors: list[FrontDoor] = []
    async with before(person, tmp_path, mode="legacy") as door:
        doors.append(door)
        async with anyio.create_task_group() as tasks:
            said = await door.create()
            assert said.code == "approval_required", said.text
            tasks.cancel_scope.cancel()
        assert len(asked) == 2
        assert door.create_calls == 0


ABOUT_NOTHING = {
    "stop_pod": {"podId": "nosuchpod1"},
    "delete_pod": {"podId": "nosuchpod1"},
    "restart_pod": {"podId": "nosuchpod1"},
    "delete_network_volume": {"networkVolumeId": "nosuchvol1"},
    "delete_template": {"templateId": "nosuchtpl1"},
    "delete_registry": {"containerRegistryAuthId": "nosuchreg1"},
    "delete_endpoint": {"endpointId": "nosuchend1"},
}


@pytest.mark.parametrize("tool", ABOUT_NOTHING)
async def test_a_person_is_not_asked_about_what_is_not_there(tmp_path, tool):
    policy = toml_with(approval={"tools": list(ABOUT_NOTHING)})
    async with before(None, tmp_path, policy, toolsets=TOOLSETS) as door:
        said = await door.call(tool, **ABOUT_NOTHING[tool])
        assert said.code in ("not_found", "not_managed"), said.text
        assert await waiting(door) == []
