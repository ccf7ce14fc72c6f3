"""What came of a change to a pod, as a value of `api.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from runpod_mcp.pods.pod import Pod
from runpod_mcp.runpod import outcomes
from runpod_mcp.runpod.api import ChangeOutcome, Created, CreateOutcome, Done
from runpod_mcp.runpod.results import Changed, Made
from runpod_mcp.runpod.sent import Sent

ReadPod = Callable[[object], Pod | None]


def of_create(
    sent: Sent, read_pod: ReadPod, now: datetime, secrets_sent: bool = False, *, says_500_to_all: bool = False
) -> CreateOutcome:
    """What the create of a pod came to; see `made`."""
    outcome = outcomes.made(
        sent, read_pod, now, what="a pod", secrets_sent=secrets_sent, says_500_to_all=says_500_to_all
    )
    return Created(outcome.thing) if isinstance(outcome, Made) else outcome


def of_change(
    sent: Sent, read_pod: ReadPod, now: datetime, secrets_sent: bool = False, *, says_500_to_all: bool = False
) -> ChangeOutcome:
    """What a stop, start, restart, delete or update came to; with `secrets_sent` none of Runpod's words is kept."""
    outcome = outcomes.changed(
        sent, read_pod, now, what="pod", secrets_sent=secrets_sent, says_500_to_all=says_500_to_all
    )
    return Done(outcome.thing) if isinstance(outcome, Changed) else outcome
