"""Scripted trouble: which call goes wrong next, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any

GROUPS = {
    "volume": "volumes",
    "template": "templates",
    "registry": "registries",
    "delegation": "delegations",
    "endpoint": "endpoints",
    "job": "jobs",
}
"""What the operations on one kind of thing are called together: `volume_list`, `volume_create`… are "volumes"."""

OPERATIONS = [
    *("create", "list", "get", "delete", "stop", "start", "restart", "update", "logs"),
    *("catalog", "account", "billing", "any", *GROUPS.values()),
    *(f"volume_{verb}" for verb in ("list", "get", "create", "update", "delete")),
    *(f"template_{verb}" for verb in ("list", "public", "get", "create", "update", "delete")),
    *(f"registry_{verb}" for verb in ("list", "get", "create", "delete")),
    *(f"delegation_{verb}" for verb in ("list", "create", "delete")),
    *(f"endpoint_{verb}" for verb in ("list", "get", "create", "update", "delete")),
    *(f"endpoint_{what}" for what in ("workers", "releases", "logs")),
    *(f"job_{verb}" for verb in ("run", "runsync", "status", "stream", "cancel", "retry", "purge", "health")),
]
"""The operations a fault can be put on. Those of pods stand alone (`create`), others name their thing first."""


def is_on(on: str, operation: str) -> bool:
    """Whether a fault on this operation, group of operations or "any" concerns an operation."""
    return on in (operation, "any", GROUPS.get(operation.partition("_")[0]))


class Kind(StrEnum):
    """What a fault does to a call."""

    # instead of the work
    NO_CAPACITY = "no_capacity"
    LOST_RACE = "lost_race"
    ERROR_BEFORE = "error_before"
    DROP_BEFORE = "drop_before"
    HANG = "hang"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    INVALID = "invalid"
    NOT_FOUND = "not_found"
    CLOUDFLARE_1010 = "cloudflare_1010"
    UNAVAILABLE = "unavailable"
    # after the work, to its answer
    ERROR_AFTER = "error_after"
    DROP_AFTER = "drop_after"
    HANG_AFTER = "hang_after"
    GARBAGE = "garbage"
    TRUNCATED = "truncated"
    # inside the work
    IGNORED = "ignored"
    DEARER = "dearer"
    NEVER_READY = "never_ready"
    NO_MACHINE = "no_machine"
    VANISH = "vanish"
    START_WITHOUT_GPUS = "start_without_gpus"
    JOB_FAILS = "job_fails"
    JOB_NEVER_ENDS = "job_never_ends"
    # around the work
    HOLD = "hold"
    # standing, until cleared
    LIST_LAG = "list_lag"
    PRICE_RISE = "price_rise"


STANDING = frozenset({Kind.LIST_LAG, Kind.PRICE_RISE})
_FIELDS = frozenset(
    [
        "on",
        "kind",
        "times",
        "skip",
        "match",
        "factor",
        "seconds",
        "linger_seconds",
        "retry_after",
        "detail",
        "at",
    ]
)
_MATCHES = frozenset(
    ["gpuTypeId", "cloudType", "dataCenterId", "name", "imageName", "podId", "id", "dialect"]
)


@dataclass
class Fault:
    """One scripted trouble.

    `on` is the operation, `times` how many calls it spoils (None: every one until cleared), `skip` how many
    matching calls pass first. `match` narrows it: each key must equal, or be among, what the call is about (`id`
    is any id in its path).
    `factor` belongs to dearer and price_rise, `seconds` to vanish and list_lag, `linger_seconds` to list_lag,
    `retry_after` (seconds) to rate_limited, `detail` replaces the words of an error, `at` is where hold holds.
    """

    on: str
    kind: Kind
    times: int | None = 1
    skip: int = 0
    match: dict[str, str] = field(default_factory=dict)
    factor: Fraction = Fraction(2)
    seconds: float = 30
    linger_seconds: float = 0
    retry_after: int = 5
    detail: str | None = None
    at: str = "before"

    def concerns(self, operation: str, facts: Mapping[str, Sequence[str]]) -> bool:
        """Whether it is meant for a call about these facts."""
        if self.kind in STANDING or not is_on(self.on, operation):
            return False
        return all(wanted in facts.get(key, ()) for key, wanted in self.match.items())

    def as_json(self) -> dict[str, Any]:
        """The fault as it can be sent again."""
        shown = {name: getattr(self, name) for name in sorted(_FIELDS)}
        return {**shown, "kind": self.kind.value, "factor": float(self.factor)}


class Faults:
    """The faults still to come, oldest first."""

    def __init__(self) -> None:
        self.queue: list[Fault] = []

    def add(self, on: str, kind: str, **more: Any) -> Fault:
        """Script a fault; see `Fault` for the further fields.

        Raises:
            ValueError: the operation, the kind or a field is unknown or has an impossible value.
        """
        fault = read_fault({"on": on, "kind": kind, **more})
        self.queue.append(fault)
        return fault

    def clear(self) -> None:
        """Forget every fault, the standing ones too."""
        self.queue.clear()

    def take(self, operation: str, facts: Mapping[str, Sequence[str]]) -> list[Fault]:
        """What goes wrong with this call: at most one hold and one fault of another kind, both used up by it."""
        hit: list[Fault] = []
        for fault in list(self.queue):
            if not fault.concerns(operation, facts) or any(self._same_part(fault, other) for other in hit):
                continue
            if fault.skip:
                fault.skip -= 1
            else:
                hit.append(fault)
                self._use(fault)
        return hit

    def _same_part(self, one: Fault, other: Fault) -> bool:
        return (one.kind is Kind.HOLD) == (other.kind is Kind.HOLD)

    def _use(self, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if fault.times == 0:
            self.queue.remove(fault)

    def list_lag(self, operation: str = "list") -> tuple[timedelta, timedelta]:
        """How long new things stay out of a list, and how long ended ones stay in it.

        A lag put on the list of another thing (`volume_list`, `endpoint_list`) leaves the list of pods alone.
        """
        lags = [fault for fault in self.queue if fault.kind is Kind.LIST_LAG and _lags(fault.on, operation)]
        new = max((fault.seconds for fault in lags), default=0)
        gone = max((fault.linger_seconds for fault in lags), default=0)
        return timedelta(seconds=new), timedelta(seconds=gone)

    def price_factor(self, resource_id: str) -> Fraction:
        """What standing price rises multiply this GPU type's list price by."""
        factor = Fraction(1)
        for fault in self.queue:
            if fault.kind is Kind.PRICE_RISE and fault.match.get("gpuTypeId", resource_id) == resource_id:
                factor *= fault.factor
        return factor


def _lags(on: str, operation: str) -> bool:
    others = {name for name in OPERATIONS if "_" in name} | set(GROUPS.values())
    return on not in others if operation == "list" else is_on(on, operation)


def read_fault(body: object) -> Fault:
    """Read a fault from JSON.

    Raises:
        ValueError: says what was expected.
    """
    if not isinstance(body, Mapping):
        raise ValueError('expected an object such as {"on": "create", "kind": "no_capacity", "times": 1}')
    unknown = sorted(set(body) - _FIELDS)
    if unknown:
        raise ValueError(f"unknown field {unknown[0]!r}: expected some of {', '.join(sorted(_FIELDS))}")
    kind, on = str(body.get("kind")), body.get("on", "any")
    if kind not in set(Kind):
        raise ValueError(f"unknown kind {kind!r}: expected one of {', '.join(Kind)}")
    if on not in OPERATIONS:
        raise ValueError(f"unknown operation {on!r}: expected one of {', '.join(OPERATIONS)}")
    values = {**body, "kind": Kind(kind), "on": on, "match": _match(body.get("match", {}))}
    _check_numbers(values)
    if "factor" in values:
        values["factor"] = Fraction(str(values["factor"]))
    return Fault(**values)


def _match(match: object) -> dict[str, str]:
    if not isinstance(match, Mapping) or not set(match) <= _MATCHES:
        raise ValueError(f"match: expected an object with some of {', '.join(sorted(_MATCHES))}")
    return {str(key): str(value) for key, value in match.items()}


def _check_numbers(values: Mapping[str, Any]) -> None:
    times = values.get("times", 1)
    if times is not None and (not isinstance(times, int) or isinstance(times, bool) or times < 1):
        raise ValueError("times: expected a whole number from 1, or null for every call")
    for name in ("skip", "factor", "seconds", "linger_seconds", "retry_after"):
        value = values.get(name, 0)
        if not isinstance(value, int | float | Fraction) or isinstance(value, bool) or value < 0:
            raise ValueError(f"{name}: expected a number from 0")
    if values.get("at", "before") not in ("before", "after"):
        raise ValueError("at: expected 'before' or 'after' the work")
