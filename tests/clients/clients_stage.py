"""Where a client meets the server: a home of its own, the server's command, and what was heard between the two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients_pinned import Pinned, programs

from runpod_mcp.server.toolsets import tools_of

HERE = Path(__file__).parent
SNIPPETS = HERE.parents[1] / "manifests" / "clients"
KEY = "sim_key_of_a_client"
SECONDS = 120
WRONG_ERA = -32022
CORE = sorted(spec.name for spec in tools_of(("core",)))
POLICY = """\
version = 1
[budget]
usd_per_hour = 5.00
[gpus]
allow = ["NVIDIA L4", "NVIDIA GeForce RTX 4090"]
max_per_pod = 1
[lease]
default_hours = 1
max_hours = 2
"""
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DO_NOT_TRACK": "1",
    "GEMINI_CLI_TRUST_WORKSPACE": "true",
    "GEMINI_TELEMETRY_ENABLED": "false",
    "MCP_USE_ANONYMIZED_TELEMETRY": "false",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "NO_COLOR": "1",
}
"""No client calls home, updates itself or colours what it says."""


@dataclass(frozen=True)
class Row:
    """A line of the table at the end."""

    client: str
    version: str
    era: str
    driven: str
    seconds: float | None

    def told(self) -> tuple[str, ...]:
        """The cells of the line."""
        seconds = f"{self.seconds:.2f}" if self.seconds is not None else "-"
        return self.client, self.version, self.era, self.driven, seconds


ROW = "client row"
"""The name under which a test records its `Row.told`; so a row reaches the table from a worker process too."""


@dataclass(frozen=True)
class Heard:
    """One start of the server: what each side said, as (seconds after the start, message)."""

    key: str
    client: list[tuple[float, dict[str, Any]]]
    server: list[tuple[float, dict[str, Any]]]

    @classmethod
    def read(cls, path: Path) -> Heard:
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        said = {
            by: [(one["after"], json.loads(one["line"])) for one in lines if one["by"] == by]
            for by in ("client", "server")
        }
        return cls(lines[0]["line"], said["client"], said["server"])

    @property
    def era(self) -> str:
        """The protocol version that both sides spoke."""
        (_, asked), (_, told) = self.client[0], self.server[0]
        if asked["method"] == "initialize":
            return str(told["result"]["protocolVersion"])
        return str(asked["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"])

    @property
    def first_answer(self) -> float:
        """Seconds from the server's start to its first answer."""
        return next(after for after, said in self.server if "id" in said)

    @property
    def methods(self) -> list[str]:
        return [said["method"] for _, said in self.client if "method" in said]

    @property
    def protocol_errors(self) -> list[Any]:
        """Errors of the protocol that a client is not used to.

        That a subscription ends when its client leaves is none, nor that a client which tried the older handshake while a
        busy machine kept it waiting is sent back to the era it began with.
        """
        asked = {said["id"]: said["method"] for _, said in self.client if "method" in said and "id" in said}
        usual = {("subscriptions/listen", None), ("initialize", WRONG_ERA)}
        return [
            said["error"]
            for _, said in self.server
            if "error" in said
            and not {(asked.get(said["id"]), code) for code in (None, said["error"]["code"])} & usual
        ]


@dataclass(frozen=True)
class Stage:
    """A folder with a client's home, its working folder, a policy, and the notes of what was said."""

    folder: Path
    record: Callable[[str, object], None]

    @classmethod
    def build(cls, folder: Path, record: Callable[[str, object], None]) -> Stage:
        for name in ("home", "work", "heard", "bin", "tmp"):
            (folder / name).mkdir()
        (folder / "policy.toml").write_text(POLICY, "utf-8")
        return cls(folder, record)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def policy(self) -> str:
        return str(self.folder / "policy.toml")

    @property
    def server(self) -> list[str]:
        """The server on a simulator of its own."""
        return [sys.executable, "-P", "-m", "runpod_mcp", "--simulator", "--policy", self.policy]

    def tapped(self, server: Sequence[str] = ()) -> list[str]:
        """A server's command with somebody who listens in."""
        return [sys.executable, str(HERE / "tap.py"), str(self.folder / "heard"), *(server or self.server)]

    def stands_in_for_uvx(self) -> None:
        """Put a `uvx` on the path that starts this checkout for `uvx runpod-mcp`, and nothing else."""
        words = " ".join(f"'{word}'" for word in self.tapped())
        script = self.folder / "bin" / "uvx"
        script.write_text(f'#!/bin/sh\n[ "$1" = runpod-mcp ] || exit 64\nshift\nexec {words} "$@"\n', "utf-8")
        script.chmod(0o755)

    def env(self, client: Pinned) -> dict[str, str]:
        """What a client is started with: its own home, and nothing of this process but the search path."""
        path = (str(self.folder / "bin"), str(programs(client)), os.environ["PATH"])
        return {
            "HOME": str(self.home),
            "USERPROFILE": str(self.home),
            "TMPDIR": str(self.folder / "tmp"),
            "PATH": os.pathsep.join(path),
            "LANG": "C.UTF-8",
            "RUNPOD_API_KEY": KEY,
            **QUIET,
        }

    def run(self, client: Pinned, line: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command of a client until it ends."""
        env: Mapping[str, str] = {**self.env(client), **more}
        return subprocess.run(
            line,
            cwd=self.folder / "work",
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def tell(self, client: Pinned, era: str, driven: str, seconds: float | None) -> None:
        """Put a client into the table."""
        self.record(ROW, Row(client.name, client.version, era, driven, seconds).told())

    def heard(self) -> list[Heard]:
        """What was said, one entry for each start of the server."""
        return [Heard.read(path) for path in sorted((self.folder / "heard").glob("*.jsonl"))]

    def logged(self) -> str:
        """What the server logged, all starts together."""
        return "".join(path.read_text("utf-8") for path in sorted((self.folder / "heard").glob("*.log")))

    def note(self, client: Pinned, driven: str) -> list[Heard]:
        """Put a client into the table, and give what was heard; nobody may have been told of a protocol error."""
        heard = self.heard()
        assert heard, f"{client} never started the server"
        eras = ", ".join(dict.fromkeys(one.era for one in heard))
        self.tell(client, eras, driven, heard[0].first_answer)
        errors = [error for one in heard for error in one.protocol_errors]
        assert not errors, f"{client}: {errors}"
        return heard


def facts_of(client: Pinned, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What a driver reported."""
    lines = [line for line in done.stdout.splitlines() if line.startswith("FACTS ")]
    assert lines, (
        f"{client} ended with {done.returncode} and told nothing:\n{done.stdout[-500:]}\n{done.stderr[-3000:]}"
    )
    found: dict[str, Any] = json.loads(lines[-1].removeprefix("FACTS "))
    return found


def check_story(client: Pinned, facts: Mapping[str, Any]) -> None:
    """A client that looked, rented, was refused and ended saw all of that."""
    told = f"{client}: {json.dumps(facts)[:3000]}"
    assert facts["tools"] == CORE, told
    assert facts["errors"] == [False, True, False], told
    assert facts["pod_id"] in facts["rented"], told
    assert "gpu_not_allowed" in facts["refused"], told
    assert (facts["seen_during"], facts["seen_after"]) == (True, False), told
    assert facts["pod_id"] in facts["ended"], told
    assert "deleted" in facts["ended"], told


WHOLE_STORY = "list, rent, be refused, end"
