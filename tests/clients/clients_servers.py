"""Servers on a port, for clients that start anew for every question: a simulated Runpod, our server over HTTP."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS = 60


@dataclass(frozen=True)
class Runpod:
    """A simulated Runpod in a process of its own."""

    url: str

    def books(self) -> dict[str, Any]:
        """What it wrote down."""
        with urllib.request.urlopen(f"{self.url}/_sim/books", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def control(self, route: str, body: dict[str, Any]) -> None:
        """Ask the simulator for something: a fault, a pod made by hand."""
        asked = urllib.request.Request(f"{self.url}/_sim/{route}", json.dumps(body).encode())
        urllib.request.urlopen(asked, timeout=10).close()


@contextmanager
def simulated_runpod(folder: Path) -> Iterator[Runpod]:
    """A simulated Runpod on a free port, ended at the end."""
    words = folder / "simulator.txt"
    with _running(
        [sys.executable, "-P", "-m", "runpod_mcp", "simulator", "--port", "0"], folder, words
    ) as process:
        found = _wait_for(process, words, lambda text: re.search(r"at (http://127\.0\.0\.1:\d+)/v2", text))
        yield Runpod(found[1])


@contextmanager
def served_over_http(server: Sequence[str], folder: Path) -> Iterator[tuple[str, float]]:
    """Our server over HTTP on a free port: its URL, and the seconds until it took a connection."""
    port, words, started = free_port(), folder / "http.txt", time.monotonic()
    line = [*server[:4], "serve", "--http", f"127.0.0.1:{port}", *server[4:]]
    with _running(line, folder, words) as process:
        _wait_for(process, words, lambda _: _connects(port))
        yield f"http://127.0.0.1:{port}/mcp", time.monotonic() - started


def free_port() -> int:
    """A port that nobody has just now."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def _running(line: Sequence[str], folder: Path, words: Path) -> Iterator[subprocess.Popen[bytes]]:
    with words.open("wb") as said:
        process = subprocess.Popen(line, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def _wait_for(process: subprocess.Popen[bytes], words: Path, found: Any) -> Any:
    """What `found` finds in the words of a process, as soon as it does."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        text = words.read_text("utf-8", "replace")
        if what := found(text):
            return what
        assert process.poll() is None, f"it ended with {process.returncode}: {text[-2000:]}"
        time.sleep(0.05)
    raise AssertionError(f"it did not start in {START_SECONDS} seconds: {words.read_text('utf-8')[-2000:]}")


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
