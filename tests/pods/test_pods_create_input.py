"""Reading a create request strictly, with the oddities of Runpod's document."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from runpod_mcp.pods.create_input import CreateRequest, PodCreateInput
from runpod_mcp.pods.values import DATA_CENTER_IDS, DEFAULT_PORTS, GPU_TYPE_IDS, RESERVATION_TAG

OPTIONAL = sorted(
    field.alias or name
    for name, field in CreateRequest.model_fields.items()
    if name not in ("image_name", "container_disk_in_gb", "volume_in_gb")
)


def read(**arguments: Any) -> CreateRequest:
    return CreateRequest.model_validate({"imageName": "a/b:1", **arguments})


def refusal(**arguments: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        read(**arguments)
    (problem,) = refused.value.errors()
    return problem["msg"].removeprefix("Value error, ")


# numbers


@pytest.mark.parametrize("count", [0, -1, 1.5, "two", "", "1.5", True, False, [1], {"n": 1}, 1e400])
def test_a_gpu_count_that_is_no_whole_number_from_one_is_refused(count):
    assert refusal(gpuCount=count)


@pytest.mark.parametrize("count", [2, 2.0, "2"])
def test_a_whole_number_may_come_as_a_float_or_a_string(count):
    assert read(gpuCount=count).gpu_count == 2


@pytest.mark.parametrize(
    "field",
    [
        "containerDiskInGb",
        "volumeInGb",
        "vcpuCount",
        "minRAMPerGPU",
        "minVCPUPerGPU",
        "minDownloadMbps",
        "minUploadMbps",
        "minDiskBandwidthMBps",
        "leaseHours",
        "maxUsdPerHour",
    ],
)
@pytest.mark.parametrize("value", [True, "many", float("nan"), float("inf"), [4]])
def test_every_number_must_be_one(field, value):
    assert refusal(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("containerDiskInGb", 0),
        ("volumeInGb", -1),
        ("minRAMPerGPU", -1),
        ("minVCPUPerGPU", -1),
        ("minDownloadMbps", -0.5),
        ("minUploadMbps", -0.5),
        ("minDiskBandwidthMBps", -0.5),
        ("leaseHours", 0),
        ("leaseHours", -1),
        ("leaseHours", 8760.1),
        ("maxUsdPerHour", 0),
        ("maxUsdPerHour", -1),
    ],
)
def test_a_number_below_its_least_or_above_its_most_is_refused(field, value):
    assert refusal(**{field: value})


def test_floors_of_zero_are_no_floors_and_may_be_said():
    assert read(minDownloadMbps=0, minRAMPerGPU=0).min_download_mbps == 0


@pytest.mark.parametrize("vcpus", [0, 1, -2, 3, 6, 12])
def test_vcpus_of_a_cpu_pod_come_in_powers_of_two(vcpus):
    assert "power of two" in refusal(computeType="CPU", vcpuCount=vcpus)


def test_vcpus_of_a_gpu_pod_are_ignored_whatever_they_are():
    assert read(vcpuCount=3).ignored() == ["vcpuCount"]


# null


def test_null_means_left_out():
    request = read(**dict.fromkeys(OPTIONAL))
    assert request == read()
    assert request.model_fields_set == {"image_name"}
    assert request.ports == list(DEFAULT_PORTS)


def test_null_for_a_disk_is_no_wish_of_ones_own_and_is_remembered_as_said():
    request = read(containerDiskInGb=None, volumeInGb=None)
    assert (request.container_disk_in_gb, request.volume_in_gb) == (None, None)
    assert request.asked("container_disk_in_gb", "volume_in_gb") == ["containerDiskInGb", "volumeInGb"]
    assert not request.has_pod_volume


def test_null_inside_a_list_or_an_object_is_refused():
    assert refusal(gpuTypeIds=[None])
    assert refusal(env={"A": None})


@pytest.mark.parametrize("data", [[], "imageName", 5, None])
def test_arguments_that_are_no_object_are_refused(data):
    with pytest.raises(ValidationError):
        CreateRequest.model_validate(data)


# ports


def test_ports_may_come_as_one_comma_separated_string_like_the_documents_default():
    assert read(ports="8888/http,22/tcp").ports == ["8888/http", "22/tcp"]
    assert read(ports=" 8888/http , 22/tcp ,").ports == ["8888/http", "22/tcp"]
    assert read(ports="").ports == []


@pytest.mark.parametrize("port", ["1/tcp", "65535/http", "22/tcp", "70000/tcp", "79999/tcp"])
def test_a_port_is_a_number_and_a_protocol(port):
    assert read(ports=[port]).ports == [port]


@pytest.mark.parametrize(
    "port",
    [
        "http",
        "22",
        "22/",
        "/tcp",
        "70000/udp",
        "22/udp",
        "22/TCP",
        "0/tcp",
        "022/tcp",
        "65536/tcp",
        "70000/http",
        "80000/tcp",
        "100000/tcp",
        "-1/tcp",
        "1.5/tcp",
        "22/tcp ",
        "22/tcp\n",
        "２２/tcp",
        "22/tcp/http",
        "",
        8888,
    ],
)
def test_a_port_that_is_none_is_refused(port):
    assert refusal(ports=[port])


def test_at_most_ten_ports_are_http():
    http, tcp = ([f"{number}/{kind}" for number in range(8000, 8011)] for kind in ("http", "tcp"))
    assert "10" in refusal(ports=http)
    assert len(read(ports=[*http[:10], *tcp]).ports) == 21


def test_a_list_of_ports_that_nobody_can_mean_is_refused_whole_and_early():
    ports = [f"{number}/tcp" for number in range(1, 52)]
    assert len(read(ports=ports[:50]).ports) == 50
    assert "at most 50 ports, not 51" in refusal(ports=ports)
    assert "at most 50 ports, not 100000" in refusal(ports=",".join(["nonsense"] * 100_000))


@pytest.mark.parametrize(
    "name", ["\u200b", "\u3164\u2800", "\ufeff \u2060", "\x00\x1b", "\u00ad\u00a0", "\U000e0041"]
)
def test_a_name_that_nobody_can_see_is_no_name(name):
    assert "can be seen" in refusal(name=name)
    assert read(name=f"{name}x").name == f"{name}x"


# names, images, templates


def test_a_name_has_at_most_191_characters_and_is_not_blank():
    assert read(name="x" * 191).name == "x" * 191
    assert refusal(name="x" * 192)
    assert "needs a name" in refusal(name=" \t")
    assert "needs a name" in refusal(name="")


@pytest.mark.parametrize("image", [None, "", "  "])
@pytest.mark.parametrize("template", [None, "", "  "])
def test_a_pod_needs_an_image_or_a_template(image, template):
    assert "imageName" in refusal(imageName=image, templateId=template)


def test_a_template_is_enough():
    assert PodCreateInput.model_validate({"templateId": "t1"}).image_name is None


@pytest.mark.parametrize("path", ["workspace", "", "./x", "~"])
def test_a_mount_path_is_absolute(path):
    assert "absolute" in refusal(volumeMountPath=path)
    assert read(volumeMountPath="/data").volume_mount_path == "/data"


# env


@pytest.mark.parametrize("value", [1, 1.5, True, ["a"], {"a": "b"}])
def test_an_env_value_that_is_no_string_is_refused(value):
    assert refusal(env={"A": value})


def test_a_list_of_pairs_is_no_env():
    assert refusal(env=["A=b"])


@pytest.mark.parametrize("name", [RESERVATION_TAG, f" {RESERVATION_TAG}", f"{RESERVATION_TAG}\n"])
def test_the_tag_by_which_pods_are_recognised_cannot_be_set_from_outside(name):
    assert RESERVATION_TAG in refusal(env={name: "r-someone-elses"})
    assert RESERVATION_TAG in refusal(env={name.lower(): "r-someone-elses"})


@pytest.mark.parametrize("name", ["", "A=B", "A\0", "A B", "A\nB", "\u200bA", "Ä"])
def test_a_name_that_no_variable_can_have_is_refused(name):
    assert "cannot be the name" in refusal(env={name: "x"})


def test_a_value_that_no_variable_can_have_is_refused_without_showing_it():
    assert refusal(env={"TOKEN": "hush\0hush"}) == "the value of TOKEN holds a zero character"


def test_49_variables_of_ones_own_leave_room_for_the_tag():
    names = [f"V{number}" for number in range(50)]
    assert len(read(env=dict.fromkeys(names[:49], "")).env) == 49
    assert "at most 49" in refusal(env=dict.fromkeys(names, ""))


# lists of places and kinds


def test_ids_that_differ_only_in_spaces_stay_as_they_were_written():
    ids = ["NVIDIA A30", "NVIDIA  A30", "NVIDIA RTX A30", "NVIDIA RTX A4500", "NVIDIA  RTX A4500"]
    assert read(gpuTypeIds=ids).gpu_type_ids == ids
    assert set(ids) < set(GPU_TYPE_IDS)


@pytest.mark.parametrize("codes", [["USA"], ["U"], [""], ["U1"], ["ÜS"], ["US\n"], "US"])
def test_a_country_is_two_letters(codes):
    assert refusal(countryCodes=codes)


def test_countries_are_read_in_any_case_and_an_empty_list_is_no_limit():
    assert read(countryCodes=["us", "Cz"]).country_codes == ["US", "CZ"]
    assert read(countryCodes=[]).country_codes is None


@pytest.mark.parametrize("version", ["12", "12.8.1", "v12.8", "12.x", "", "１２.８", "12.8\n"])
def test_a_cuda_version_is_two_numbers(version):
    assert refusal(allowedCudaVersions=[version])


def test_a_cuda_version_newer_than_the_document_is_let_through_and_an_empty_list_is_no_limit():
    assert read(allowedCudaVersions=["13.1"]).allowed_cuda_versions == ["13.1"]
    assert read(allowedCudaVersions=[]).allowed_cuda_versions is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cloudType", "ALL"),
        ("cloudType", "secure"),
        ("computeType", "TPU"),
        ("gpuTypePriority", "price"),
        ("interruptible", "maybe"),
        ("gpuTypeIds", "NVIDIA L4"),
        ("gpuTypeIds", [["NVIDIA L4"]]),
        ("dataCenterIds", {"id": "EU-RO-1"}),
        ("dockerStartCmd", "sleep 5"),
        ("requestId", ""),
        ("requestId", "x" * 129),
        ("gpuCounts", 4),
        ("gpu_count", 4),
        ("GPUCount", 4),
    ],
)
def test_a_value_outside_its_choices_and_an_argument_that_is_none_are_refused(field, value):
    assert refusal(**{field: value})


def test_a_request_cannot_be_changed_after_it_was_read():
    with pytest.raises(ValidationError, match="frozen"):
        read().gpu_count = 8


# what has no effect


def test_on_a_cpu_pod_what_was_said_of_gpus_is_ignored_and_no_error():
    request = read(
        computeType="CPU",
        gpuTypeIds=["NVIDIA L4"],
        gpuCount=8,
        gpuTypePriority="custom",
        allowedCudaVersions=["12.8"],
        minRAMPerGPU=64,
        minVCPUPerGPU=16,
        cpuFlavorIds=["cpu3c"],
    )
    assert request.ignored() == [
        "gpuTypeIds",
        "gpuCount",
        "gpuTypePriority",
        "allowedCudaVersions",
        "minRAMPerGPU",
        "minVCPUPerGPU",
    ]


def test_on_a_gpu_pod_what_was_said_of_cpus_is_ignored_and_no_error():
    request = read(cpuFlavorIds=["cpu3c"], cpuFlavorPriority="custom", vcpuCount=4)
    assert request.ignored() == ["cpuFlavorIds", "cpuFlavorPriority", "vcpuCount"]


def test_a_pod_volume_beside_a_network_volume_is_ignored_only_when_it_was_asked_for():
    assert read(networkVolumeId="v1", volumeInGb=50).ignored() == ["volumeInGb"]
    assert read(networkVolumeId="v1").ignored() == []
    assert read(networkVolumeId="v1", volumeInGb=0).ignored() == []


def test_a_public_ip_has_a_meaning_on_community_only():
    assert read(supportPublicIp=True).ignored() == ["supportPublicIp"]
    assert read(supportPublicIp=True, cloudType="COMMUNITY").ignored() == []


def test_a_request_that_says_nothing_needless_ignores_nothing():
    assert read(gpuCount=2, volumeInGb=20).ignored() == []


@pytest.mark.parametrize(
    ("arguments", "made"),
    [
        ({}, True),
        ({"volumeInGb": 0}, False),
        ({"volumeInGb": None}, False),
        ({"networkVolumeId": "v1"}, False),
        ({"networkVolumeId": ""}, True),
        ({"computeType": "CPU"}, False),
    ],
)
def test_a_pod_volume_is_made_only_on_gpu_pods_without_a_network_volume(arguments, made):
    assert read(**arguments).has_pod_volume is made


def test_what_was_asked_is_told_under_the_documents_names():
    request = read(dataCenterIds=["EU-RO-1"], env={"A": "b"})
    assert request.asked("data_center_ids", "country_codes", "env") == ["dataCenterIds", "env"]
    assert read().data_center_ids == list(DATA_CENTER_IDS)
    assert read().asked("data_center_ids") == []


def test_a_request_with_other_arguments_keeps_all_the_rest():
    first = read(gpuCount=4, env={"A": "b"})
    second = first.with_arguments({"gpuCount": 2, "gpuTypeIds": None, "ports": []})
    assert (second.gpu_count, second.gpu_type_ids, second.ports, second.env) == (2, None, [], {"A": "b"})
    assert first.gpu_count == 4


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
fields = st.sampled_from([*(f.alias or n for n, f in CreateRequest.model_fields.items()), "other"])


@given(st.dictionaries(fields, json_like, max_size=6))
def test_whatever_is_sent_it_is_read_or_refused_and_nothing_else(data):
    try:
        request = CreateRequest.model_validate(data)
    except ValidationError:
        return
    assert request.gpu_count >= 1
    assert RESERVATION_TAG not in request.env
    request.ignored()
