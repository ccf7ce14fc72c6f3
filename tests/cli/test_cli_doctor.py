"""`doctor`: everything looked at once, never a traceback, never a key, and exit code 1 when something is bad."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest

from runpod_mcp.cli.checkup import examine, guarded
from runpod_mcp.cli.findings import Finding, State
from runpod_mcp.cli.options import Options
from runpod_mcp.clients.machine import Machine
from runpod_mcp.clock import SteppedClock, epoch
from runpod_mcp.errors import Code, Failure
from runpod_mcp.ledger.sqlite import SqliteLedger
from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.serve import serve

KEY = "rpa_this_key_must_stay_secret"
GOOD_POLICY = 'version = 1\n[budget]\nusd_per_day = 5\n[gpus]\nallow = ["NVIDIA L4"]\n'
ENDLESS = 60
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions")


class Patient:
    """A home and a folder that the doctor is called to."""

    def __init__(self, folder: Path) -> None:
        self.home, self.work, self.ledger = folder / "home", folder / "work", folder / "books" / "ledger.db"
        self.policy = folder / "policy.toml"
        for place in (self.home, self.work, self.ledger.parent):
            place.mkdir(mode=0o700)
        self.policy.write_text(GOOD_POLICY)
        self.policy.chmod(0o600)

    def machine(self, **env: str) -> Machine:
        return Machine(self.home, {"HOME": str(self.home)} | env, "linux", self.work)

    def options(self, **other: Any) -> Options:
        facts = {"policy": str(self.policy), "ledger": str(self.ledger), "api_url": None, "simulator": True}
        return Options(**(facts | {"read_only": False, "toolsets": None} | other))

    async def told(self, *, clock: SteppedClock | None = None, **given: Any) -> list[tuple[str, str, str]]:
        """What is found, as (what, state, line and advice); upper-case arguments are variables, the others flags."""
        env = {name: value for name, value in given.items() if name.isupper()}
        flags = {name: value for name, value in given.items() if not name.isupper()}
        now = clock or SteppedClock(datetime.now(UTC))
        with anyio.fail_after(ENDLESS):
            found = await examine(self.options(**flags), self.machine(**env), now)
        told = [(one.what, one.state.value, f"{one.line} {one.do}".strip()) for one in found]
        assert KEY not in str(told)
        return told

    def client(self, place: str, text: str) -> None:
        path = self.home / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path)


def about(told: list[tuple[str, str, str]], what: str) -> list[tuple[str, str]]:
    return [(state, line) for one, state, line in told if one == what]


def states(told: list[tuple[str, str, str]]) -> set[str]:
    return {state for _, state, _ in told}


@contextmanager
def a_runpod(status: int, date: str | None = None, body: bytes = b"{}") -> Iterator[str]:
    """A server on a port of this machine that answers every question alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if date:
                self.send_header("Date", date)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_on_the_simulator_everything_is_well(patient):
    told = await patient.told()
    assert states(told) == {"ok"}
    assert {what for what, _, _ in told} == {
        *("key", "api", "permissions", "prices", "policy", "ledger", "client", "bypass")
    }
    assert not patient.ledger.exists(), "a look makes nothing"


async def test_a_ledger_that_is_there_is_tried_and_verified(patient):
    ledger = SqliteLedger(patient.ledger)
    await ledger.spending(1, ())
    await ledger.close()
    assert about(await patient.told(), "ledger") == [
        ("ok", f"{patient.ledger} can be written and is sound; 0 leases count.")
    ]


async def test_a_live_runpod_is_reached_with_a_key_and_its_clock_compared(patient):
    ports: list[int] = []
    async with anyio.create_task_group() as tasks:
        ready = anyio.Event()

        def told(port: int) -> None:
            ports.append(port)
            ready.set()

        tasks.start_soon(serve, Simulator(), "127.0.0.1", 0, told)
        await ready.wait()
        base = f"http://127.0.0.1:{ports[0]}"
        good = await patient.told(simulator=False, api_url=f"{base}/v2", RUNPOD_API_KEY=KEY)
        wrong = await patient.told(simulator=False, api_url=f"{base}/v2", RUNPOD_API_KEY="sim_wrong")
        forbidden = await patient.told(simulator=False, api_url=f"{base}/v2", RUNPOD_API_KEY="sim_forbidden")
        old = await patient.told(simulator=False, api_url=f"{base}/v1", RUNPOD_API_KEY=KEY)
        tasks.cancel_scope.cancel()
    assert about(good, "key") == [("ok", "Found in RUNPOD_API_KEY.")]
    assert about(good, "api")[0][0] == "ok"
    assert about(good, "permissions")[0][1].startswith("The key may list pods (0 there)")
    assert [state for state, _ in about(good, "bypass")] == ["warn"]
    assert about(wrong, "permissions")[0][0] == "bad"
    assert "does not accept the API key" in about(wrong, "permissions")[0][1]
    assert "may not do this" in about(forbidden, "permissions")[0][1]
    assert "read and write access to api.runpod.io/graphql" in about(forbidden, "permissions")[0][1]
    assert "retire it on 2026-11-15" in about(old, "api")[0][1]


async def test_a_retired_api_is_named_and_the_one_to_use(patient):
    with a_runpod(410) as base:
        told = await patient.told(simulator=False, api_url=f"{base}/v1", RUNPOD_API_KEY=KEY)
    assert about(told, "api") == [
        (
            "bad",
            "127.0.0.1 has retired its v1 API (410). Leave RUNPOD_API_URL out, or set it to https://api.runpod.io/v2.",
        )
    ]
    assert about(told, "permissions") == []


async def test_a_retired_api_that_is_the_newest_known_here_asks_for_a_newer_program(patient):
    with a_runpod(410) as base:
        told = await patient.told(simulator=False, api_url=f"{base}/v2", RUNPOD_API_KEY=KEY)
    (state, line) = about(told, "api")[0]
    assert state == "bad"
    assert "Upgrade runpod-mcp" in line
    assert "RUNPOD_API_URL" not in line


async def test_runpods_edge_that_turns_the_program_away_is_not_taken_for_runpod(patient):
    with a_runpod(403, body=b"error code: 1010") as base:
        told = await patient.told(simulator=False, api_url=f"{base}/v2", RUNPOD_API_KEY=KEY)
    (state, line) = about(told, "api")[0]
    assert state == "bad"
    assert "edge turned this program away" in line
    assert "another network" in line
    assert about(told, "permissions") == []


async def test_an_api_that_fails_is_told_from_one_that_refuses(patient):
    with a_runpod(503) as base:
        told = await patient.told(simulator=False, api_url=f"{base}/v2", RUNPOD_API_KEY=KEY)
    (state, line) = about(told, "api")[0]
    assert state == "bad"
    assert "HTTP 503" in line
    assert about(told, "permissions") == []


async def test_an_address_that_nobody_answers_at_is_said_and_the_rest_is_still_looked_at(patient):
    told = await patient.told(simulator=False, api_url="http://127.0.0.1:1/v2", RUNPOD_API_KEY=KEY)
    assert about(told, "api")[0][0] == "bad"
    assert about(told, "policy") == [("ok", f"Read from {patient.policy}.")]
    assert about(told, "ledger")[0][0] == "ok"


@pytest.mark.parametrize(("hours", "words"), [(1, "3600 s behind"), (-1, "3600 s ahead of"), (0, "agree")])
async def test_a_clock_that_differs_from_runpods_is_said(patient, hours, words):
    clock = SteppedClock()
    date = format_datetime(SteppedClock().step(hours=hours), usegmt=True)
    with a_runpod(401, date) as base:
        told = await patient.told(clock=clock, simulator=False, api_url=f"{base}/v2")
    (state, line) = about(told, "clock")[0]
    assert state == ("ok" if hours == 0 else "warn")
    assert words in line


@pytest.mark.parametrize("date", [None, "yesterday"])
async def test_an_answer_without_a_time_says_nothing_of_the_clock(patient, date):
    with a_runpod(401, date) as base:
        told = await patient.told(simulator=False, api_url=f"{base}/v2")
    assert about(told, "clock") == []


async def test_without_a_key_it_says_where_one_is_looked_for(patient):
    with a_runpod(401) as base:
        told = await patient.told(simulator=False, api_url=f"{base}/v2")
    assert about(told, "key")[0][0] == "bad"
    assert "RUNPOD_API_KEY_FILE" in about(told, "key")[0][1]
    assert about(told, "api")[0][0] == "ok"


def key_file(patient: Patient, mode: int = 0o600) -> str:
    """A file with the key, where the README puts it."""
    file = patient.home / ".runpod-key"
    file.write_text(KEY)
    file.chmod(mode)
    return str(file)


def entry_with(**env: str) -> str:
    entry = {"command": sys.executable, "args": ["-P", "-m", "runpod_mcp"], "env": env}
    return json.dumps({"mcpServers": {"runpod": entry}})


async def test_a_key_that_only_the_installed_server_is_told_of_is_found_and_tried(patient):
    patient.client(".cursor/mcp.json", entry_with(RUNPOD_API_KEY_FILE=key_file(patient)))
    with a_runpod(401) as base:
        told = await patient.told(simulator=False, api_url=f"{base}/v2")
    (state, line) = about(told, "key")[0]
    assert state == "ok"
    assert line.startswith("Found in RUNPOD_API_KEY_FILE, which the settings of Cursor (")
    assert "does not accept the API key" in about(told, "permissions")[0][1]
    assert [state for state, _ in about(told, "bypass")] == ["ok"], "it is not in the environment here"


@posix
async def test_the_key_file_of_an_installed_server_is_looked_at_like_any_other(patient):
    patient.client(".cursor/mcp.json", entry_with(RUNPOD_API_KEY_FILE=key_file(patient, 0o644)))
    with a_runpod(401) as base:
        told = await patient.told(simulator=False, api_url=f"{base}/v2")
    assert [state for state, _ in about(told, "key")] == ["ok", "warn"]
    (patient.home / ".runpod-key").unlink()
    told = await patient.told(PATH=os.environ["PATH"])
    (state, line) = about(told, "client")[0]
    assert state == "warn"
    assert "its RUNPOD_API_KEY_FILE cannot be read" in line


async def test_no_key_is_taken_from_settings_that_start_something_else_or_lie_where_an_agent_works(patient):
    file = key_file(patient)
    patient.client(".gemini/settings.json", entry_with(RUNPOD_API_KEY="${RUNPOD_API_KEY:-}"))
    patient.client(".codeium/windsurf/mcp_config.json", "[]")
    patient.client(
        ".cursor/mcp.json",
        entry_with(RUNPOD_API_KEY_FILE=file).replace("runpod_mcp", "another"),
    )
    (patient.work / ".mcp.json").write_text(entry_with(RUNPOD_API_KEY_FILE=file))
    with a_runpod(401) as base:
        told = await patient.told(simulator=False, api_url=f"{base}/v2")
    assert about(told, "key")[0][0] == "bad"
    patient.client(".gemini/settings.json", entry_with(RUNPOD_API_KEY_FILE="/nowhere"))
    with a_runpod(401) as base:
        told = await patient.told(simulator=False, api_url=f"{base}/v2")
    assert about(told, "key")[0][0] == "bad"


@pytest.mark.parametrize("placeholder", ["YOUR_KEY", "${RUNPOD_API_KEY}", "$RUNPOD_API_KEY"])
async def test_a_placeholder_is_no_key(patient, placeholder):
    with a_runpod(401) as base:
        told = await patient.told(simulator=False, api_url=f"{base}/v2", RUNPOD_API_KEY=placeholder)
    assert about(told, "key") == [("bad", "What stands in RUNPOD_API_KEY is a placeholder, not a key.")]


@posix
async def test_a_key_file_that_others_may_read_is_said(patient):
    file = patient.home / "key"
    file.write_text(KEY)
    for mode, count in ((0o644, 2), (0o600, 1)):
        file.chmod(mode)
        with a_runpod(401) as base:
            told = await patient.told(simulator=False, api_url=f"{base}/v2", RUNPOD_API_KEY_FILE=str(file))
        assert len(about(told, "key")) == count


async def test_settings_that_keep_a_server_from_starting_are_each_named_and_the_rest_is_looked_at(patient):
    told = await patient.told(
        simulator=False, api_url="ftp://x", RUNPOD_MCP_TOOLSETS="x", RUNPOD_API_KEY_FILE="/nowhere"
    )
    settings = about(told, "settings")
    assert [state for state, _ in settings] == ["bad"] * 3
    assert [line.split()[0] for _, line in settings] == [
        *("RUNPOD_API_KEY_FILE", "RUNPOD_MCP_TOOLSETS", "RUNPOD_API_URL")
    ]
    assert about(told, "policy")[0][0] == "ok"
    assert about(told, "ledger")[0][0] == "ok"


async def test_a_flag_that_cannot_be_read_leaves_clients_to_look_at(patient):
    told = await patient.told(ledger="https://x/y")
    assert [what for what, _, _ in told] == ["settings", "client", "bypass"]


async def test_no_policy_a_broken_one_and_a_missing_one_are_three_things(patient):
    checks = json.loads(run(patient.home, "--simulator", "--json").stdout)["checks"]
    assert [one["state"] for one in checks if one["what"] == "policy"] == ["warn"]
    patient.policy.write_text("version = 1\n[budget]\nusd_per_dya = 1\n")
    broken = await patient.told()
    assert about(broken, "policy")[0][0] == "bad"
    assert "usd_per_day" in about(broken, "policy")[0][1]
    missing = await patient.told(policy=str(patient.work / "none.toml"))
    assert about(missing, "policy")[0][0] == "bad"


@posix
async def test_a_policy_that_others_or_an_agent_could_change_is_said(patient):
    patient.policy.chmod(0o660)
    assert "A group may change" in about(await patient.told(), "policy")[1][1]
    patient.policy.chmod(0o666)
    assert about(await patient.told(), "policy")[0][0] == "bad"
    here = patient.work / "policy.toml"
    here.write_text(GOOD_POLICY)
    here.chmod(0o600)
    lines = [line for _, line in about(await patient.told(policy=str(here)), "policy")]
    assert "where an agent may change it" in lines[1]


@posix
async def test_a_policy_that_only_a_link_leads_to_the_agent_is_said_and_one_beside_its_folder_is_not(patient):
    here = patient.work / "policy.toml"
    here.write_text(GOOD_POLICY)
    here.chmod(0o600)
    link = patient.home / "policy.toml"
    link.symlink_to(here)
    beside = str(patient.work / ".." / "policy.toml")
    for path, reached in ((str(link), True), (beside, False)):
        lines = str(about(await patient.told(policy=path), "policy"))
        assert ("where an agent may change it" in lines) is reached, path


async def test_the_doubts_of_policy_check_are_told(patient):
    patient.policy.write_text('version = 1\n[gpus]\nallow = ["NVIDIA L44"]\n')
    lines = [line for _, line in about(await patient.told(), "policy")]
    assert any("NVIDIA L44" in line for line in lines)


async def test_a_ledger_that_is_none_or_was_cut_off_is_bad(patient):
    for data in (b"", b"not a database at all, but text" * 50):
        patient.ledger.write_bytes(data)
        assert about(await patient.told(), "ledger")[0][0] == "bad"


async def test_a_ledger_that_cannot_be_made_is_bad(patient):
    (patient.work / "file").write_text("")
    told = await patient.told(ledger=str(patient.work / "file" / "ledger.db"))
    assert about(told, "ledger")[0][0] == "bad"


async def test_tampering_with_the_ledger_is_found(patient):
    import sqlite3

    ledger = SqliteLedger(patient.ledger)
    await ledger.spending(1, ())
    await ledger.close()
    with sqlite3.connect(patient.ledger) as db:
        db.execute("INSERT INTO spent (window_key, usd) VALUES ('day:2026-11-24', 5)")
    db.close()
    (state, line) = about(await patient.told(), "ledger")[0]
    assert state == "bad"
    assert "is not sound" in line


@posix
async def test_a_ledger_that_others_may_open_or_replace_is_said(patient):
    ledger = SqliteLedger(patient.ledger)
    await ledger.spending(1, ())
    await ledger.close()
    patient.ledger.chmod(0o644)
    patient.ledger.parent.chmod(0o777)
    lines = [line for _, line in about(await patient.told(), "ledger")[1:]]
    assert [line.rpartition("chmod ")[2].split()[0] for line in lines] == ["600", "go-w"]


@pytest.mark.parametrize(("ahead", "state"), [(3600, "bad"), (300, "warn"), (5, None)])
async def test_a_clock_that_is_behind_the_ledger_is_said(patient, ahead, state):
    clock = SteppedClock()
    ledger = SqliteLedger(patient.ledger)
    await ledger.spending(epoch(clock.now()) + ahead, ())
    await ledger.close()
    told = about(await patient.told(clock=clock), "clock")
    assert [one for one, _ in told] == ([state] if state else [])


async def test_clients_are_told_with_the_command_they_start(patient):
    ours = f'{{"command": "{sys.executable}", "args": ["-P", "-m", "runpod_mcp", "--ledger", "/a"]}}'
    patient.client(".cursor/mcp.json", f'{{"mcpServers": {{"runpod": {ours}}}}}')
    patient.client(
        ".gemini/settings.json", '{"mcpServers": {"gpus": {"command": "/gone", "args": ["runpod-mcp"]}}}'
    )
    patient.client(
        ".config/zed/settings.json", '{"context_servers": {"r": {"command": "runpod-mcp", "enabled": false}}}'
    )
    patient.client(".codex/config.toml", "[broken")
    patient.client(".config/goose/config.yaml", "GOOSE_MODE: auto\n")
    folder = str(patient.work)
    patient.client(
        ".claude.json",
        json.dumps(
            {"projects": {folder: {"mcpServers": {"here": {"command": "uvx", "args": ["runpod-mcp"]}}}}}
        ),
    )
    told = about(await patient.told(PATH=os.environ["PATH"]), "client")
    found = {line.split(" (")[0].split(":")[0]: (state, line) for state, line in told[:-1]}
    assert found["Cursor"][0] == "ok"
    assert "--ledger /a" in found["Cursor"][1]
    assert "its command /gone is not found" in found["Gemini CLI"][1]
    assert "switched off" in found["Zed"][1]
    assert "not valid TOML" in found["Codex"][1]
    assert "runpod-mcp install goose" in found["goose"][1]
    assert "here" in found["Claude Code"][1]
    assert told[-1][0] == "warn"
    assert "2 different ledgers" in told[-1][1]


async def test_what_goes_round_the_limits_is_found(patient):
    patient.client(
        ".cursor/mcp.json",
        json.dumps(
            {
                "mcpServers": {
                    "official": {"command": "npx", "args": ["-y", "@runpod/mcp-server@latest"]},
                    "remote": {"url": "https://mcp.getrunpod.io/"},
                    "off": {"command": "npx", "args": ["@runpod/mcp-server"], "disabled": True},
                    "ctl": {"command": "runpodctl", "args": ["mcp"]},
                    "runpod": {"command": "uvx", "args": ["runpod-mcp"], "env": {"RUNPOD_API_KEY": KEY}},
                    "fine": {"command": "npx", "env": {"RUNPOD_API_KEY": "${RUNPOD_API_KEY}"}},
                }
            }
        ),
    )
    (patient.home / ".runpod").mkdir()
    (patient.home / ".runpod" / "config.toml").write_text(f'apikey = "{KEY}"')
    told = about(await patient.told(RUNPOD_API_KEY=KEY), "bypass")
    assert [state for state, _ in told] == ["warn", "warn", "bad", "bad", "warn", "warn"]
    for words, (_, line) in zip(
        ("is in the environment", "runpodctl is set up", "official", "remote", "runs runpodctl", "stands in the settings"),
        told,
        strict=True,
    ):  # fmt: skip
        assert words in line


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("home/.bashrc", f"export RUNPOD_API_KEY={KEY}\n"),
        ("home/.config/fish/config.fish", f"  set -gx RUNPOD_API_KEY '{KEY}'\n"),
        ("home/.claude/settings.json", json.dumps({"env": {"RUNPOD_API_KEY": KEY}})),
        ("home/.gemini/.env", f"RUNPOD_API_KEY={KEY}\n"),
        ("home/.zshrc", 'export RUNPOD_API_KEY="$(pass runpod)"\n'),
        ("work/.claude/settings.local.json", json.dumps({"env": {"RUNPOD_API_KEY": KEY}})),
        ("work/.env", f'A=1\r\nRUNPOD_API_KEY="{KEY}"\r\n'),
    ],
)
async def test_a_file_that_puts_the_key_into_an_agents_environment_is_named(patient, place, text):
    path = patient.home.parent / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    told = about(await patient.told(), "bypass")
    assert [state for state, _ in told] == ["warn"]
    assert str(path) in told[0][1]


async def test_a_file_that_only_speaks_of_the_key_is_not_named(patient):
    (patient.home / ".bashrc").write_text(
        "# export RUNPOD_API_KEY=x\nexport RUNPOD_API_KEY_FILE=~/k\nunset RUNPOD_API_KEY\nRUNPOD_API_KEY=\n"
    )
    (patient.home / ".zshrc").mkdir()
    (patient.work / ".env").write_bytes(b"\xff\xfe")
    assert [state for state, _ in about(await patient.told(), "bypass")] == ["ok"]


async def test_what_an_agent_wrote_into_a_project_cannot_paint_over_the_report(patient):
    evil = {"command": "\x1b[2J\x1b]0;ok\x07gone", "args": ["runpod-mcp"]}
    (patient.work / ".mcp.json").write_text(json.dumps({"mcpServers": {"\x1b[2J": evil}}))
    told = await patient.told()
    assert "gone" in str(about(told, "client"))
    assert not any(sign in line for _, _, line in told for sign in "\x1b\x07")


async def test_settings_that_cannot_be_read_are_never_said_to_be_harmless(patient):
    official = '{type: stdio, cmd: npx, args: ["@runpod/mcp-server"]}'
    patient.client(".config/goose/config.yaml", f"extensions:\n  r: {official}\n")
    told = about(await patient.told(), "bypass")
    assert [state for state, _ in told] == ["warn"]
    assert "goose" in told[0][1]


async def test_the_official_server_is_found_in_any_project_of_claude_code(patient):
    official = {"command": "npx", "args": ["-y", "@runpod/mcp-server"]}
    projects = {"/somewhere/else": {"mcpServers": {"r": official}}, "/odd": 5, "/odder": {"mcpServers": []}}
    patient.client(".claude.json", json.dumps({"projects": projects}))
    told = about(await patient.told(), "bypass")
    assert [state for state, _ in told] == ["bad"]
    assert "r in /somewhere/else" in told[0][1]


async def test_one_part_that_cannot_be_looked_at_never_keeps_the_others_from_it():
    async def broken() -> list[Finding]:
        raise ValueError("what nobody foresaw, with a key in it")

    async def refused() -> list[Finding]:
        raise Failure(Code.NOT_FOUND, "In our own words.")

    async def endless() -> list[Finding]:
        await anyio.sleep_forever()
        return []

    found = [(await guarded("x", look, seconds=0.01))[0] for look in (broken, refused, endless)]
    assert [one.line for one in found] == [
        *(
            "This could not be looked at (ValueError).",
            "In our own words.",
            "No end of it after 0.01 seconds.",
        )
    ]
    assert {one.state for one in found} == {State.BAD}


async def test_a_ledger_that_is_a_folder_is_bad(patient):
    told = await patient.told(ledger=str(patient.work))
    assert about(told, "ledger")[0][0] == "bad"


async def test_no_ledger_is_kept_by_a_simulator_of_its_own(patient):
    assert about(await patient.told(ledger=None), "ledger") == [
        ("ok", "It lives as long as the simulator in the server does.")
    ]


async def test_a_client_of_the_simulator_has_no_ledger_to_differ(patient):
    entry = {"command": sys.executable, "args": ["-m", "runpod_mcp", "--simulator"]}
    patient.client(".cursor/mcp.json", json.dumps({"mcpServers": {"runpod": entry}}))
    older = {"command": {"path": sys.executable, "args": ["-m", "runpod_mcp"]}}
    patient.client(".config/zed/settings.json", json.dumps({"context_servers": {"runpod": older}}))
    patient.client(".gemini/settings.json", "[]")
    told = about(await patient.told(), "client")
    assert [state for state, _ in told] == ["ok", "warn", "ok"]
    assert "something else than an object" in told[1][1]


def run(home: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT", "LANG")}
    return subprocess.run(
        [sys.executable, "-m", "runpod_mcp", "doctor", *arguments],
        env=kept | {"HOME": str(home)} | env,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def test_the_command_ends_with_one_when_something_is_bad_and_with_none_when_nothing_is(patient):
    well = run(patient.home, "--simulator", "--policy", str(patient.policy))
    assert (well.returncode, well.stderr) == (0, "")
    assert "0 bad" in well.stdout
    ill = run(patient.home, "--simulator", "--policy", str(patient.home / "none"))
    assert ill.returncode == 1
    assert ill.stderr == ""


def test_programs_get_json_and_narrow_terminals_narrow_lines(patient):
    facts = json.loads(run(patient.home, "--simulator", "--json").stdout)
    assert facts["sound"] is True
    assert {"what", "state", "line", "do"} == set(facts["checks"][0])
    narrow = run(patient.home, "--simulator", COLUMNS="40").stdout.splitlines()
    assert all(len(line) <= 40 or len(line.split()) == 1 for line in narrow)


def test_a_reader_that_leaves_early_gets_no_traceback(patient):
    with subprocess.Popen(
        [sys.executable, "-m", "runpod_mcp", "doctor", "--simulator"],
        env={"PATH": os.environ["PATH"], "HOME": str(patient.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
