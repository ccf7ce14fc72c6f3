"""JSON-RPC line by line, for what no well-behaved client says."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from clients_stage import POLICY

SECONDS = 30
NOW = "2026-07-28"


class Raw:
    """A server over stdio, and somebody who writes it whatever lines they like."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.asked = process, 0
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)

    def write(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The next answer; what is told unasked is left out."""
        while "id" not in (said := json.loads(self._lines.get(timeout=SECONDS))):
            pass
        found: dict[str, Any] = said
        return found

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a question."""
        self.asked += 1
        self.write(json.dumps({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}))
        told = self.answer()
        assert told["id"] == self.asked, told
        return told

    def tell(self, method: str) -> None:
        self.write(json.dumps({"jsonrpc": "2.0", "method": method}))

    def greet(self, version: str = "2025-11-25", **params: Any) -> dict[str, Any]:
        """The handshake, as an older client makes it."""
        usual = {"capabilities": {}, "clientInfo": {"name": "raw", "version": "0"}}
        told = self.ask("initialize", **{"protocolVersion": version, **usual, **params})
        self.tell("notifications/initialized")
        return told

    def call(self, tool: str, **more: Any) -> dict[str, Any]:
        """The result of a tool; `arguments` and `_meta` as given."""
        told = self.ask("tools/call", name=tool, **more)
        assert "result" in told, told
        found: dict[str, Any] = told["result"]
        return found


@contextmanager
def raw_server(folder: Path) -> Iterator[Raw]:
    """A server on a simulator of its own; at the end of its stdin it ends by itself, with 0."""
    (folder / "policy.toml").write_text(POLICY, "utf-8")
    line = [sys.executable, "-P", "-m", "runpod_mcp", "--simulator", "--policy", str(folder / "policy.toml")]
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            line, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
        try:
            yield Raw(process)
        except BaseException:
            process.kill()
            raise
        finally:
            assert process.stdin
            process.stdin.close()
            code = process.wait(SECONDS)
            assert process.stdout
            process.stdout.close()
    assert code == 0, (folder / "log.txt").read_text("utf-8")
