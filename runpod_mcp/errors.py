"""Every way this program says no, as one exception with a stable code.

A `Failure` is raised where the trouble is understood and translated once: for an agent in
`server/failures.py`, for a person in `cli/`. Its message is ours; what Runpod said goes to the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """What went wrong, in one word that never changes meaning."""

    # the policy said no
    GPU_NOT_ALLOWED = "gpu_not_allowed"
    CPU_NOT_ALLOWED = "cpu_not_allowed"
    TOO_MANY_GPUS = "too_many_gpus"
    TOO_MANY_PODS = "too_many_pods"
    CLOUD_NOT_ALLOWED = "cloud_not_allowed"
    DATA_CENTER_NOT_ALLOWED = "data_center_not_allowed"
    IMAGE_NOT_ALLOWED = "image_not_allowed"
    TEMPLATE_NOT_ALLOWED = "template_not_allowed"
    PORT_NOT_ALLOWED = "port_not_allowed"
    INTERRUPTIBLE_NOT_ALLOWED = "interruptible_not_allowed"
    DISK_TOO_LARGE = "disk_too_large"
    LEASE_TOO_LONG = "lease_too_long"
    OVER_POD_HOURLY_BUDGET = "over_pod_hourly_budget"
    OVER_HOURLY_BUDGET = "over_hourly_budget"
    OVER_DAILY_BUDGET = "over_daily_budget"
    OVER_MONTHLY_BUDGET = "over_monthly_budget"
    OVER_TOTAL_BUDGET = "over_total_budget"
    PRICE_UNKNOWN = "price_unknown"
    PRICE_ABOVE_MAXIMUM = "price_above_maximum"
    APPROVAL_REQUIRED = "approval_required"
    APPROVAL_DENIED = "approval_denied"
    NOT_MANAGED = "not_managed"
    READ_ONLY = "read_only"

    # the call failed
    INVALID_ARGUMENTS = "invalid_arguments"
    NO_CAPACITY = "no_capacity"
    INVALID_REQUEST = "invalid_request"
    UNAUTHORIZED = "unauthorized"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    RATE_LIMITED = "rate_limited"
    RUNPOD_UNAVAILABLE = "runpod_unavailable"
    OUTCOME_UNKNOWN = "outcome_unknown"
    PRICE_ABOVE_QUOTE = "price_above_quote"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    LEDGER_UNAVAILABLE = "ledger_unavailable"
    CLOCK_BEHIND = "clock_behind"
    POLICY_BROKEN = "policy_broken"
    SETTINGS_BROKEN = "settings_broken"
    INTERNAL_ERROR = "internal_error"


class Retry(StrEnum):
    """Whether calling again can help: never, with changed arguments, or the same call later."""

    NEVER = "never"
    CHANGED = "changed"
    LATER = "later"


@dataclass(eq=False)
class Failure(Exception):
    """A refusal or a failed call, ready to be shown to whoever must act on it.

    `message` is one or two sentences in our own words. `limit`, `used` and `requested` hold the numbers the
    sentence speaks of, `alternatives` what would pass now, `field` the argument to change.
    """

    code: Code
    message: str
    retry: Retry = Retry.CHANGED
    field: str | None = None
    limit: str | int | float | None = None
    used: str | int | float | None = None
    requested: str | int | float | None = None
    alternatives: Sequence[Any] = ()

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def as_structure(self) -> dict[str, Any]:
        """The same facts as a JSON object; what does not apply is left out."""
        optional = {
            "field": self.field,
            "limit": self.limit,
            "used": self.used,
            "requested": self.requested,
            "alternatives": list(self.alternatives) or None,
        }
        known = {key: value for key, value in optional.items() if value is not None}
        return {"code": self.code.value, "message": self.message, **known, "retry": self.retry.value}
