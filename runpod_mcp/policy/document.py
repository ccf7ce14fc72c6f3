"""The policy file: TOML, read strictly, as frozen values.

A key that is not known, a value of the wrong kind or a limit that makes no sense is an error that names the key and
what was expected; nothing is guessed, because a misspelt limit is a limit that does not hold.
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.money import Usd, limit
from runpod_mcp.pods.create_input import check_port
from runpod_mcp.pods.words import clean, nearest
from runpod_mcp.policy.patterns import matches, permits

MAX_LEASE_HOURS = 8760
USUAL_LEASE_HOURS = 2
"""A lease where the policy names none; never more than its `max_hours`."""
PRESETS = ("solo", "team", "ci", "research")
DEFAULT_PRESET = "solo"
DEFAULT_ORIGIN = "built-in default"
ASKABLE_TOOLS = (
    "create_pod",
    "update_pod",
    "start_pod",
    "stop_pod",
    "restart_pod",
    "delete_pod",
    "extend_lease",
    "create_network_volume",
    "update_network_volume",
    "delete_network_volume",
    "create_template",
    "update_template",
    "delete_template",
    "create_registry",
    "delete_registry",
    "create_endpoint",
    "update_endpoint",
    "delete_endpoint",
)
"""Tools for which a policy can demand a person's yes; the others only read."""


def _amount(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("expected an amount in dollars, such as 2.50")
    exact = Decimal(str(value))
    if not exact.is_finite() or not 0 <= exact <= 10_000_000:
        raise ValueError("expected an amount in dollars from 0 to 10,000,000")
    return limit(exact)


def _time(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected a number, such as 2 or 0.5")
    return value


def _whole(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("expected a whole number")
    return value


def _list(value: object) -> object:
    if not isinstance(value, list | tuple) or not all(
        isinstance(item, str) and item.strip() for item in value
    ):
        raise ValueError('expected a list of names, such as ["NVIDIA L4"]')
    return tuple(value)


def _not_empty(value: object) -> object:
    if value == []:
        raise ValueError("is empty, so nothing could be rented; leave the key out for no such limit")
    return value


def _country(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{2}", value):
        raise ValueError("expected a two-letter country code such as US or CZ")
    return value.upper()


def _port(value: object) -> object:
    """A port, or a pattern that some port can fit: one without a protocol would never match, and nobody would know."""
    if not isinstance(value, str) or "*" not in value:
        check_port(str(value).strip().lower())
    elif not _PORT_PATTERN.fullmatch(value.strip().lower()):
        raise ValueError('no port fits this pattern; write "*/http", "8888/*" or "*"')
    return value


_PORT_PATTERN = re.compile(
    r"[0-9*]+/(?:http|tcp|[htcp]*\*[htcp*]*)|[0-9*]*\*(?:http|ttp|tp|p|tcp|cp)?", re.ASCII
)


def _tool(value: object) -> object:
    if value not in ASKABLE_TOOLS:
        meant = nearest(str(value), ASKABLE_TOOLS)
        raise ValueError(f"expected {meant}" if meant else f"expected one of {', '.join(ASKABLE_TOOLS)}")
    return value


def _address(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(r"https?://[!-~]+", value):
        raise ValueError("expected an address such as https://example.com/hook")
    return value


Amount = Annotated[Usd, BeforeValidator(_amount)]
Time = Annotated[float, BeforeValidator(_time)]
Count = Annotated[int, BeforeValidator(_whole), Field(ge=0)]
Names = Annotated[tuple[str, ...], BeforeValidator(_list)]
_Clouds = tuple[Literal["SECURE", "COMMUNITY"], ...]
_Country = Annotated[str, BeforeValidator(_country)]
_Port = Annotated[str, BeforeValidator(_port)]
_Tool = Annotated[str, BeforeValidator(_tool)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Budget(_Table):
    """Limits of money in micro-dollars, rounded down; a limit that is None does not exist."""

    usd_per_hour_per_pod: Amount | None = None
    usd_per_hour: Amount | None = None
    usd_per_day: Amount | None = None
    usd_per_month: Amount | None = None
    usd_total: Amount | None = None
    include_unmanaged: Annotated[bool, Field(strict=True)] = False


class Gpus(_Table):
    """Which GPU types, and how many; `allow` left out means every type, `[]` means none."""

    allow: Names | None = None
    deny: Names = ()
    max_per_pod: Count | None = None
    max_running: Count | None = None

    def permits(self, gpu_type_id: str) -> bool:
        """Whether this GPU type may be rented."""
        return permits(gpu_type_id, self.allow, self.deny)


class Cpus(_Table):
    """Which CPU flavors, and how many vCPUs; `allow` left out means every flavor, `[]` means none."""

    allow: Names | None = None
    max_vcpus_per_pod: Count | None = None

    def permits(self, cpu_flavor_id: str) -> bool:
        """Whether this CPU flavor may be rented."""
        return permits(cpu_flavor_id, self.allow)


class Pods(_Table):
    """What a pod may be, where, and how many; `countries`, `data_centers` and `templates` may be `[]` for no limit."""

    max_running: Count | None = None
    cloud_types: Annotated[_Clouds, BeforeValidator(_list), BeforeValidator(_not_empty)] | None = None
    data_centers: Names = ()
    countries: Annotated[tuple[_Country, ...], BeforeValidator(_list)] = ()
    images: Annotated[Names, BeforeValidator(_not_empty)] | None = None
    templates: Names = ()
    ports: Annotated[tuple[_Port, ...], BeforeValidator(_list)] | None = None
    max_container_disk_gb: Count | None = None
    max_volume_gb: Count | None = None
    interruptible: Literal["allow", "deny", "require"] = "allow"
    manage_unmanaged: Annotated[bool, Field(strict=True)] = False

    def permits_place(self, data_center_id: str, country: str | None) -> bool:
        """Whether a pod may be in this data center; one whose country is not known is in none of the countries."""
        if self.data_centers and not matches(data_center_id, self.data_centers):
            return False
        return not self.countries or country in self.countries

    @property
    def limits_place(self) -> bool:
        """Whether some data center could be refused."""
        return bool(self.data_centers or self.countries)


class LeaseTerms(_Table):
    """How long a pod may live, in hours, and what happens at the end."""

    default_hours: Annotated[Time, Field(gt=0, le=MAX_LEASE_HOURS)] = USUAL_LEASE_HOURS
    max_hours: Annotated[Time, Field(gt=0, le=MAX_LEASE_HOURS)] = 24
    on_expiry: Literal["stop", "terminate"] = "stop"
    keep_stopped_hours: Annotated[Time, Field(ge=0, le=MAX_LEASE_HOURS)] = 24
    ready_minutes: Annotated[Time, Field(gt=0)] = 15
    on_not_ready: Literal["report", "end"] = "report"

    @model_validator(mode="before")
    @classmethod
    def _default_follows_a_shorter_maximum(cls, data: object) -> object:
        """Who writes only `max_hours` has said enough."""
        if not isinstance(data, dict) or "default_hours" in data:
            return data
        most = data.get("max_hours", USUAL_LEASE_HOURS)
        shorter = type(most) in (int, float) and 0 < most < USUAL_LEASE_HOURS
        return {**data, "default_hours": most} if shorter else data

    @model_validator(mode="after")
    def _default_fits(self) -> LeaseTerms:
        if self.default_hours > self.max_hours:
            raise ValueError(
                f"default_hours ({self.default_hours:g}) is above max_hours ({self.max_hours:g})"
            )
        return self


class Approval(_Table):
    """When a person is asked first."""

    above_usd_per_hour: Amount | None = None
    above_usd_per_lease: Amount | None = None
    tools: Annotated[tuple[_Tool, ...], BeforeValidator(_list)] = ()
    via: Literal["any", "out_of_band"] = "any"


class Notify(_Table):
    """Who is told."""

    webhook: Annotated[str, BeforeValidator(_address)] | None = None


class Policy(_Table):
    """Everything a person allows. `origin` says where it came from: a path, or `built-in default`."""

    version: Annotated[Literal[1], BeforeValidator(_whole)]
    budget: Budget = Budget()
    gpus: Gpus = Gpus()
    cpus: Cpus = Cpus()
    pods: Pods = Pods()
    lease: LeaseTerms = LeaseTerms()
    approval: Approval = Approval()
    notify: Notify = Notify()
    origin: str = Field("", exclude=True)

    @property
    def is_default(self) -> bool:
        """Whether nobody wrote a policy and the built-in one applies."""
        return self.origin == DEFAULT_ORIGIN


def read_policy(text: str, origin: str) -> Policy:
    """Read a policy from TOML text.

    Raises:
        Failure: `policy_broken`, naming `origin` and the line or key, and what was expected there.
    """
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except RecursionError as error:
        raise _broken(origin, "is not TOML: it is nested too deeply") from error
    except (ValueError, ArithmeticError) as error:
        raise _broken(origin, f"is not TOML: {error or 'a number is too large'}") from error
    if "version" not in data:
        raise _broken(origin, "has no version; expected `version = 1` at the top", field="version")
    if "origin" in data:
        raise _broken(origin, _unknown_key(("origin",)), field="origin")
    try:
        return Policy.model_validate({**_plain(data), "origin": origin})
    except ValidationError as error:
        raise _first_problem(error, origin) from error


def preset(name: str) -> str:
    """The TOML text of one of the ready-made policies in `PRESETS`."""
    return resources.files(__package__).joinpath("presets", f"{name}.toml").read_text("utf-8")


@cache
def default_policy() -> Policy:
    """The small, safe policy that applies when nobody wrote one."""
    return read_policy(preset(DEFAULT_PRESET), DEFAULT_ORIGIN)


def _plain(value: Any, key: str = "") -> Any:
    """Amounts stay exact decimals; every other number is what pydantic expects."""
    if isinstance(value, dict):
        return {k: _plain(v, k) for k, v in value.items()}
    if isinstance(value, Decimal) and "usd" not in key:
        return float(value)
    return value


def _first_problem(error: ValidationError, origin: str) -> Failure:
    problem = error.errors()[0]
    path = tuple(str(part) for part in problem["loc"])
    key = ".".join(path) or "the policy"
    if problem["type"] == "extra_forbidden":
        return _broken(origin, _unknown_key(path), field=key)
    expected = _EXPECTED.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
    found = "" if repr(problem["input"]) in expected else _found(problem["input"])
    return _broken(origin, f"{key}: {expected[0].lower()}{expected[1:]}{found}", field=key)


_EXPECTED = {"model_type": "expected a table of keys", "bool_type": "expected true or false"}


def _found(value: object) -> str:
    if isinstance(value, Decimal):
        return f" (found {clean(str(value), 40)})"
    return f" (found {clean(repr(value), 40)})" if isinstance(value, str | int | float) else ""


def _unknown_key(path: tuple[str, ...]) -> str:
    table: Any = Policy
    for part in path[:-1]:
        table = table.model_fields[part].annotation
    known = [name for name in table.model_fields if name != "origin"]
    hint = nearest(path[-1], known)
    meant = f"; did you mean {hint}?" if hint else f"; known here: {', '.join(known)}"
    return f"{'.'.join(path)} is not a key{meant}"


def _broken(origin: str, problem: str, field: str | None = None) -> Failure:
    stop = "" if problem.endswith("?") else "."
    return Failure(Code.POLICY_BROKEN, f"Policy {origin}: {problem}{stop}", Retry.NEVER, field=field)
