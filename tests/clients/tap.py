"""Stands between a client and the server, unseen by both, and writes down what each says and when.

    python tap.py FOLDER COMMAND [ARGUMENT ...]

Each start makes one file of JSON lines: `{"by": "client" or "server", "after": seconds, "line": text}`, and beside it one of
what the server logs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

KEY = "RUNPOD_API_KEY"


def main() -> None:
    folder, command = Path(sys.argv[1]), sys.argv[2:]
    started = time.monotonic()
    notes = folder / f"{time.time_ns()}-{os.getpid()}.jsonl"
    with notes.open("w", encoding="utf-8") as log, notes.with_suffix(".log").open("wb") as stderr:
        lock = threading.Lock()

        def note(by: str, line: str) -> None:
            with lock:
                log.write(
                    json.dumps({"by": by, "after": round(time.monotonic() - started, 3), "line": line}) + "\n"
                )
                log.flush()

        note("start", os.environ.get(KEY, ""))
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: server.terminate())

        def carry(by: str, source: IO[bytes], sink: IO[bytes]) -> None:
            try:
                for line in iter(source.readline, b""):
                    note(by, line.decode("utf-8", "replace").rstrip("\n"))
                    sink.write(line)
                    sink.flush()
            except OSError:
                pass
            finally:
                if by == "client":
                    sink.close()

        threading.Thread(target=carry, args=("client", sys.stdin.buffer, server.stdin), daemon=True).start()
        carry("server", server.stdout, sys.stdout.buffer)
        code = server.wait()
    os._exit(code & 0xFF)  # the thread that waits for stdin holds its lock


if __name__ == "__main__":
    main()
