"""The commands as a person types them, in a process of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest


def run(*arguments: str, home: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runpod_mcp", *arguments],
        env=clean_env(home) | env,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def clean_env(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT", "LANG")}
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
    }


def test_the_demo_ends_well_and_its_books_show_nothing_alive(tmp_path: Path) -> None:
    done = run("demo", home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gpu_not_allowed" in done.stdout
    assert "over_hourly_budget" in done.stdout
    assert '"live": []' in done.stdout


def test_policy_init_writes_a_policy_that_policy_check_reads(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    assert run("policy", "init", "--preset", "ci", "--path", str(path), home=tmp_path).returncode == 0
    assert tomllib.loads(path.read_text())["version"] == 1
    checked = run("policy", "check", str(path), "--json", home=tmp_path)
    assert checked.returncode == 0
    assert json.loads(checked.stdout)["origin"] == str(path)


def test_policy_init_never_replaces_a_file_unasked(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("version = 1\n")
    refused = run("policy", "init", "--path", str(path), home=tmp_path)
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert path.read_text() == "version = 1\n"
    assert run("policy", "init", "--path", str(path), "--force", home=tmp_path).returncode == 0


def test_policy_check_without_a_file_says_that_the_default_applies(tmp_path: Path) -> None:
    checked = run("policy", "check", home=tmp_path)
    assert checked.returncode == 0
    assert "built-in default" in checked.stdout


def test_a_broken_policy_is_one_line_on_stderr_and_exit_code_one(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("version = 1\n[budget]\nusd_per_dya = 5\n")
    checked = run("policy", "check", str(path), home=tmp_path)
    assert checked.returncode == 1
    assert checked.stdout == ""
    assert checked.stderr.count("\n") == 1
    assert "usd_per_day" in checked.stderr
    assert "Traceback" not in checked.stderr


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("simulator",), ("simulator", "--port", "x"), ("policy", "init", "--preset", "huge")],
)
def test_wrong_usage_is_exit_code_two(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert run(*arguments, home=tmp_path).returncode == 2


def test_http_is_refused_on_an_address_that_others_can_reach(tmp_path: Path) -> None:
    refused = run("serve", "--http", "0.0.0.0:8000", home=tmp_path)
    assert refused.returncode == 2
    assert "127.0.0.1" in refused.stderr


def test_a_url_of_neither_dialect_is_named_before_anything_is_served(tmp_path: Path) -> None:
    refused = run(home=tmp_path, RUNPOD_API_URL="https://api.runpod.io/v3")
    assert refused.returncode == 1
    assert "/v2" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_server_writes_nothing_to_stdout_and_leaves_when_stdin_ends(tmp_path: Path) -> None:
    done = run("--simulator", home=tmp_path)
    assert done.returncode == 0
    assert done.stdout == ""
    assert done.stderr == ""


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "runpod_mcp", "simulator", "--port", "0"],
        env=clean_env(tmp_path),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    yield first.split()[3].removesuffix("/v2")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert out == ""
    assert "Traceback" not in err


def test_the_simulator_answers_with_books_on_the_port_it_names(simulator: str) -> None:
    books = httpx2.get(f"{simulator}/_sim/books").json()
    assert {
        "create_calls",
        "created",
        "live",
        "burn_usd_per_hour",
        "peak_usd_per_hour",
        "charged_usd",
    } <= set(books)


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = run("simulator", "--port", str(taken.getsockname()[1]), home=tmp_path)
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr


def test_a_flag_before_a_command_counts_like_one_after_it(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("version = 9\n")
    for line in (("--policy", str(bad), "serve"), ("serve", "--policy", str(bad))):
        done = run("--simulator", *line, home=tmp_path)
        assert done.returncode == 0
        assert "nothing new is rented" in done.stderr, line


def test_a_flag_that_a_command_does_not_take_is_wrong_usage(tmp_path: Path) -> None:
    refused = run("--simulator", "demo", home=tmp_path)
    assert refused.returncode == 2
    assert "--simulator" in refused.stderr


def test_a_missing_key_is_said_at_start(tmp_path: Path) -> None:
    done = run(home=tmp_path)
    assert done.returncode == 0
    assert "RUNPOD_API_KEY" in done.stderr
    assert done.stdout == ""


def test_an_address_that_is_taken_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = run("--simulator", "serve", "--http", f"127.0.0.1:{taken.getsockname()[1]}", home=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1


def test_a_reader_that_leaves_early_gets_no_traceback(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "runpod_mcp", "demo"],
        env=clean_env(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        demo.stdout.readline()
        demo.stdout.close()
        said = demo.stderr.read()
        assert demo.wait(60) == 1
    assert "Traceback" not in said


def test_reconcile_and_reap_have_nothing_to_do_on_a_fresh_simulator(tmp_path: Path) -> None:
    for command in ("reconcile", "reap"):
        done = run("--simulator", command, home=tmp_path)
        assert (done.returncode, done.stdout) == (0, "Nothing to do.\n")
        assert json.loads(run(command, "--simulator", "--json", home=tmp_path).stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a child")
def test_ctrl_c_ends_a_server_that_waits_for_its_agent(tmp_path: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "runpod_mcp", "--simulator"],
        env=clean_env(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    hello = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    server.stdin.write(json.dumps(hello).encode() + b"\n")
    server.stdin.flush()
    server.stdout.readline()
    server.send_signal(signal.SIGINT)
    out, err = server.communicate(timeout=20)
    assert (out, err) == (b"", b"")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a child")
def test_ctrl_c_ends_a_server_on_a_port_without_a_word(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    server = subprocess.Popen(
        [sys.executable, "-m", "runpod_mcp", "--simulator", "serve", "--http", f"{address[0]}:{address[1]}"],
        env=clean_env(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_until_it_answers(server, address)
    server.send_signal(signal.SIGINT)
    assert (*server.communicate(timeout=20), server.returncode) == (b"", b"", 0)


def wait_until_it_answers(server: subprocess.Popen[bytes], address: tuple[str, int]) -> None:
    while server.poll() is None:
        try:
            socket.create_connection(address, 1).close()
        except OSError:
            continue
        return


@pytest.mark.skipif(os.name != "posix", reason="a shell closes the streams")
@pytest.mark.parametrize("command", ["approvals", "audit", "budget", "pods --simulator", "--simulator"])
@pytest.mark.parametrize("closed", [">&-", "<&-", ">&- <&-"])
def test_a_stream_that_was_closed_before_the_start_is_no_trouble(command, closed, tmp_path):
    done = subprocess.run(
        f"'{sys.executable}' -m runpod_mcp {command} < /dev/null {closed}",
        shell=True,
        env=clean_env(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
