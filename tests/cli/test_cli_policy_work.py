"""`policy init`, `explain`, `test` and `schema`, as a person and a pipeline use them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import anyio
import httpx2
import jsonschema
import pytest
from click.testing import CliRunner, Result
from front_door import H100, IMAGE, L4, front_door, toml_with

from runpod_mcp.cli import cli
from runpod_mcp.errors import Failure
from runpod_mcp.policy.document import PRESETS, read_policy
from runpod_mcp.policy.schema import policy_schema

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="needs permissions or a terminal of POSIX")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, folder in (("HOME", ""), ("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data")):
        monkeypatch.setenv(name, str(tmp_path / "home" / folder))
    for name in ("RUNPOD_API_KEY", "RUNPOD_API_KEY_FILE", "RUNPOD_MCP_LEDGER", "RUNPOD_MCP_POLICY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["policy", *arguments], input=stdin)


def facts(done: Result) -> Any:
    return json.loads(done.stdout)


# init


def test_init_writes_shows_and_keeps_to_itself_what_was_asked_for(tmp_path):
    path = tmp_path / "new" / "mine.toml"
    done = run(
        "init", "--file", str(path), "--usd-per-day", "7.5", "--gpus", "L4", "--on-expiry", "terminate"
    )
    assert done.exit_code == 0, done.output
    text = path.read_text("utf-8")
    assert text.rstrip() in done.stdout
    rules = read_policy(text, "mine.toml")
    assert (rules.budget.usd_per_day, rules.gpus.allow, rules.lease.on_expiry) == (
        7_500_000,
        (L4,),
        "terminate",
    )
    assert os.name != "posix" or path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["mine.toml"]
    assert f"policy check {path}" in done.stdout


@pytest.mark.parametrize("name", PRESETS)
def test_init_of_each_ready_made_policy_is_read_and_doubted_in_nothing(tmp_path, name):
    path = tmp_path / f"{name}.toml"
    assert run("init", "--preset", name, "--file", str(path), "--yes").exit_code == 0
    assert facts(run("check", str(path), "--json"))["warnings"] == []
    jsonschema.Draft7Validator(policy_schema()).validate(tomllib.loads(path.read_text("utf-8")))


def test_init_without_a_place_writes_where_the_server_looks(home):
    assert run("init").exit_code == 0
    assert len(list(home.rglob("policy.toml"))) == 1
    assert "policy.toml" in run("check").stdout


def test_a_file_that_is_there_is_replaced_only_when_told(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("mine")
    refused = run("init", "--file", str(path), "--yes")
    assert isinstance(refused.exception, Failure)
    assert "--force" in refused.exception.message
    assert path.read_text() == "mine"
    assert run("init", "--file", str(path), "--force").exit_code == 0
    assert path.read_text() != "mine"


@posix
def test_a_link_that_leads_nowhere_is_there_too(tmp_path):
    path = tmp_path / "link.toml"
    path.symlink_to(tmp_path / "elsewhere.toml")
    assert isinstance(run("init", "--file", str(path)).exception, Failure)
    assert not (tmp_path / "elsewhere.toml").exists()


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    refused = run("init", "--file", str(tmp_path / "file" / "mine.toml"))
    assert isinstance(refused.exception, Failure)
    assert "cannot be written" in refused.exception.message


@pytest.mark.parametrize("day", ["0", "-1", "much", "nan", "inf", ""])
def test_a_day_that_is_no_amount_is_wrong_usage(tmp_path, day):
    path = tmp_path / "mine.toml"
    assert run("init", "--file", str(path), "--usd-per-day", day).exit_code == 2
    assert not path.exists()


def test_a_gpu_that_nobody_sells_writes_nothing(tmp_path):
    path = tmp_path / "mine.toml"
    assert "9090" in str(run("init", "--file", str(path), "--gpus", "9090").exception)
    assert not path.exists()


@posix
@pytest.mark.parametrize(
    ("typed", "day", "cards"),
    [("5\nL4\nterminate\n", 5_000_000, (L4,)), ("\n\n\n", 10_000_000, None)],
)
def test_on_a_terminal_three_questions_are_asked(tmp_path, home, typed, day, cards):
    path = tmp_path / "mine.toml"
    shown = on_a_terminal(("policy", "init", "--file", str(path)), typed, home)
    assert shown.count("?") == 2
    assert "end of a lease" in shown
    rules = read_policy(path.read_text("utf-8"), "mine.toml")
    assert rules.budget.usd_per_day == day
    assert cards is None or rules.gpus.allow == cards
    assert rules.lease.on_expiry == ("terminate" if "terminate" in typed else "stop")


@posix
def test_yes_asks_nothing_on_a_terminal_either(tmp_path, home):
    path = tmp_path / "mine.toml"
    shown = on_a_terminal(("policy", "init", "--file", str(path), "--yes"), "", home)
    assert "?" not in shown
    assert path.exists()


def on_a_terminal(arguments: tuple[str, ...], typed: str, home: Path) -> str:
    """What a program shows that believes to be on a terminal."""
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "runpod_mcp", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "HOME": str(home), "TERM": "dumb"},
        close_fds=True,
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        try:
            part = os.read(ours, 4096)
        except OSError:  # how Linux says that the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.wait(10) == 0, shown
    return shown.decode()


# check


def test_check_says_every_problem_with_its_line(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text('version = 1\n[budget]\nusd_per_dya = 3\nusd_total = "x"\n[gpu]\n')
    done = run("check", str(path))
    assert (done.exit_code, done.stdout) == (1, "")
    assert [line.split(": ")[3] for line in done.stderr.splitlines()] == ["line 3", "line 4", "line 5"]
    found = run("check", str(path), "--json")
    assert found.exit_code == 1
    assert [(one["line"], one["key"]) for one in facts(found)["problems"]] == [
        (3, "budget.usd_per_dya"),
        (4, "budget.usd_total"),
        (5, "gpu"),
    ]


@pytest.mark.parametrize(
    ("tables", "doubt"),
    [
        ({"budget": {"usd_per_day": 50, "usd_per_month": 40}}, "usd_per_day is above usd_per_month"),
        ({"budget": {"usd_per_month": 50, "usd_total": 40}}, "usd_per_month is above usd_total"),
        ({"gpus": {"max_per_pod": 4, "max_running": 2}}, "max_per_pod is above gpus.max_running"),
        (
            {"budget": {"usd_per_hour_per_pod": 1.0}, "approval": {"above_usd_per_hour": 1.0}},
            "approval.above_usd_per_hour is never reached",
        ),
        ({"gpus": {"allow": ["*H100*"]}, "budget": {"usd_per_hour": 1.0}}, "none can be rented"),
    ],
)
def test_limits_that_cannot_both_be_meant_are_doubted(tmp_path, tables, doubt):
    path = tmp_path / "p.toml"
    path.write_text(toml_with(**tables))
    assert any(doubt in one for one in facts(run("check", str(path), "--json"))["warnings"])


# explain


def explained(tmp_path: Path, request: Any, *more: str, **tables: Any) -> Result:
    policy, file = tmp_path / "policy.toml", tmp_path / "request.json"
    policy.write_text(toml_with(**tables))
    file.write_text(request if isinstance(request, str) else json.dumps(request))
    return run("explain", str(policy), "--request", str(file), *more)


def test_explain_says_every_rule_price_and_budget_and_what_would_pass(tmp_path):
    done = explained(tmp_path, {"gpuTypeIds": [H100], "imageName": IMAGE, "leaseHours": 9})
    assert done.exit_code == 1, done.output
    assert "There is no API key, so prices and stock are those of the built-in list" in done.stdout
    assert "There is no ledger yet" in done.stdout
    said = " ".join(done.stdout.split())
    assert "no gpus.allow" in said
    assert "no lease.max_hours limit 8.0, requested 9.0" in said
    assert "Denied: gpu_not_allowed" in said
    assert '"leaseHours": 8.0' in done.stdout


def test_explain_of_what_is_allowed_has_a_table_of_budgets(tmp_path):
    done = explained(
        tmp_path, {"gpuTypeIds": [L4], "imageName": IMAGE}, "--simulator", budget={"usd_per_day": 5}
    )
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "ok NVIDIA L4 $0.4997/h high" in said
    assert "$5.00 $0.00 $0.00" in said
    assert "Allowed: at most $0.4997/h" in said


@pytest.mark.parametrize("gpu", [L4, H100])
def test_an_explanation_fits_a_narrow_terminal(tmp_path, gpu, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    done = explained(tmp_path, {"gpuTypeIds": [gpu], "imageName": IMAGE}, budget={"usd_per_day": 5})
    assert max(map(len, done.stdout.splitlines())) <= 40
    for words in ("gpus.allow", "NVIDIA L4", "$0.4997/h"):
        assert words in done.stdout


def test_explain_for_programs_holds_the_same(tmp_path):
    done = explained(
        tmp_path, {"gpuTypeIds": [L4], "imageName": IMAGE}, "--json", approval={"above_usd_per_hour": 0.1}
    )
    said = facts(done)
    assert said["decision"]["verdict"] == "ask"
    assert {"rule", "when", "verdict", "limit", "used", "requested", "message"} == set(said["rules"][0])
    assert said["candidates"][0]["type_id"] == L4
    assert said["budgets"][0]["when"] == "hour"
    asked = explained(tmp_path, {"imageName": IMAGE}, approval={"above_usd_per_hour": 0.1})
    assert "A person is asked first: it costs more than $0.10 per hour" in asked.stdout


def test_the_request_may_stand_inside_a_call_and_come_from_stdin(tmp_path):
    call = {"tool": "create_pod", "arguments": {"gpuTypeIds": [L4], "imageName": IMAGE}}
    assert explained(tmp_path, call).exit_code == 0
    flat = {"tool": "create_pod", "gpuTypeIds": [L4], "imageName": IMAGE}
    assert (
        run("explain", str(tmp_path / "policy.toml"), "--request", "-", stdin=json.dumps(flat)).exit_code == 0
    )


@pytest.mark.parametrize(
    ("request_text", "says"),
    [
        ("{", "is not JSON"),
        ("[1]", "as an object"),
        ('{"tool": "start_pod"}', "only create_pod"),
        ('{"imageName": "a", "gpuCounts": 2}', "did you mean gpuCount?"),
        ('{"imageName": "a", "gpuTypeIds": ["NVIDIA RTX 4090"]}', "did you mean"),
        ("[" * 100_000, "is nested too deeply"),
        ("[" + "1," * 600_000 + "1]", "is larger than a request can be"),
    ],
)
def test_a_request_that_is_none_is_said(tmp_path, request_text, says):
    done = explained(tmp_path, request_text)
    assert isinstance(done.exception, Failure)
    assert says in done.exception.message


def test_a_request_file_that_is_missing_is_said(tmp_path):
    done = run("explain", "--request", str(tmp_path / "none.json"))
    assert "no such file" in str(done.exception)


async def test_explain_reads_the_ledger_and_leaves_it_alone(tmp_path):
    async with front_door(tmp_path, toml_with(pods={"max_running": 1})) as door:
        await door.create()
        await door.house.ledger.close()
        before = door.ledger_path.read_bytes()
        rules = toml_with(pods={"max_running": 1})
        request = json.dumps({"gpuTypeIds": [L4], "imageName": IMAGE})
        (tmp_path / "p.toml").write_text(rules)
        (tmp_path / "r.json").write_text(request)
        done = await anyio.run_process(
            [
                *(sys.executable, "-m", "runpod_mcp", "policy", "explain", str(tmp_path / "p.toml")),
                *("--request", str(tmp_path / "r.json"), "--ledger", str(door.ledger_path), "--json"),
            ],
            check=False,
        )
        said = json.loads(done.stdout)
        pods = next(one for one in said["rules"] if one["rule"] == "pods.max_running")
        assert (pods["verdict"], pods["used"], said["decision"]["code"]) == ("denied", 1, "too_many_pods")
        assert str(door.ledger_path) in said["notes"][1]
        assert door.ledger_path.read_bytes() == before


def test_explain_makes_no_ledger(tmp_path, home):
    explained(tmp_path, {"imageName": IMAGE})
    assert not list(home.rglob("*.db"))
    named = tmp_path / "not-there.db"
    explained(tmp_path, {"imageName": IMAGE}, "--ledger", str(named))
    assert not named.exists()


# test


def test_the_published_examples_are_what_their_policies_do():
    done = run("test", str(ROOT / "manifests" / "policies" / "tests"))
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("none differs.\n")


def test_there_are_examples_for_every_ready_made_policy():
    tests = ROOT / "manifests" / "policies" / "tests"
    assert {file.stem for file in tests.glob("*.toml")} == set(PRESETS)


CASE = (
    '[[case]]\nname = "one"\nrequest = {{ imageName = "a/b", gpuTypeIds = ["{gpu}"] }}\nexpect = "{expect}"\n'
)


def test_a_difference_is_shown_and_is_exit_code_one(tmp_path):
    (tmp_path / "a.toml").write_text(
        'preset = "solo"\n' + CASE.format(gpu=L4, expect="ask") + CASE.format(gpu=L4, expect="allow")
    )
    done = run("test", str(tmp_path))
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "DIFF  a.toml: one",
        "      - verdict: ask",
        "      + verdict: allow at $0.4997/h",
        "ok    a.toml: one",
        "2 cases, 1 differs.",
    ]
    found = facts(run("test", str(tmp_path), "--json"))
    assert found["different"] == 1
    assert [one["ok"] for one in found["cases"]] == [False, True]


def test_a_policy_beside_the_tests_is_found_from_where_they_are(tmp_path, monkeypatch):
    (tmp_path / "tests").mkdir()
    (tmp_path / "p.toml").write_text(toml_with())
    file = tmp_path / "tests" / "a.toml"
    file.write_text(
        'policy = "../p.toml"\n' + CASE.format(gpu=H100, expect="deny") + 'code = "gpu_not_allowed"\n'
    )
    assert run("test", str(tmp_path / "tests")).exit_code == 0
    (tmp_path / "p.toml").write_text("version = 9")
    assert "policy_broken" in str(run("test", str(tmp_path / "tests")).exception)
    (tmp_path / "p.toml").unlink()
    assert "no such file" in str(run("test", str(tmp_path / "tests")).exception)


def test_a_name_that_nobody_sells_is_a_difference(tmp_path):
    (tmp_path / "a.toml").write_text('preset = "solo"\n' + CASE.format(gpu="RTX 9090", expect="allow"))
    done = run("test", str(tmp_path))
    assert done.exit_code == 1
    assert "+ verdict: invalid_arguments" in done.stdout


def test_prices_of_a_file_are_the_only_ones(tmp_path):
    (tmp_path / "a.toml").write_text(
        'preset = "solo"\n[prices]\n"NVIDIA L4" = 5.00\n'
        + CASE.format(gpu=L4, expect="deny")
        + 'code = "over_pod_hourly_budget"\n'
        + CASE.format(gpu="NVIDIA A40", expect="deny")
        + 'code = "price_unknown"\n'
    )
    done = run("test", str(tmp_path))
    assert done.exit_code == 0, done.output


def test_a_volume_pins_a_case_to_its_place(tmp_path):
    (tmp_path / "p.toml").write_text(toml_with(pods={"data_centers": ["EU-*"]}))
    wish = f'request = {{ imageName = "a/b", gpuTypeIds = ["{L4}"], networkVolumeId = "v1" }}\n'
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "a.toml").write_text(
        f'policy = "../p.toml"\n[[case]]\nname = "in"\n{wish}volume_in = "EU-RO-1"\nexpect = "allow"\n'
        f'[[case]]\nname = "out"\n{wish}volume_in = "US-KS-2"\nexpect = "deny"\ncode = "data_center_not_allowed"\n'
    )
    assert run("test", str(tmp_path / "a")).exit_code == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version = 1\n", "case: field required"),
        ("x = [", "is not TOML"),
        ('preset = "solo"\n' + CASE.format(gpu=L4, expect="yes"), "line 5: case.0.expect"),
        (
            'preset = "solo"\n' + CASE.format(gpu=L4, expect="allow").replace("gpuTypeIds", "gpuTypeId"),
            "line 4: case.0.request: there is no argument 'gpuTypeId'; did you mean gpuTypeIds?",
        ),
    ],
)
def test_what_is_no_test_is_exit_code_two_with_its_line(tmp_path, text, says):
    (tmp_path / "good.toml").write_text('preset = "solo"\n' + CASE.format(gpu=L4, expect="allow"))
    (tmp_path / "bad.toml").write_text(text)
    done = run("test", str(tmp_path))
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"bad.toml: {says}" in done.stderr or says in done.stderr


def test_an_empty_folder_and_one_that_is_none_are_exit_code_two(tmp_path):
    assert run("test", str(tmp_path)).exit_code == 2
    assert "holds no tests" in run("test", str(tmp_path)).stderr
    assert run("test", str(tmp_path / "none")).exit_code == 2
    (tmp_path / "a.toml").write_bytes(b"\xff")
    assert run("test", str(tmp_path)).exit_code == 2


@posix
def test_what_is_no_file_in_a_folder_of_tests_is_never_waited_on(tmp_path):
    os.mkfifo(tmp_path / "a.toml")
    done = run("test", str(tmp_path))
    assert (done.exit_code, "a.toml: is not a file." in done.stderr) == (2, True)


@posix
def test_a_request_is_read_from_a_device_only_as_far_as_a_request_can_go():
    done = run("explain", "--request", "/dev/zero")
    assert isinstance(done.exception, Failure)
    assert "/dev/zero is larger than a request can be." in done.exception.message


def test_a_request_from_stdin_is_called_that():
    done = run("explain", "--request", "-", stdin="{")
    assert isinstance(done.exception, Failure)
    assert done.exception.message.startswith("What came from stdin is not JSON (")


@pytest.mark.parametrize("command", ["check", "explain"])
def test_a_policy_named_as_nothing_is_not_taken_for_no_policy(command, tmp_path):
    (tmp_path / "r.json").write_text(json.dumps({"imageName": IMAGE}))
    request = ("--request", str(tmp_path / "r.json")) if command == "explain" else ()
    done = run(command, "", *request)
    assert isinstance(done.exception, Failure)
    assert "RUNPOD_MCP_POLICY was given on the command line as nothing" in done.exception.message


# schema


def test_schema_prints_what_is_published():
    assert run("schema").stdout == (ROOT / "manifests" / "policy.schema.json").read_text("utf-8")


async def test_with_a_key_explain_asks_runpod_and_only_reads(tmp_path):
    served = await anyio.open_process([sys.executable, "-m", "runpod_mcp", "simulator", "--port", "0"])
    try:
        assert served.stderr is not None
        with anyio.fail_after(30):
            base = (await served.stderr.receive()).decode().split()[3].removesuffix("/v2")
        (tmp_path / "p.toml").write_text(toml_with(budget={"include_unmanaged": True}))
        (tmp_path / "r.json").write_text(json.dumps({"gpuTypeIds": [H100], "imageName": IMAGE}))
        done = await anyio.run_process(
            [
                *(sys.executable, "-m", "runpod_mcp", "policy", "explain", str(tmp_path / "p.toml")),
                *("--request", str(tmp_path / "r.json")),
            ],
            env={**os.environ, "RUNPOD_API_KEY": "sim_key", "RUNPOD_API_URL": f"{base}/v2"},
            check=False,
        )
        assert b"Prices and stock are Runpod's, read now." in done.stdout, done.stderr
        assert b"Denied: gpu_not_allowed" in done.stdout
        books = httpx2.get(f"{base}/_sim/books").json()
        assert (books["create_calls"], books["created"]) == (0, 0)
    finally:
        served.terminate()
        await served.aclose()


def test_a_case_with_a_number_beyond_reason_is_named(tmp_path):
    (tmp_path / "p.toml").write_text("version = 1\n")
    (tmp_path / "cases").mkdir()
    request = f'{{ gpuTypeIds = ["{L4}"], imageName = "{IMAGE}", gpuCount = 0x{"f" * 5000} }}'
    case = f'policy = "../p.toml"\n[[case]]\nname = "a"\nrequest = {request}\nexpect = "allow"\n'
    (tmp_path / "cases" / "a.toml").write_text(case)
    done = run("test", str(tmp_path / "cases"))
    assert done.exit_code == 2
    assert (
        "gpuCount: expected a number of at most 1,000,000,000 (got one of thousands of digits)" in done.output
    )
