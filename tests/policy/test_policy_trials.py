"""Tests of a policy as people write them: read strictly, and judged on what they say is spent, running and sold."""

from __future__ import annotations

from typing import Any

import pytest
from policy_helpers import NOW, case, policy, request, usd

from runpod_mcp.catalog.catalog import Stock
from runpod_mcp.clock import from_epoch
from runpod_mcp.errors import Code, Failure
from runpod_mcp.policy.decide import decide
from runpod_mcp.policy.decision import Decision, Deny
from runpod_mcp.policy.offer import Wanted
from runpod_mcp.policy.spending import TOTAL, day_of, month_of
from runpod_mcp.policy.trials import (
    NoTrials,
    Trial,
    differences,
    fixed_readings,
    in_words,
    read_trials,
    spending_of,
    verdict_of,
)

ONE = '[[case]]\nname = "a"\nrequest = {imageName = "a/b"}\nexpect = "allow"\n'


def trial(**more: Any) -> Trial:
    return Trial.model_validate({"name": "a", "request": {}, "expect": "allow", **more})


def wrong(text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(NoTrials) as error:
        read_trials(text)
    return [(one.line, one.message) for one in error.value.problems]


def test_a_file_names_a_policy_and_has_cases():
    file, lines = read_trials(
        f'policy = "../p.toml"\nat = 2026-11-23T12:00:00Z\n[prices]\ncpu3c = 0.03\n{ONE}'
    )
    assert (file.policy, file.now, file.prices) == ("../p.toml", NOW, {"cpu3c": 30_000})
    assert (file.case[0].name, file.case[0].expect) == ("a", "allow")
    assert lines["case", "0", "request"] == 7


def test_a_time_without_a_zone_is_utc():
    assert read_trials(f'preset = "ci"\nat = 2026-11-23T12:00:00\n{ONE}')[0].now == NOW


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", None, "case: field required"),
        ("x = [", None, "is not TOML"),
        ("a." * 5000 + "b = 1", None, "is nested too deeply"),
        ("\nx = " + "9" * 5000, 2, "a number has more digits"),
        (f'preset = "solo"\nat = 9999-12-31T00:00:00Z\n{ONE}', 2, "at: expected a time from 1971 to 9000"),
        (f'preset = "solo"\nat = 0001-01-01T00:00:00Z\n{ONE}', 2, "at: expected a time from 1971 to 9000"),
        (f"{ONE}", None, "name the policy to test"),
        (f'policy = "a"\npreset = "solo"\n{ONE}', None, "name the policy to test"),
        ('preset = "solo"\ncase = []', 2, "case"),
        (f'preset = "huge"\n{ONE}', 1, "preset: input should be 'solo'"),
        (f'preset = "solo"\n{ONE}expct = 1', 6, "case.0.expct is not a key; did you mean expect?"),
        (
            f'preset = "solo"\n{ONE}spent = {{tody = 1}}',
            6,
            "case.0.spent.tody is not a key; did you mean today?",
        ),
        (f'preset = "solo"\n{ONE}running = {{pods = -1}}', 6, "case.0.running.pods"),
        (f'preset = "solo"\n{ONE}{ONE.replace("allow", "yes")}', 9, "case.1.expect: input should be 'allow'"),
        (f'preset = "solo"\n{ONE.replace("allow", "deny")}', 2, "needs the code"),
        (f'preset = "solo"\n{ONE}code = "gpu_not_allowed"', 2, "code goes with"),
        (f'preset = "solo"\n{ONE}code = "gpu_wrong"', 6, "case.0.code"),
        (f'preset = "solo"\n{ONE}field = "x"', 2, "field goes with"),
        (f'preset = "solo"\n{ONE}first_alternative = {{}}', 2, "first_alternative goes with"),
        (
            f'preset = "solo"\n{ONE.replace("allow", "deny")}code = "read_only"\nmax_usd_per_hour = 1',
            2,
            "max_usd_per_hour goes with",
        ),
        (f'preset = "solo"\n{ONE.replace("imageName", "networkVolumeId")}', 2, "needs volume_in"),
    ],
)
def test_what_is_no_test_is_said_with_its_line(text, line, says):
    found = wrong(text)
    assert found[0][0] == line
    assert says in found[0][1]


def test_every_problem_of_a_file_is_said():
    assert len(wrong('preset = "x"\nother = 1\n[[case]]\nname = ""\n')) == 5


def test_what_is_spent_fills_the_day_the_month_and_the_total():
    keys = [day_of(NOW).key, month_of(NOW).key, TOTAL.key]
    for spent, sums in [
        ({}, (0, 0, 0)),
        ({"today": 2}, (2, 2, 2)),
        ({"today": 2, "this_month": 5}, (2, 5, 5)),
        ({"this_month": 5, "in_total": 9}, (0, 5, 9)),
    ]:
        found = spending_of(trial(spent=spent), NOW)
        assert [found.closed[key] for key in keys] == [usd(one) for one in sums]


@pytest.mark.parametrize(
    ("running", "pods", "gpus", "rate"),
    [
        ({}, 0, 0, 0),
        ({"pods": 3, "gpus": 4, "usd_per_hour": 2}, 3, 4, 2),
        ({"pods": 1}, 1, 0, 0),
        ({"gpus": 2}, 1, 2, 0),
        ({"usd_per_hour": 1}, 0, 0, 1),
    ],
)
def test_what_runs_is_counted_and_costs_what_is_said(running, pods, gpus, rate):
    found = spending_of(trial(running={**running, "hours": 2}), NOW)
    assert (found.pods_running, found.gpus_running) == (pods, gpus)
    assert found.usd_per_hour == usd(rate)
    assert found.within(TOTAL) == usd(rate * 2)


def test_with_prices_of_its_own_only_what_they_name_is_sold_everywhere():
    readings = fixed_readings({"NVIDIA L4": usd(0.5), "cpu3c": usd(0.03)}, from_epoch(NOW))
    assert {(one.cloud, one.gpu_count) for one in readings} >= {("SECURE", 1), ("COMMUNITY", 16)}
    for one in readings:
        assert (set(one.gpus), set(one.cpus)) == ({"NVIDIA L4"}, {"cpu3c"})
        assert one.gpus["NVIDIA L4"].price(one.cloud) == usd(0.5)
        assert one.gpus["NVIDIA L4"].stock is Stock.HIGH


def judged(**arguments: Any) -> Decision:
    rules = policy(gpus={"allow": ["NVIDIA L4"]}, approval={"above_usd_per_hour": 0.6})
    return decide(case(rules), Wanted(request(volumeInGb=0, containerDiskInGb=1, **arguments)))


SLIP = Failure(Code.INVALID_ARGUMENTS, "no such thing")


@pytest.mark.parametrize(
    ("found", "verdict", "words"),
    [
        (judged(), "allow", "allow at $0.4901/h"),
        (judged(gpuCount=2), "ask", "ask (it costs more than $0.60 per hour) at $0.9801/h"),
        (
            judged(gpuTypeIds=["NVIDIA A40"]),
            "deny gpu_not_allowed",
            "deny gpu_not_allowed: The policy does not",
        ),
        (SLIP, "invalid_arguments", "invalid_arguments: no such thing"),
    ],
)
def test_a_verdict_is_one_word_or_one_word_and_a_code(found, verdict, words):
    assert verdict_of(found) == verdict
    assert in_words(found).startswith(words)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({}, judged()),
        ({"max_usd_per_hour": 0.5}, judged()),
        ({"expect": "ask", "max_usd_per_hour": 1}, judged(gpuCount=2)),
        ({"expect": "deny", "code": "gpu_not_allowed"}, judged(gpuTypeIds=["NVIDIA A40"])),
        (
            {"expect": "deny", "code": "gpu_not_allowed", "field": "gpuTypeIds", "first_alternative": {}},
            judged(gpuTypeIds=["NVIDIA A40"]),
        ),
    ],
)
def test_what_is_as_expected_does_not_differ(expected, found):
    assert differences(trial(**expected), found) == []


@pytest.mark.parametrize(
    ("expected", "found", "what"),
    [
        ({}, judged(gpuCount=2), "verdict"),
        ({}, SLIP, "verdict"),
        ({"expect": "ask"}, judged(), "verdict"),
        ({"expect": "deny", "code": "no_capacity"}, judged(gpuTypeIds=["NVIDIA A40"]), "verdict"),
        ({"max_usd_per_hour": 0.49}, judged(), "price per hour"),
        (
            {"expect": "deny", "code": "gpu_not_allowed", "field": "x"},
            judged(gpuTypeIds=["NVIDIA A40"]),
            "field",
        ),
        (
            {"expect": "deny", "code": "gpu_not_allowed", "first_alternative": {"gpuCount": 1}},
            judged(gpuTypeIds=["NVIDIA A40"]),
            "first alternative",
        ),
        (
            {"expect": "deny", "code": "lease_too_long", "first_alternative": {"leaseHours": 8.0}},
            Deny(code=Code.LEASE_TOO_LONG, message="", alternatives=[{"leaseHours": 4.0}]),
            "first alternative",
        ),
    ],
)
def test_what_is_not_as_expected_is_named(expected, found, what):
    (difference,) = differences(trial(**expected), found)
    assert difference.what == what
    assert difference.expected != difference.found
