"""`install` and `uninstall`: a dry run first, then an entry that starts this server, and nothing else touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from runpod_mcp.cli import cli
from runpod_mcp.clients.jsonc import read_json
from runpod_mcp.errors import Failure

KEY = "rpa_this_key_must_stay_secret"
COMMAND = [sys.executable, "-P", "-m", "runpod_mcp"]
FILES = {
    "claude-code": ".claude.json",
    "claude-desktop": ".config/Claude/claude_desktop_config.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".config/Code/User/mcp.json",
    "codex": ".codex/config.toml",
    "gemini": ".gemini/settings.json",
    "windsurf": ".codeium/windsurf/mcp_config.json",
    "goose": ".config/goose/config.yaml",
    "opencode": ".config/opencode/opencode.json",
    "zed": ".config/zed/settings.json",
}
ROOTS = ("mcpServers", "servers", "mcp_servers", "mcp", "context_servers", "extensions")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the files above are where Linux has them")


@dataclass(frozen=True)
class Done:
    """How a command ended, as `main` lets a person see it."""

    returncode: int
    stdout: str
    stderr: str


class Person:
    """Somebody with a home of their own at a command line."""

    def __init__(self, folder: Path) -> None:
        self.home, self.work = folder / "home", folder / "work"
        self.home.mkdir()
        self.work.mkdir()

    def run(self, *arguments: str, **env: str) -> Done:
        cleared = dict.fromkeys(name for name in os.environ if name not in ("PATH", "LANG"))
        with chdir(self.work):
            done = CliRunner().invoke(cli, arguments, env=cleared | {"HOME": str(self.home)} | env)
        failure = done.exception if isinstance(done.exception, Failure) else None
        assert failure or isinstance(done.exception, SystemExit | None), done.exception
        stderr = done.stderr + (f"runpod-mcp: {failure}\n" if failure else "")
        assert KEY not in done.stdout + stderr
        return Done(done.exit_code, done.stdout, stderr)

    def install(self, client: str, *arguments: str, **env: str) -> dict[str, Any]:
        done = self.run("install", client, "--yes", "--json", *arguments, **env)
        assert done.returncode == 0, done.stderr
        facts: dict[str, Any] = json.loads(done.stdout)
        return facts

    def entry(self, client: str, name: str = "runpod") -> dict[str, Any]:
        path = self.home / FILES[client]
        readers = {".toml": tomllib.loads, ".yaml": yaml.safe_load}
        text = path.read_text("utf-8")
        if path.suffix in readers:
            document = readers[path.suffix](text)
        else:
            node = read_json(text)
            assert node is not None
            document = node.value
        root = next(document[key] for key in ROOTS if key in document)
        found: dict[str, Any] = root[name]
        return found

    def write(self, client: str, text: str) -> Path:
        path = self.home / FILES[client]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*") if path.is_file())


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


def line_of(entry: dict[str, Any]) -> list[str]:
    command = entry.get("command", entry.get("cmd"))
    return command if isinstance(command, list) else [command, *entry["args"]]


@pytest.mark.parametrize("client", FILES)
def test_a_client_gets_an_entry_that_starts_this_server_and_loses_it_again(person, client):
    dry = person.run("install", client, "--read-only")
    assert dry.returncode == 0
    assert "run again with --yes" in dry.stdout
    assert person.files() == []
    facts = person.install(client, "--read-only")
    assert (facts["changes"], facts["written"], facts["backup"]) == (True, True, None)
    assert line_of(person.entry(client)) == [*COMMAND, "--read-only"]
    before = (person.home / FILES[client]).read_bytes()
    again = person.install(client, "--read-only")
    assert (again["changes"], again["written"], again["diff"]) == (False, False, [])
    assert "nothing was changed" in person.run("install", client, "--read-only", "--yes").stdout
    assert (person.home / FILES[client]).read_bytes() == before
    assert person.files() == [FILES[client]]
    gone = person.run("uninstall", client, "--yes")
    assert gone.returncode == 0
    with pytest.raises((KeyError, StopIteration)):
        person.entry(client)
    assert "nothing was changed" in person.run("uninstall", client, "--yes").stdout


SETTINGS = {
    "claude-code": '{\n  "userID": "x",\n  "mcpServers": {\n    "files": {"command": "npx", "env": {"T": "s3cret"}}\n  }\n}',
    "vscode": '{\n\t// servers\n\t"servers": {\n\t\t"a": {}, // one\n\t},\n}\n',
    "codex": 'model = "x"\n\n[mcp_servers.files] # mine\ncommand = "npx"',
    "goose": "# top\nextensions:\n  developer:\n    type: builtin\n\nGOOSE_MODE: auto\n",
    "zed": '// Zed\r\n{\r\n  "theme": "One",\r\n  "context_servers": {"a": {}}\r\n}\r\n',
}


@pytest.mark.parametrize("client", SETTINGS)
def test_what_others_wrote_stays_to_the_byte_and_a_backup_is_kept(person, client):
    path = person.write(client, SETTINGS[client])
    facts = person.install(client, "--simulator")
    assert Path(facts["backup"]).read_bytes() == SETTINGS[client].encode()
    assert path.name + ".bak-" in facts["backup"]
    assert "s3cret" not in json.dumps(facts)
    assert line_of(person.entry(client)) == [*COMMAND, "--simulator"]
    assert person.run("uninstall", client, "--yes").returncode == 0
    assert path.read_bytes() == SETTINGS[client].encode()


@pytest.mark.parametrize(
    ("client", "text"),
    [
        ("claude-code", '{"a": 1, // comment\n}'),
        ("cursor", '{"mcpServers": {'),
        ("codex", "[mcp_servers\n"),
        ("goose", "extensions: {a: {b: 1}}\n"),
        ("zed", "\x00"),
        ("gemini", '{"mcpServers": []}'),
        ("gemini", '{\n  // Gemini CLI reads comments, and no comma before a brace\n  "mcpServers": {},\n}'),
    ],
)
def test_settings_that_cannot_be_edited_are_left_alone_and_said_to_be(person, client, text):
    path = person.write(client, text)
    refused = person.run("install", client, "--yes")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert str(path) in refused.stderr
    assert "Nothing was changed" in refused.stderr
    assert path.read_text() == text
    assert person.files() == [FILES[client]]


def test_what_to_paste_is_printed_where_the_shape_is_not_understood(person):
    person.write("codex", "mcp_servers = { other = { command = 'x' } }\n")
    refused = person.run("install", "codex", "--write-key", RUNPOD_API_KEY=KEY)
    assert refused.returncode == 1
    assert "[mcp_servers.runpod]" in refused.stdout
    assert "YOUR_KEY" in refused.stdout


def test_an_unknown_client_is_wrong_usage_and_the_nearest_name_is_offered(person):
    refused = person.run("install", "cursr")
    assert refused.returncode == 2
    assert "Did you mean cursor?" in refused.stderr
    assert person.run("uninstall", "emacs").returncode == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("install",),
        ("install", "cursor", "--name", "my server"),
        ("install", "windsurf", "--project"),
        ("install", "cursor", "--write-key", "--simulator"),
    ],
)
def test_flags_that_make_no_sense_are_wrong_usage(person, arguments):
    assert person.run(*arguments).returncode == 2


def test_the_key_is_not_written_unless_asked_and_then_it_is_said(person):
    for client in FILES:
        person.install(client, RUNPOD_API_KEY=KEY)
        assert KEY not in (person.home / FILES[client]).read_text()
    told = person.run("install", "cursor", "--write-key", "--yes", RUNPOD_API_KEY=KEY)
    assert "the API key itself is written into this file" in told.stdout.replace("\n", " ")
    assert "[secret]" in told.stdout
    assert person.entry("cursor")["env"] == {"RUNPOD_API_KEY": KEY}
    again = person.install("cursor", RUNPOD_API_KEY=KEY)
    assert again["changes"] is False
    assert "keeps it" in again["notes"][0]
    assert person.run("uninstall", "cursor", "--yes").returncode == 0
    assert KEY not in (person.home / FILES["cursor"]).read_text()


def test_a_backup_that_holds_the_key_is_said_to(person):
    person.install("cursor", "--write-key", RUNPOD_API_KEY=KEY)
    told = " ".join(person.run("uninstall", "cursor", "--yes").stdout.split())
    (backup,) = (person.home / ".cursor").glob("*.bak-*")
    assert KEY in backup.read_text()
    assert "the API key stands in the backup too" in told
    for client in ("cursor", "gemini"):
        person.install(client, RUNPOD_API_KEY=KEY)
        gone = json.loads(person.run("uninstall", client, "--yes", "--json").stdout)
        assert gone["backup"]
        assert gone["notes"] == []


def test_a_key_among_the_words_of_a_command_is_not_shown_either(person):
    entry = {"command": "env", "args": [f"RUNPOD_API_KEY={KEY}", "runpod-mcp"], "env": {"T": "s3cret"}}
    person.write("cursor", json.dumps({"mcpServers": {"runpod": entry}}))
    for command in ("install", "uninstall"):
        shown = person.run(command, "cursor").stdout
        assert KEY not in shown
        assert "s3cret" not in shown


def test_a_key_that_goes_before_the_file_named_is_said_to(person):
    (person.work / "key").write_text(KEY)
    person.install("cursor", "--write-key", RUNPOD_API_KEY=KEY)
    note = person.install("cursor", "--key-file", "key")["notes"][0]
    assert "goes before the file; uninstall first" in note


def test_without_a_key_there_is_none_to_write(person):
    refused = person.run("install", "cursor", "--write-key", "--yes")
    assert (refused.returncode, person.files()) == (1, [])


def test_clients_that_hand_on_nothing_by_themselves_are_told_which_variables(person):
    person.install("codex", RUNPOD_API_KEY=KEY, RUNPOD_MCP_WEBHOOK_SECRET="whsec")
    assert person.entry("codex")["env_vars"] == ["RUNPOD_API_KEY", "RUNPOD_MCP_WEBHOOK_SECRET"]
    person.install("gemini", RUNPOD_API_KEY=KEY)
    assert person.entry("gemini")["env"] == {"RUNPOD_API_KEY": "${RUNPOD_API_KEY:-}"}


@pytest.mark.parametrize("client", FILES)
def test_a_key_file_is_named_in_the_entry_by_its_whole_path(person, client):
    (person.work / "key").write_text(KEY)
    facts = person.install(client, "--key-file", "key", RUNPOD_API_KEY="another")
    entry = person.entry(client)
    env = entry.get("env") or entry.get("envs") or entry["environment"]
    assert env["RUNPOD_API_KEY_FILE"] == str(person.work / "key")
    assert "not in this file" in facts["notes"][0]


@pytest.mark.parametrize(
    ("text", "words"), [(None, "no such file or directory"), ("", "one line with the key")]
)
def test_a_key_file_that_holds_no_key_is_named_by_the_flag_that_gave_it(person, text, words):
    if text is not None:
        (person.work / "key").write_text(text)
    refused = person.run("install", "cursor", "--key-file", "key", "--yes")
    assert refused.returncode == 1
    assert refused.stderr.startswith("runpod-mcp: settings_broken: --key-file ")
    assert words in refused.stderr
    assert person.files() == []


def test_each_way_to_the_key_is_said(person):
    def note(client: str, **env: str) -> str:
        facts = json.loads(person.run("install", client, "--json", **env).stdout)
        return str(facts["notes"][0])

    assert "No key is found yet" in note("cursor")
    assert "agent's own commands have it too" in note("claude-code", RUNPOD_API_KEY=KEY)
    assert "which a desktop does not do" in note("zed", RUNPOD_API_KEY=KEY)
    assert "no key will be found" in note("claude-desktop", RUNPOD_API_KEY=KEY)
    (person.home / ".runpod").mkdir()
    (person.home / ".runpod" / "config.toml").write_text(f'apikey = "{KEY}"')
    assert "runpodctl's config file" in note("claude-desktop")


def test_settings_in_force_here_go_into_the_entry_with_paths_that_mean_the_same_everywhere(person):
    person.install(
        "cursor",
        "--toolsets",
        "billing,storage",
        RUNPOD_MCP_POLICY="p.toml",
        RUNPOD_MCP_LEDGER="l.db",
        RUNPOD_MCP_READ_ONLY="on",
        RUNPOD_API_URL="https://rest.runpod.io/v1",
    )
    assert line_of(person.entry("cursor"))[4:] == [
        *("--policy", str(person.work / "p.toml"), "--ledger", str(person.work / "l.db")),
        *("--api-url", "https://rest.runpod.io/v1", "--toolsets", "storage,billing", "--read-only"),
    ]


def test_folders_that_a_client_may_not_be_told_of_are_named_too(person, tmp_path):
    person.install("cursor", XDG_CONFIG_HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path / "data"))
    ledger = str(tmp_path / "data" / "runpod-mcp" / "ledger.db")
    assert line_of(person.entry("cursor"))[4:] == ["--ledger", ledger]


def test_a_policy_that_is_missing_or_in_reach_of_the_agent_is_warned_of(person):
    notes = " ".join(person.install("cursor", "--policy", "mine.toml")["notes"])
    assert "there is no policy at mine.toml" in notes
    assert "where an agent may change it" in notes


def test_flags_before_the_command_count_too(person):
    assert person.run("--simulator", "install", "cursor", "--yes").returncode == 0
    assert line_of(person.entry("cursor")) == [*COMMAND, "--simulator"]


def test_an_address_of_neither_dialect_goes_into_no_file(person):
    refused = person.run("install", "cursor", "--yes", "--api-url", "https://api.runpod.io/v9")
    assert (refused.returncode, person.files()) == (1, [])


def test_a_name_that_stands_for_another_server_is_never_taken_over(person):
    text = '{"mcpServers": {"runpod": {"command": "npx", "args": ["-y", "@runpod/mcp-server"]}}}'
    path = person.write("cursor", text)
    for command in ("install", "uninstall"):
        refused = person.run(command, "cursor", "--yes")
        assert refused.returncode == 1
        assert "'npx'" in refused.stderr
    assert path.read_text() == text
    facts = person.install("cursor", "--name", "runpod-limited")
    assert "Runpod's own server" in " ".join(facts["notes"])
    assert line_of(person.entry("cursor", "runpod-limited")) == COMMAND


def test_an_entry_written_by_hand_is_brought_up_to_date_and_keeps_what_is_the_persons_own(person):
    person.write(
        "claude-code",
        '{"mcpServers": {"runpod": {"command": "uvx", "args": ["runpod-mcp"], "env": {"RUNPOD_API_KEY": "'
        + KEY
        + '"}, "mine": true}}}',
    )
    person.install("claude-code")
    entry = person.entry("claude-code")
    assert line_of(entry) == COMMAND
    assert (entry["mine"], entry["env"]) == (True, {"RUNPOD_API_KEY": KEY})
    shown = person.run("uninstall", "claude-code")
    assert "[secret]" in shown.stdout


def test_a_project_gets_settings_of_its_own(person):
    person.install("claude-code", "--project", "--name", "gpus")
    entry = json.loads((person.work / ".mcp.json").read_text())["mcpServers"]["gpus"]
    assert line_of(entry) == COMMAND
    assert person.files() == []


def test_the_settings_that_have_the_entry_are_edited_where_a_client_reads_several(person):
    person.install("opencode")
    person.write("opencode", (person.home / FILES["opencode"]).read_text())
    (person.home / ".config/opencode/opencode.jsonc").write_text("{}\n")
    assert person.install("opencode", "--read-only")["file"].endswith("opencode.json")
    assert person.run("uninstall", "opencode", "--yes").returncode == 0
    assert person.install("opencode")["file"].endswith("opencode.jsonc")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said(person):
    person.write("cursor", "{}").parent.chmod(0o500)
    refused = person.run("install", "cursor", "--yes")
    (person.home / ".cursor").chmod(0o700)
    assert refused.returncode == 1
    assert "cannot be written" in refused.stderr


def test_a_place_that_cannot_be_written_is_said(person):
    (person.home / ".cursor").write_text("a file where the folder should be")
    refused = person.run("install", "cursor", "--yes")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1


def in_a_process(person: Person, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "runpod_mcp", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(person.home)},
        cwd=person.work,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def test_what_cannot_be_done_is_one_line_on_stderr_of_the_real_command(person):
    path = person.write("cursor", "{")
    refused = in_a_process(person, "install", "cursor", "--yes")
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"runpod-mcp: settings_broken: {path} is not valid JSON: line 1")
    assert refused.stderr.count("\n") == 1
    assert in_a_process(person, "install", "cursor", "--json").stdout == ""


def test_a_narrow_terminal_gets_narrow_sentences(person):
    told = person.run("install", "codex", COLUMNS="40").stdout
    sentences = told.partition("Nothing was written")[2].splitlines()
    assert sentences
    assert max(map(len, sentences)) <= 40


def test_a_reader_that_leaves_early_gets_no_traceback(person):
    env = {name: value for name, value in os.environ.items() if name == "PATH"} | {"HOME": str(person.home)}
    with subprocess.Popen(
        [sys.executable, "-m", "runpod_mcp", "install", "cursor"],
        env=env,
        cwd=person.work,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert "Traceback" not in said


def test_an_installed_command_starts_the_server_whatever_lies_where_the_agent_works(person):
    person.install("cursor", "--simulator")
    (person.work / "click.py").write_text("raise SystemExit('imported what the agent wrote')")
    (person.work / "runpod_mcp.py").write_text("raise SystemExit('imported what the agent wrote')")
    done = subprocess.run(
        line_of(person.entry("cursor")),
        cwd=person.work,
        env={"HOME": str(person.home), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


FULL = "runpod-mcp: The output cannot be written (No space left on device).\n"


@pytest.mark.parametrize(("end", "said"), [(">&-", ""), (">/dev/full", FULL)])
@pytest.mark.parametrize("command", ["install cursor", "install cursor --json", "doctor --simulator"])
def test_an_output_that_is_closed_or_full_gets_no_traceback(person, command, end, said):
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m runpod_mcp {command} {end}', sys.executable],
        env={"PATH": os.environ["PATH"], "HOME": str(person.home)},
        cwd=person.work,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.stderr == said
    assert done.returncode == (1 if said else 0)
