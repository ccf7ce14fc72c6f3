"""Where clients keep their settings, and the command that goes into them."""

from __future__ import annotations

from pathlib import Path

import pytest

from runpod_mcp.clients.launch import command, is_official, is_ours
from runpod_mcp.clients.machine import Machine, this_machine
from runpod_mcp.clients.places import CLIENTS, client_named, settings_file, settings_files
from runpod_mcp.errors import Failure

HOME = Path("/home/u")


def machine(platform: str = "linux", **env: str) -> Machine:
    return Machine(HOME, env, platform, Path("/projects/here"))


def place(name: str, at: Machine, *, project: bool = False) -> str:
    client = client_named(name)
    assert client is not None
    return settings_file(client, at, project=project).as_posix()


LINUX = {
    "claude-code": "/home/u/.claude.json",
    "claude-desktop": "/home/u/.config/Claude/claude_desktop_config.json",
    "cursor": "/home/u/.cursor/mcp.json",
    "vscode": "/home/u/.config/Code/User/mcp.json",
    "codex": "/home/u/.codex/config.toml",
    "gemini": "/home/u/.gemini/settings.json",
    "windsurf": "/home/u/.codeium/windsurf/mcp_config.json",
    "goose": "/home/u/.config/goose/config.yaml",
    "opencode": "/home/u/.config/opencode/opencode.json",
    "zed": "/home/u/.config/zed/settings.json",
}
MAC = LINUX | {
    "claude-desktop": "/home/u/Library/Application Support/Claude/claude_desktop_config.json",
    "vscode": "/home/u/Library/Application Support/Code/User/mcp.json",
}
WINDOWS = LINUX | {
    "claude-desktop": "/home/u/AppData/Roaming/Claude/claude_desktop_config.json",
    "vscode": "/home/u/AppData/Roaming/Code/User/mcp.json",
    "goose": "/home/u/AppData/Roaming/Block/goose/config/config.yaml",
    "zed": "/home/u/AppData/Roaming/Zed/settings.json",
}


@pytest.mark.parametrize(("platform", "places"), [("linux", LINUX), ("darwin", MAC), ("win32", WINDOWS)])
def test_each_client_keeps_its_settings_where_its_system_has_them(platform, places):
    assert {client.name: place(client.name, machine(platform)) for client in CLIENTS} == places


@pytest.mark.parametrize(
    ("name", "platform", "env", "expected"),
    [
        ("claude-code", "linux", {"CLAUDE_CONFIG_DIR": "/c"}, "/c/.claude.json"),
        ("codex", "linux", {"CODEX_HOME": "/c"}, "/c/config.toml"),
        ("gemini", "linux", {"GEMINI_CLI_HOME": "/c"}, "/c/.gemini/settings.json"),
        ("goose", "linux", {"GOOSE_PATH_ROOT": "/c"}, "/c/config/config.yaml"),
        ("goose", "darwin", {"XDG_CONFIG_HOME": "/c"}, "/c/goose/config.yaml"),
        ("zed", "linux", {"XDG_CONFIG_HOME": "/c"}, "/c/zed/settings.json"),
        ("zed", "darwin", {"XDG_CONFIG_HOME": "/c"}, "/home/u/.config/zed/settings.json"),
        ("vscode", "win32", {"APPDATA": "/r"}, "/r/Code/User/mcp.json"),
        ("opencode", "linux", {"XDG_CONFIG_HOME": " "}, "/home/u/.config/opencode/opencode.json"),
    ],
)
def test_variables_that_clients_know_move_their_settings(name, platform, env, expected):
    assert place(name, machine(platform, **env)) == expected


def test_a_project_has_settings_of_its_own_where_the_client_knows_such():
    assert place("claude-code", machine(), project=True) == "/projects/here/.mcp.json"
    assert place("vscode", machine(), project=True) == "/projects/here/.vscode/mcp.json"
    windsurf = client_named("windsurf")
    assert windsurf is not None
    assert settings_files(windsurf, machine(), project=True) == ()


def test_settings_with_comments_are_preferred_where_they_are(tmp_path):
    here = Machine(tmp_path, {}, "linux", tmp_path)
    folder = tmp_path / ".config" / "opencode"
    folder.mkdir(parents=True)
    (folder / "opencode.jsonc").write_text("{}")
    assert place("opencode", here).endswith("opencode.jsonc")


@pytest.mark.parametrize("said", ["Claude Code", "claude_code", "CLAUDE-CODE", "claude-cli"])
def test_a_client_is_known_by_what_people_call_it(said):
    client = client_named(said)
    assert client is not None
    assert client.name == "claude-code"


def test_a_home_is_taken_from_the_environment_and_its_lack_is_said():
    assert this_machine({"HOME": "/h"}, "linux").home == Path("/h")
    assert this_machine({"USERPROFILE": "/w", "HOME": "/h"}, "win32").home == Path("/w")

    def nobody() -> Path:
        raise RuntimeError("no home")

    with pytest.raises(Failure, match="No home folder"):
        this_machine({"HOME": " "}, "linux", nobody)


def test_a_client_starts_this_interpreter_and_imports_nothing_from_where_an_agent_works(tmp_path):
    assert command({}, "/venv/bin/python", tmp_path) == ["/venv/bin/python", "-P", "-m", "runpod_mcp"]


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_every_client_has_a_place_of_its_own(platform):
    places = [place(client.name, machine(platform)) for client in CLIENTS]
    assert len(set(places)) == len(places)


def test_an_interpreter_that_is_not_known_is_said(tmp_path):
    with pytest.raises(Failure, match="not known"):
        command({}, "", tmp_path)


def executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("mark", ["uv-receipt.toml", "pipx_metadata.json"])
def test_a_tool_is_started_by_the_script_that_its_upgrades_keep(tmp_path, mark):
    prefix = tmp_path / "tools" / "runpod-mcp"
    script = executable(prefix / "bin" / "runpod-mcp")
    (prefix / mark).write_text("")
    linked = tmp_path / "bin" / "runpod-mcp"
    linked.parent.mkdir()
    linked.symlink_to(script)
    assert command({"PATH": str(linked.parent)}, "/p", prefix) == [str(linked)]
    assert command({"PATH": "/nowhere"}, "/p", prefix) == [str(script)]


def test_a_script_of_the_same_name_that_is_not_the_tools_is_not_taken(tmp_path):
    prefix = tmp_path / "tool"
    prefix.mkdir()
    (prefix / "uv-receipt.toml").write_text("")
    stranger = executable(tmp_path / "npm" / "runpod-mcp")
    assert command({"PATH": str(stranger.parent)}, "/p", prefix)[0] == "/p"


def test_an_environment_in_the_cache_of_uv_comes_and_goes_so_uvx_is_started(tmp_path):
    uvx = executable(tmp_path / "bin" / "uvx")
    prefix = tmp_path / "archive-v0" / "abc"
    env = {"PATH": str(uvx.parent)}
    assert command(env, "/p", prefix) == [str(uvx), "runpod-mcp"]
    assert command(env, "/p", prefix, "/clone") == [str(uvx), "--from", "/clone", "runpod-mcp"]
    assert command({"PATH": "/nowhere"}, "/p", prefix) == ["uvx", "runpod-mcp"]


@pytest.mark.parametrize(
    ("line", "ours", "official"),
    [
        ("uvx runpod-mcp", True, False),
        ("uvx --from /clone runpod-mcp --read-only", True, False),
        ("uvx runpod-mcp@1.2", True, False),
        ("/v/bin/python -P -m runpod_mcp", True, False),
        (r"C:\tools\runpod-mcp.exe", True, False),
        ("docker run -i ghcr.io/someone/runpod-mcp:latest", True, False),
        ("npx -y @runpod/mcp-server@latest", False, True),
        ("npx mcp-remote https://mcp.getrunpod.io/", False, True),
        ("https://mcp.runpod.io/sse", False, True),
        ("https://api.runpod.io/mcp", False, True),
        ("https://abc-8000.proxy.runpod.net/mcp", False, False),
        ("https://docs.runpod.io/mcp", False, False),
        ("https://mcp.example.com/", False, False),
        ("http://[broken/mcp", False, False),
        ("npx files", False, False),
        ("", False, False),
    ],
)
def test_this_server_and_the_official_one_are_told_apart(line, ours, official):
    assert (is_ours(line.split()), is_official(line.split())) == (ours, official)
