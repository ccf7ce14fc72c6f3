"""Rent Runpod GPUs for an agent, inside the limits a person set.

What a program may use of it is named here and described in `docs/library.md`. It is loaded when it is first asked for, so
that the server starts quickly.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runpod_mcp.clock import SteppedClock
    from runpod_mcp.errors import Code, Failure
    from runpod_mcp.library import build_server, decide
    from runpod_mcp.policy.decision import Allow, AskHuman, Deny
    from runpod_mcp.policy.document import Policy
    from runpod_mcp.server.app import Server
    from runpod_mcp.simulator.app import Simulator

__version__ = "0.1.0"
__all__ = [
    "Allow",
    "AskHuman",
    "Code",
    "Deny",
    "Failure",
    "Policy",
    "Server",
    "Simulator",
    "SteppedClock",
    "__version__",
    "build_server",
    "decide",
]

_ROOMS = {
    "Allow": "policy.decision",
    "AskHuman": "policy.decision",
    "Code": "errors",
    "Deny": "policy.decision",
    "Failure": "errors",
    "Policy": "policy.document",
    "Server": "server.app",
    "Simulator": "simulator.app",
    "SteppedClock": "clock",
    "build_server": "library",
    "decide": "library",
}


if not TYPE_CHECKING:  # a type checker that sees it takes every name for one

    def __getattr__(name: str) -> object:
        if name not in _ROOMS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return __all__
