"""Running the simulator on a port."""

from __future__ import annotations

import contextlib

import anyio
import click

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.logs import log_to_stderr
from runpod_mcp.simulator.app import Simulator
from runpod_mcp.simulator.serve import serve


def run_simulator(port: int, seed: int, boot_seconds: float) -> None:
    """Serve a simulated Runpod on 127.0.0.1 until interrupted; says on stderr how to reach it.

    Raises:
        Failure: the port is taken.
    """
    log_to_stderr()
    simulator = Simulator(seed=seed, boot_seconds=boot_seconds)

    def say(real_port: int) -> None:
        base = f"http://127.0.0.1:{real_port}"
        click.echo(f"Simulated Runpod at {base}/v2 and {base}/v1; books at {base}/_sim/books", err=True)
        click.echo(f"Use it with: RUNPOD_API_KEY=sim_key RUNPOD_API_URL={base}/v2 runpod-mcp", err=True)

    async def run() -> None:
        await serve(simulator, "127.0.0.1", port, say)

    try:
        with contextlib.suppress(KeyboardInterrupt):
            anyio.run(run)
    except OSError as error:
        raise Failure(
            Code.SETTINGS_BROKEN,
            f"Port {port} cannot be used ({error.strerror}).",
            Retry.CHANGED,
            field="--port",
        ) from error
