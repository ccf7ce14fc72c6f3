"""Every way this program says no, as one exception with a stable code.

A `Failure` is raised where the trouble is understood and translated once: for an agent in
`server/failures.py`, for a person in `cli/`. Its message is ours; what Runpod said goes to the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means in one sentence, what to do about it in another, and the keys of the policy that cause it."""

    means: str
    do: str
    keys: tuple[str, ...] = ()


MEANINGS: Mapping[Code, Meaning] = {
    Code.GPU_NOT_ALLOWED: Meaning(
        "The policy does not allow the GPU type, or nothing it allows is sold.",
        "Choose a type that list_gpu_types shows as allowed.",
        ("gpus.allow", "gpus.deny"),
    ),
    Code.CPU_NOT_ALLOWED: Meaning(
        "The policy does not allow the CPU flavor, or not so many vCPUs.",
        "Choose an allowed flavor, or fewer vCPUs.",
        ("cpus.allow", "cpus.max_vcpus_per_pod"),
    ),
    Code.TOO_MANY_GPUS: Meaning(
        "More GPUs than one pod may have, or than may run at the same time.",
        "Ask for fewer, or delete a pod first.",
        ("gpus.max_per_pod", "gpus.max_running"),
    ),
    Code.TOO_MANY_PODS: Meaning(
        "As many pods run as may run at the same time.", "Delete or stop a pod first.", ("pods.max_running",)
    ),
    Code.CLOUD_NOT_ALLOWED: Meaning(
        "The policy does not allow this cloud type.", "Name an allowed cloudType.", ("pods.cloud_types",)
    ),
    Code.DATA_CENTER_NOT_ALLOWED: Meaning(
        "The policy does not allow the place that was asked for.",
        "Choose a place that list_data_centers shows as allowed.",
        ("pods.data_centers", "pods.countries"),
    ),
    Code.IMAGE_NOT_ALLOWED: Meaning(
        "The container image is not among the allowed ones.", "Use an allowed image.", ("pods.images",)
    ),
    Code.TEMPLATE_NOT_ALLOWED: Meaning(
        "The template is not among the allowed ones.",
        "Use an allowed template, or none.",
        ("pods.templates",),
    ),
    Code.PORT_NOT_ALLOWED: Meaning(
        "A port would be opened that the policy does not allow.", "Leave that port out.", ("pods.ports",)
    ),
    Code.INTERRUPTIBLE_NOT_ALLOWED: Meaning(
        "The policy forbids spot pods, or demands them.", "Change interruptible.", ("pods.interruptible",)
    ),
    Code.DISK_TOO_LARGE: Meaning(
        "A disk is larger than the policy allows.",
        "Ask for a smaller one.",
        ("pods.max_container_disk_gb", "pods.max_volume_gb"),
    ),
    Code.LEASE_TOO_LONG: Meaning(
        "The lease is longer than the policy allows.", "Ask for fewer leaseHours.", ("lease.max_hours",)
    ),
    Code.OVER_POD_HOURLY_BUDGET: Meaning(
        "By itself it costs more per hour, disks included, than one pod may.",
        "Choose something cheaper.",
        ("budget.usd_per_hour_per_pod",),
    ),
    Code.OVER_HOURLY_BUDGET: Meaning(
        "Beside everything that runs, it would cost more per hour than all pods may.",
        "Choose something cheaper, or delete a pod first.",
        ("budget.usd_per_hour",),
    ),
    Code.OVER_DAILY_BUDGET: Meaning(
        "With what is spent and promised, the day (UTC) would cost more than it may.",
        "Ask for a shorter lease or something cheaper, or wait for the next day.",
        ("budget.usd_per_day",),
    ),
    Code.OVER_MONTHLY_BUDGET: Meaning(
        "With what is spent and promised, the month (UTC) would cost more than it may.",
        "Ask for a shorter lease or something cheaper, or ask the person.",
        ("budget.usd_per_month",),
    ),
    Code.OVER_TOTAL_BUDGET: Meaning(
        "With what is spent and promised, everything together would cost more than it may.",
        "Ask for a shorter lease or something cheaper, or ask the person.",
        ("budget.usd_total",),
    ),
    Code.PRICE_UNKNOWN: Meaning(
        "There is no price to promise money on, or it is too old.",
        "Choose something that list_gpu_types shows with a price, or call again later.",
    ),
    Code.PRICE_ABOVE_MAXIMUM: Meaning(
        "It costs more than the request's own maxUsdPerHour.",
        "Raise maxUsdPerHour, or choose something cheaper.",
    ),
    Code.APPROVAL_REQUIRED: Meaning(
        "A person must say yes first; the reply says how.",
        "Tell the person, then call again with the same arguments.",
        ("approval.tools", "approval.above_usd_per_hour", "approval.above_usd_per_lease"),
    ),
    Code.APPROVAL_DENIED: Meaning("A person said no to this request.", "Do not repeat it; ask the person."),
    Code.NOT_MANAGED: Meaning(
        "This server did not make it, so it is left alone.",
        "Work with what this server made; a person can change the policy.",
        ("pods.manage_unmanaged",),
    ),
    Code.READ_ONLY: Meaning(
        "The server was started to change nothing.", "Ask the person to start it without read-only."
    ),
    Code.INVALID_ARGUMENTS: Meaning(
        "An argument is unknown, missing or of the wrong kind; nothing was sent.",
        "Correct the argument that the message names.",
    ),
    Code.NO_CAPACITY: Meaning(
        "Runpod has no free machine for it now; nothing was rented.",
        "Try another GPU type or data center, or later.",
    ),
    Code.INVALID_REQUEST: Meaning(
        "Runpod turned the request down, or its API cannot express it.", "Change what the message names."
    ),
    Code.UNAUTHORIZED: Meaning(
        "There is no API key, or Runpod does not accept it for this.",
        "Ask the person to set a key that may do this.",
    ),
    Code.INSUFFICIENT_BALANCE: Meaning(
        "The Runpod account has too little money.", "Ask the person to add credit at Runpod."
    ),
    Code.RATE_LIMITED: Meaning("Runpod asks for fewer calls; nothing was done.", "Call again in a minute."),
    Code.RUNPOD_UNAVAILABLE: Meaning(
        "Runpod does not answer, or its answer cannot be read.", "Call again later."
    ),
    Code.OUTCOME_UNKNOWN: Meaning(
        "The answer to a change was lost, so it may or may not have happened; its money stays set aside.",
        "Do not repeat the call; look with list_pods.",
    ),
    Code.PRICE_ABOVE_QUOTE: Meaning(
        "Runpod billed more than was quoted, so what was rented was ended again.",
        "Read the message; it says whether the end is confirmed.",
    ),
    Code.NOT_FOUND: Meaning("Runpod has no such thing.", "Look up the id, for example with list_pods."),
    Code.CONFLICT: Meaning(
        "It cannot be done in the state things are in, or another call is at work on them.",
        "Read the message; look again, then call again.",
    ),
    Code.LEDGER_UNAVAILABLE: Meaning(
        "The ledger cannot be read or written, so nothing new is rented.",
        "Ask the person to look at the ledger file.",
    ),
    Code.CLOCK_BEHIND: Meaning(
        "This machine's clock is behind what the ledger saw before, so nothing new is rented.",
        "Ask the person to set the clock right.",
    ),
    Code.POLICY_BROKEN: Meaning(
        "The policy cannot be read, so nothing new is rented.",
        "Ask the person to run `runpod-mcp policy check`.",
    ),
    Code.SETTINGS_BROKEN: Meaning(
        "A setting or a file of this program is wrong.", "A person must correct what the message names."
    ),
    Code.INTERNAL_ERROR: Meaning(
        "Something failed inside this server, and something may have been changed.",
        "Look with list_pods before repeating anything; the log on stderr has the details.",
    ),
}
"""Every code, in the order of `Code`."""
