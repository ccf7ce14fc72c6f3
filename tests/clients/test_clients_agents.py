"""The programs people run agents in, each with our own snippet as its settings: they start the server and see its tools.

A `uvx` on their path stands in for the published package, so that a snippet is used as it is.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from clients_pinned import CLAUDE, CODEX, GEMINI, OPENCODE, Pinned
from clients_stage import KEY, SNIPPETS, WHOLE_STORY, Stage, check_story

pytestmark = pytest.mark.clients


def settle(stage: Stage, snippet: str, place: str) -> None:
    """Put a snippet where its client looks for it."""
    stage.stands_in_for_uvx()
    target = stage.home / place
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SNIPPETS / snippet, target)


LISTING = [
    (CLAUDE, "claude-code.mcp.json", ".claude.json", "Connected"),
    (GEMINI, "gemini-settings.json", ".gemini/settings.json", "Connected"),
    (OPENCODE, "opencode.json", ".config/opencode/opencode.json", "connected"),
]


@pytest.mark.parametrize(
    ("client", "snippet", "place", "word"), LISTING, ids=[str(one[0]) for one in LISTING]
)
def test_a_program_with_our_snippet_connects_and_hands_on_the_key(
    client: Pinned, snippet: str, place: str, word: str, stage: Stage
) -> None:
    settle(stage, snippet, place)
    done = stage.run(client, [client.name, "mcp", "list"])
    said = done.stdout + done.stderr
    (line,) = [line for line in said.splitlines() if "runpod" in line and word in line] or [f"no: {said}"]
    assert not line.startswith("no:"), f"{client}: {line}"
    heard = stage.note(client, "mcp list")
    assert {one.key for one in heard} == {KEY}, f"{client} does not hand the key on"


def test_claude_connects_to_what_install_wrote(stage: Stage) -> None:
    """Our own command writes the settings; only who is listened to is changed in them."""
    wrote = stage.run(CLAUDE, [*stage.server, "install", "claude-code", "--yes"])
    settings = stage.home / ".claude.json"
    assert settings.is_file(), wrote.stderr
    config = json.loads(settings.read_text("utf-8"))
    entry = config["mcpServers"]["runpod"]
    command, *arguments = stage.tapped([entry["command"], *entry["args"]])
    entry |= {"command": command, "args": arguments}
    settings.write_text(json.dumps(config), "utf-8")
    done = stage.run(CLAUDE, ["claude", "mcp", "list"])
    assert "Connected" in done.stdout, f"{CLAUDE}: {done.stdout}{done.stderr}"
    stage.note(CLAUDE, "mcp list after install")


class AppServer:
    """`codex app-server`: JSON lines, an answer for each question, and news in between."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.asked = process, 0

    def ask(self, method: str, **params: Any) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.asked += 1
        self.process.stdin.write(json.dumps({"id": self.asked, "method": method, "params": params}) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            said = json.loads(line)
            if said.get("id") == self.asked and "method" not in said:
                assert "error" not in said, f"{CODEX}, {method}: {said}"
                return said["result"]
        raise AssertionError(f"{CODEX} ended without an answer to {method}")

    def call(self, thread: str, tool: str, **arguments: Any) -> tuple[bool, str]:
        told = self.ask(
            "mcpServer/tool/call", threadId=thread, server="runpod", tool=tool, arguments=arguments
        )
        return bool(told.get("isError")), json.dumps([told.get("structuredContent"), told["content"]])


def test_codex_with_our_snippet_looks_rents_is_refused_and_ends(stage: Stage) -> None:
    settle(stage, "codex-config.toml", ".codex/config.toml")
    process = subprocess.Popen(
        ["codex", "app-server"],
        cwd=stage.folder / "work",
        env=stage.env(CODEX),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            check_story(CODEX, codex_story(AppServer(process), stage.folder / "work"))
        finally:
            process.terminate()
    heard = stage.note(CODEX, WHOLE_STORY)
    assert {one.key for one in heard} == {KEY}, f"{CODEX} does not hand the key on"


def codex_story(codex: AppServer, work: Path) -> dict[str, Any]:
    create = {"imageName": "runpod/pytorch:1.0.2-cu1281-torch280-ubuntu2404", "name": "from a client"}
    codex.ask("initialize", clientInfo={"name": "test", "version": "0"})
    (server,) = codex.ask("mcpServerStatus/list")["data"]
    thread = codex.ask("thread/start", cwd=str(work), ephemeral=True)["thread"]["id"]
    rent_error, rented = codex.call(thread, "create_pod", gpuTypeIds=["NVIDIA L4"], **create)
    pod_id = json.loads(rented)[0]["pod"]["podId"]
    refuse_error, refused = codex.call(thread, "create_pod", gpuTypeIds=["NVIDIA H100 80GB HBM3"], **create)
    _, during = codex.call(thread, "list_pods")
    end_error, ended = codex.call(thread, "delete_pod", podId=pod_id)
    _, after = codex.call(thread, "list_pods")
    return {
        "tools": sorted(server["tools"]),
        "pod_id": pod_id,
        "rented": rented,
        "refused": refused,
        "ended": ended,
        "errors": [rent_error, refuse_error, end_error],
        "seen_during": pod_id in during,
        "seen_after": pod_id in after,
    }
