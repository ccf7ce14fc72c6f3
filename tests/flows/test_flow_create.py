"""Renting a pod inside the policy, and every no that the policy has."""

from __future__ import annotations

import pytest
from front_door import A4000, H100, IMAGE, L4, LIMITLESS, ROOMY, RTX_4090, TAG, front_door, toml_with

from runpod_mcp.money import MICRO


async def test_an_allowed_pod_is_rented_once_and_counted_at_its_billed_price(both):
    said = await both.create(name="trial")
    (pod,) = both.live
    assert said.pod_id == pod["id"]
    assert both.create_calls == both.created == 1
    lease = await both.the_lease()
    assert lease.pod_id == pod["id"]
    assert lease.usd_per_hour / MICRO == pytest.approx(pod["usd_per_hour"], abs=2e-6)
    assert pod["env"] == {TAG: lease.reservation.id}


async def test_the_reply_says_what_where_until_when_for_how_much_and_what_is_left(both):
    said = await both.create(name="trial")
    pod = said.pod
    assert (pod["name"], pod["status"], pod["managed"]) == ("trial", "running", True)
    assert (pod["gpuTypeId"], pod["gpuCount"]) == (L4, 1)
    assert pod["leaseEndsAt"] == "2026-11-23T14:00:00Z"
    assert pod["usdPerHour"] == 0.499723
    assert said.facts["budgetLeft"] == {"hour": 19.500277}
    for fact in (pod["podId"], L4, "$0.4997/h", "2026-11-23T14:00:00Z", "$19.5003 per hour"):
        assert fact in said.text


async def test_the_whole_request_reaches_runpod(door):
    await door.create(
        name="all of it",
        cloudType="SECURE",
        dataCenterIds=["US-KS-2"],
        containerDiskInGb=30,
        volumeInGb=40,
        volumeMountPath="/data",
        ports=["22/tcp"],
        env={"MODE": "train"},
        dockerStartCmd=["sleep", "60"],
        gpuCount=2,
    )
    (body,) = door.bodies()
    assert body["gpu"] == {"id": L4, "count": 2}
    assert (body["disk"], body["mounts"]) == (30, {"persistent": {"size": 40, "path": "/data"}})
    assert (body["dataCenterIds"], body["ports"], body["cmd"]) == (["US-KS-2"], ["22/tcp"], ["sleep", "60"])
    assert body["env"]["MODE"] == "train"


def table(**keys):
    return keys


DENIALS = {
    "gpu_not_allowed": ({}, table(gpuTypeIds=[H100])),
    "cpu_not_allowed": (
        {"cpus": table(allow=["cpu3c"])},
        table(computeType="CPU", cpuFlavorIds=["cpu5m"], volumeInGb=0),
    ),
    "too_many_gpus": ({}, table(gpuCount=3)),
    "too_many_pods": ({"pods": table(max_running=0)}, {}),
    "cloud_not_allowed": ({"pods": table(cloud_types=["SECURE"])}, table(cloudType="COMMUNITY")),
    "data_center_not_allowed": ({"pods": table(data_centers=["EU-*"])}, table(dataCenterIds=["US-KS-2"])),
    "image_not_allowed": ({"pods": table(images=["runpod/*"])}, table(imageName="evil/miner:1")),
    "template_not_allowed": ({"pods": table(templates=["only-*"])}, table(templateId="simtorch01")),
    "port_not_allowed": ({"pods": table(ports=["22/tcp"])}, table(ports=["22/tcp", "80/http"])),
    "interruptible_not_allowed": ({"pods": table(interruptible="deny")}, table(interruptible=True)),
    "disk_too_large": ({"pods": table(max_container_disk_gb=40)}, table(containerDiskInGb=41)),
    "lease_too_long": ({}, table(leaseHours=8.5)),
    "over_pod_hourly_budget": ({"budget": table(usd_per_hour_per_pod=0.49)}, {}),
    "over_hourly_budget": ({"budget": table(usd_per_hour=0.49)}, {}),
    "over_daily_budget": ({"budget": table(usd_per_day=0.50)}, {}),
    "over_monthly_budget": ({"budget": table(usd_per_month=0.50)}, {}),
    "over_total_budget": ({"budget": table(usd_total=0.50)}, {}),
    "price_unknown": ({"gpus": table(allow=["*"])}, table(gpuTypeIds=["NVIDIA GeForce RTX 3070"])),
    "price_above_maximum": ({}, table(maxUsdPerHour=0.49)),
    "approval_required": ({"approval": table(above_usd_per_hour=0.40)}, {}),
}


@pytest.mark.parametrize("dialect", ["v2", "v1"])
@pytest.mark.parametrize("code", DENIALS)
async def test_a_denial_has_its_code_and_comes_before_runpod_is_called(tmp_path, code, dialect):
    tables, arguments = DENIALS[code]
    if dialect == "v2" and code == "interruptible_not_allowed":
        pytest.skip("v2 has no spot pods at all")
    async with front_door(tmp_path, toml_with(**tables), dialect=dialect) as door:
        said = await door.create(**{"gpuTypeIds": [L4], **arguments})
        assert said.code == code, said.text
        assert said.facts["retry"] in (("later",) if code == "approval_required" else ("changed", "never"))
        assert door.create_calls == 0
        assert await door.leases() == []
        dry = await door.create(**{"gpuTypeIds": [L4], **arguments, "dryRun": True})
        assert dry.code == code or (code == "approval_required" and "asked first" in dry.text)


async def test_approval_is_also_asked_for_by_the_price_of_the_lease_and_by_tool(tmp_path):
    for number, rule in enumerate([{"above_usd_per_lease": 0.5}, {"tools": ["create_pod"]}]):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with front_door(folder, toml_with(approval=rule)) as door:
            said = await door.create()
            assert (said.code, door.create_calls) == ("approval_required", 0)
            assert "person" in said.text


async def test_a_denial_names_limit_request_and_what_would_pass(door):
    said = await door.create(H100)
    assert said.facts["field"] == "gpuTypeIds"
    assert said.facts["requested"] == H100
    nearest, cheapest = said.facts["alternatives"]
    assert nearest == {"gpuTypeIds": [L4], "usdPerHour": 0.499723}, "the nearest by its memory"
    assert cheapest == {"gpuTypeIds": [A4000], "usdPerHour": 0.259723}
    assert f"gpuTypeIds {A4000} ($0.2597/h)" in said.text
    passed = await door.create(said.facts["alternatives"][0]["gpuTypeIds"])
    assert passed.ok


async def test_what_a_denial_offers_for_a_tight_day_does_pass(tmp_path):
    async with front_door(tmp_path, toml_with(budget={"usd_per_day": 1.0})) as door:
        said = await door.create(RTX_4090, leaseHours=8)
        assert said.code == "over_daily_budget"
        for alternative in said.facts["alternatives"]:
            change = {name: value for name, value in alternative.items() if name != "usdPerHour"}
            assert (
                await door.create(**{"gpuTypeIds": [RTX_4090], "leaseHours": 8, **change, "dryRun": True})
            ).ok


async def test_an_unknown_argument_names_the_nearest_and_nothing_is_rented(both):
    said = await both.create(gpuCounts=2)
    assert said.code == "invalid_arguments"
    assert "gpuCount?" in said.text
    assert both.create_calls == 0


async def test_a_gpu_type_that_nobody_sells_is_a_slip_and_names_the_nearest(door):
    said = await door.create("NVIDIA RTX 4090")
    assert said.code == "invalid_arguments"
    assert RTX_4090 in said.text
    assert door.create_calls == 0


# candidates


async def test_v2_tries_candidates_in_order_inside_one_reservation(door):
    door.sim.faults.add("create", "no_capacity", match={"gpuTypeId": RTX_4090})
    door.sim.faults.add("create", "lost_race", match={"gpuTypeId": L4})
    said = await door.create([RTX_4090, L4, A4000], gpuTypePriority="custom")
    assert said.pod["gpuTypeId"] == A4000
    assert [body["gpu"]["id"] for body in door.bodies()] == [RTX_4090, L4, A4000]
    assert len({body["env"][TAG] for body in door.bodies()}) == 1
    lease = await door.the_lease()
    assert lease.reservation.usd_per_hour > 740_000, "the dearest candidate was set aside"
    assert lease.usd_per_hour < 270_000, "the cheapest one is what counts now"


async def test_v1_gets_the_whole_narrowed_list_in_one_call(tmp_path):
    async with front_door(tmp_path, dialect="v1") as door:
        door.sim.stock.set(RTX_4090, free=0)
        said = await door.create([RTX_4090, H100, L4], gpuTypePriority="custom")
        assert said.ok
        (body,) = door.bodies()
        assert body["gpuTypeIds"] == [RTX_4090, L4]
        assert body["gpuTypePriority"] == "custom"
        assert door.live[0]["resource"] == L4
        assert [one["code"] for one in said.facts["leftOut"]] == ["gpu_not_allowed"]


async def test_no_gpu_type_means_every_allowed_one_and_the_fullest_and_cheapest_comes_first(both):
    said = await both.call("create_pod", imageName=IMAGE, dryRun=True)
    assert [one["typeId"] for one in said.facts["candidates"]] == [A4000, L4, RTX_4090]
    assert said.facts["quote"]["usdPerHour"] == 0.749723
    assert both.create_calls == 0


async def test_what_is_left_out_is_reported_with_its_reason(tmp_path):
    async with front_door(tmp_path, toml_with(budget={"usd_per_hour_per_pod": 0.6})) as door:
        said = await door.create([H100, RTX_4090, L4])
        assert said.ok
        assert {one["typeId"]: one["code"] for one in said.facts["leftOut"]} == {
            H100: "gpu_not_allowed",
            RTX_4090: "over_pod_hourly_budget",
        }
        assert f"Left out {RTX_4090} (over_pod_hourly_budget)" in said.text


async def test_data_centers_in_custom_order_are_tried_one_by_one_in_v2(door):
    for center in ("EU-SE-1", "US-IL-1"):
        door.sim.faults.add("create", "no_capacity", match={"dataCenterId": center})
    said = await door.create(dataCenterIds=["EU-SE-1", "US-IL-1", "US-KS-2"], dataCenterPriority="custom")
    assert said.pod["dataCenterId"] == "US-KS-2"
    assert [body["dataCenterIds"] for body in door.bodies()] == [["EU-SE-1"], ["US-IL-1"], ["US-KS-2"]]


async def test_data_centers_in_custom_order_go_to_v1_as_one_list(tmp_path):
    async with front_door(tmp_path, dialect="v1") as door:
        await door.create(dataCenterIds=["US-KS-2", "EU-SE-1"], dataCenterPriority="custom")
        (body,) = door.bodies()
        assert body["dataCenterIds"] == ["US-KS-2", "EU-SE-1"]
        assert body["dataCenterPriority"] == "custom"
        assert door.live[0]["data_center"] == "US-KS-2"


async def test_countries_become_data_centers(both):
    said = await both.create(countryCodes=["se"])
    assert said.ok
    assert both.live[0]["data_center"] == "EU-SE-1"


async def test_the_policys_places_narrow_what_the_agent_left_open(tmp_path):
    async with front_door(tmp_path, toml_with(pods={"data_centers": ["US-*"], "countries": ["US"]})) as door:
        assert (await door.create()).ok
        assert door.live[0]["data_center"].startswith("US-")
        denied = await door.create(countryCodes=["CZ"])
        assert denied.code == "data_center_not_allowed"


# what is ours: dry runs and the agent's own bounds


async def test_a_dry_run_spends_nothing_and_says_the_same_as_the_renting_would(both):
    said = await both.create(dryRun=True, requestId="same")
    assert said.facts["dryRun"] is True
    assert said.facts["quote"] == {
        "usdPerHour": 0.499723,
        "usdPerHourStopped": 0.005556,
        "usdPerLease": 1.13279,
        "leaseHours": 2.0,
    }
    assert "$0.4997/h" in said.text
    assert L4 in said.text
    assert both.create_calls == 0
    assert await both.leases() == []
    assert (await both.create(requestId="same")).pod["usdPerHour"] == 0.499723


async def test_a_dry_run_says_when_a_person_would_be_asked(tmp_path):
    async with front_door(tmp_path, toml_with(approval={"above_usd_per_hour": 0.4})) as door:
        said = await door.create(dryRun=True)
        assert any("person" in note for note in said.facts["notes"])
        assert "person would be asked" in said.text


async def test_lease_hours_shorten_the_lease_and_what_is_promised(both):
    said = await both.create(leaseHours=0.5, volumeInGb=0)
    assert said.pod["leaseEndsAt"] == "2026-11-23T12:30:00Z"
    assert (await both.budget("total"))["promised"] == pytest.approx(0.5 * said.pod["usdPerHour"], abs=2e-6)


async def test_a_lease_at_exactly_the_longest_is_allowed(both):
    assert (await both.create(leaseHours=8)).ok


async def test_the_agents_own_ceiling_drops_what_is_dearer_and_lets_the_exact_price_pass(door):
    said = await door.create([RTX_4090, L4], maxUsdPerHour=0.499723)
    assert said.pod["gpuTypeId"] == L4
    assert said.facts["leftOut"][0]["code"] == "price_above_maximum"


# what comes from elsewhere: templates, volumes, the other compute type


async def test_a_template_brings_image_disks_and_ports_and_they_are_priced(both):
    said = await both.call("create_pod", gpuTypeIds=[L4], templateId="simtorch01")
    assert said.pod["usdPerHour"] == 0.499723
    assert said.pod["image"].startswith("runpod/pytorch")
    assert (await both.call("get_pod", podId=said.pod_id)).pod["http"]


@pytest.mark.parametrize(
    ("tables", "code"),
    [
        ({"images": ["mine/*"]}, "image_not_allowed"),
        ({"ports": ["22/tcp"]}, "port_not_allowed"),
        ({"max_container_disk_gb": 49}, "disk_too_large"),
        ({"max_volume_gb": 19}, "disk_too_large"),
    ],
)
async def test_what_a_template_brings_is_judged(tmp_path, tables, code):
    async with front_door(tmp_path, toml_with(pods=tables)) as door:
        said = await door.call("create_pod", gpuTypeIds=[L4], templateId="simtorch01")
        assert (said.code, door.create_calls) == (code, 0)


async def test_arguments_win_over_the_template(door):
    said = await door.call(
        "create_pod",
        gpuTypeIds=[L4],
        templateId="simtorch01",
        imageName="ubuntu:24.04",
        containerDiskInGb=10,
        volumeInGb=0,
        ports=[],
    )
    assert said.ok
    (body,) = door.bodies()
    assert (body["image"], body["disk"], body["mounts"], body["ports"]) == ("ubuntu:24.04", 10, {}, [])


@pytest.mark.parametrize("template_id", ["nosuchthing", "simserve01"])
async def test_a_template_that_is_not_there_or_not_for_pods_is_refused(both, template_id):
    said = await both.call("create_pod", gpuTypeIds=[L4], templateId=template_id)
    assert (said.code, said.facts["field"]) == ("invalid_arguments", "templateId")
    assert both.create_calls == 0


async def test_a_network_volume_pins_the_pod_to_its_data_center(both):
    volume = both.sim.world.shelf.add_volume("data", 100, "US-KS-2", None)
    said = await both.create(networkVolumeId=volume.id, volumeInGb=50)
    assert said.ok
    assert both.live[0]["data_center"] == "US-KS-2"
    assert said.facts["ignored"] == ["volumeInGb"]
    assert said.pod["usdPerHour"] == 0.496945, "only the container disk is billed with the pod"


async def test_a_network_volume_elsewhere_than_the_wanted_place_is_refused(both):
    volume = both.sim.world.shelf.add_volume("data", 100, "US-KS-2", None)
    said = await both.create(networkVolumeId=volume.id, dataCenterIds=["EU-RO-1"])
    assert (said.code, both.create_calls) == ("data_center_not_allowed", 0)
    assert "US-KS-2" in said.text


async def test_a_network_volume_that_is_not_there_or_not_in_this_cloud_is_refused(both):
    missing = await both.create(networkVolumeId="vol0000000")
    volume = both.sim.world.shelf.add_volume("data", 100, "US-KS-2", None)
    community = await both.create(RTX_4090, networkVolumeId=volume.id, cloudType="COMMUNITY")
    assert {missing.code, community.code} == {"invalid_arguments"}
    assert {missing.facts["field"], community.facts["field"]} == {"networkVolumeId"}
    assert both.create_calls == 0


async def test_a_cpu_pod_is_priced_by_its_vcpus_and_ignored_fields_are_reported(both):
    said = await both.call(
        "create_pod",
        computeType="CPU",
        cpuFlavorIds=["cpu3c"],
        vcpuCount=4,
        gpuCount=2,
        imageName=IMAGE,
        volumeInGb=0,
    )
    assert said.pod["usdPerHour"] == pytest.approx(0.12 + 20 * 0.1 / 720, abs=2e-6)
    assert both.live[0]["resource"] == "cpu3c"
    assert said.facts["ignored"] == ["gpuCount"]
    assert "gpuCount" in said.text
    assert (await both.the_lease()).gpus == 0


async def test_a_templates_pod_volume_is_left_out_of_a_cpu_pod(both):
    said = await both.call(
        "create_pod", computeType="CPU", cpuFlavorIds=["cpu3c"], templateId="simtorch01", containerDiskInGb=20
    )
    assert said.ok, said.text
    assert said.pod["usdPerHour"] == pytest.approx(both.live[0]["usd_per_hour"], abs=2e-6)


async def test_no_cpu_flavor_means_every_allowed_one(tmp_path):
    async with front_door(tmp_path, toml_with(cpus={"allow": ["cpu3g", "cpu5c"]})) as door:
        said = await door.call("create_pod", computeType="CPU", imageName=IMAGE, dryRun=True, volumeInGb=0)
        assert {one["typeId"] for one in said.facts["candidates"]} == {"cpu3g", "cpu5c"}


async def test_public_ip_on_secure_is_reported_as_ignored(both):
    said = await both.create(supportPublicIp=True)
    assert said.facts["ignored"] == ["supportPublicIp"]


async def test_what_a_dialect_cannot_say_is_an_error_that_says_what_to_change(door):
    said = await door.create(interruptible=True)
    assert (said.code, said.facts["field"]) == ("invalid_arguments", "interruptible")
    assert door.create_calls == 0


async def test_a_spot_pod_is_rented_in_v1_where_the_policy_lets_it(tmp_path):
    async with front_door(tmp_path, toml_with(pods={"interruptible": "require"}), dialect="v1") as door:
        assert (await door.create()).code == "interruptible_not_allowed"
        assert (await door.create(interruptible=True)).ok
        await door.keep_promises()


async def test_a_pod_without_limits_takes_a_year_long_lease(tmp_path):
    async with front_door(tmp_path, LIMITLESS) as door:
        said = await door.create(H100, gpuCount=8, leaseHours=8760)
        assert said.pod["leaseEndsAt"] == "2027-11-23T12:00:00Z"
        assert "no budget" in said.text


async def test_the_default_policy_applies_where_nobody_wrote_one_and_says_so(tmp_path):
    async with front_door(tmp_path, None) as door:
        assert (await door.create()).ok
        assert (await door.create(H100)).code == "gpu_not_allowed"
        budget = await door.call("get_budget")
        assert budget.facts["isDefault"] is True
        assert "nobody wrote one" in budget.text


async def test_a_policy_that_changes_applies_to_the_next_call(door):
    assert (await door.create(H100)).code == "gpu_not_allowed"
    door.write_policy(ROOMY.replace("NVIDIA L4", H100))
    assert (await door.create(H100)).ok


async def test_a_pod_is_locked_when_asked_for(both):
    said = await both.create(locked=True)
    assert any("locked" in one for one in said.pod["warnings"])


async def test_an_old_client_and_a_new_one_rent_the_same_way(tmp_path):
    for mode in ("legacy", "auto"):
        folder = tmp_path / mode
        folder.mkdir()
        async with front_door(folder, mode=mode) as door:
            assert (await door.create()).pod["gpuTypeId"] == L4
            assert (await door.create(H100)).code == "gpu_not_allowed"
            await door.keep_promises()


@pytest.mark.parametrize("field", ["templateId", "networkVolumeId"])
@pytest.mark.parametrize("word", ["../../pods", "a/b?c=d#e", "x" * 65, "a b"])
async def test_what_is_no_id_is_refused_before_anything_is_asked(door, field, word):
    said = await door.create(**{field: word})
    assert (said.code, said.facts["field"]) == ("invalid_arguments", field)
    assert not door.sim.requests.seen
