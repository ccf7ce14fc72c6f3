"""The policy file: TOML, read strictly, as frozen values.

A key that is not known, a value of the wrong kind or a limit that makes no sense is an error that names the key and
what was expected; nothing is guessed, because a misspelt limit is a limit that does not hold.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from runpod_mcp.errors import Code, Retry
from runpod_mcp.pods.words import clean
from runpod_mcp.policy.patterns import matches, permits
from runpod_mcp.policy.problems import (
    TOO_MANY_DIGITS,
    BrokenPolicy,
    Problem,
    line_of_endless_number,
    lines_of,
    problem_of,
    unknown_key,
)
from runpod_mcp.policy.written import (
    Address,
    Amount,
    Clouds,
    Count,
    Countries,
    Hours,
    HoursOrNone,
    Minutes,
    Names,
    Ports,
    SomeNames,
    Tools,
    Version,
)

USUAL_LEASE_HOURS = 2
"""A lease where the policy names none; never more than its `max_hours`."""
PRESETS = ("solo", "team", "ci", "research")
DEFAULT_PRESET = "solo"
DEFAULT_ORIGIN = "built-in default"

_Switch = Annotated[bool, Field(strict=True)]


def _says(description: str, *examples: Any) -> Any:
    return Field(description=description, examples=list(examples) or None)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Budget(_Table):
    """Limits of money in micro-dollars, rounded down; a limit that is None does not exist."""

    usd_per_hour_per_pod: Annotated[
        Amount | None, _says("Dollars that one pod may cost per hour, disks included.", 1.0)
    ] = None
    usd_per_hour: Annotated[
        Amount | None, _says("Dollars that all pods together may cost per hour.", 2.0)
    ] = None
    usd_per_day: Annotated[
        Amount | None, _says("Dollars for one day (UTC), with what running leases may still cost.", 10.0)
    ] = None
    usd_per_month: Annotated[Amount | None, _says("Dollars for one month (UTC).", 100.0)] = None
    usd_total: Annotated[Amount | None, _says("Dollars for ever.", 500.0)] = None
    include_unmanaged: Annotated[_Switch, _says("Whether pods made elsewhere on the account count too.")] = (
        False
    )


class Gpus(_Table):
    """Which GPU types, and how many; `allow` left out means every type, `[]` means none."""

    allow: Annotated[
        Names | None,
        _says(
            "GPU types that may be rented: exact ids, or * for any letters. Left out: all of them; []: none.",
            ["NVIDIA L4", "*Ada Generation"],
        ),
    ] = None
    deny: Annotated[
        Names, _says("GPU types that may never be rented, even where allow has them.", ["*B200*"])
    ] = ()
    max_per_pod: Annotated[Count | None, _says("The most GPUs in one pod.", 1)] = None
    max_running: Annotated[Count | None, _says("The most GPUs that run at the same time.", 2)] = None

    def permits(self, gpu_type_id: str) -> bool:
        """Whether this GPU type may be rented."""
        return permits(gpu_type_id, self.allow, self.deny)


class Cpus(_Table):
    """Which CPU flavors, and how many vCPUs; `allow` left out means every flavor, `[]` means none."""

    allow: Annotated[
        Names | None,
        _says(
            "CPU flavors that may be rented, or patterns. Left out: all of them; []: none.",
            ["cpu3c", "cpu5c"],
        ),
    ] = None
    max_vcpus_per_pod: Annotated[Count | None, _says("The most vCPUs in one CPU pod.", 8)] = None

    def permits(self, cpu_flavor_id: str) -> bool:
        """Whether this CPU flavor may be rented."""
        return permits(cpu_flavor_id, self.allow)


class Pods(_Table):
    """What a pod may be, where, and how many; `countries`, `data_centers` and `templates` may be `[]` for no limit."""

    max_running: Annotated[Count | None, _says("The most pods that run at the same time.", 2)] = None
    cloud_types: Annotated[Clouds | None, _says("Clouds that pods may be in.", ["SECURE"])] = None
    data_centers: Annotated[
        Names, _says("Data centers that pods may be in, or patterns; [] for any.", ["EU-*", "US-*"])
    ] = ()
    countries: Annotated[
        Countries, _says("Countries that pods may be in, two letters each; [] for any.", ["CZ", "US"])
    ] = ()
    images: Annotated[
        SomeNames | None, _says("Container images that may run, or patterns, to the letter.", ["runpod/*"])
    ] = None
    templates: Annotated[
        Names, _says("Templates that may be used, by id or pattern; [] for any.", ["abc123xyz"])
    ] = ()
    ports: Annotated[
        Ports | None,
        _says(
            "Ports that may be opened, or patterns. Left out: all of them; []: none.", ["22/tcp", "*/http"]
        ),
    ] = None
    max_container_disk_gb: Annotated[Count | None, _says("The largest container disk, in GB.", 100)] = None
    max_volume_gb: Annotated[Count | None, _says("The largest pod volume, in GB; 0 for none.", 100)] = None
    interruptible: Annotated[
        Literal["allow", "deny", "require"], _says("Whether spot pods may, may not or must be rented.")
    ] = "allow"
    manage_unmanaged: Annotated[
        _Switch,
        _says(
            "Whether what was made elsewhere may be ended: pods, templates and registry logins (templates changed, too)."
        ),
    ] = False

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

    default_hours: Annotated[Hours, _says("Hours that a pod lives where the request names none.", 2)] = (
        USUAL_LEASE_HOURS
    )
    max_hours: Annotated[Hours, _says("The most hours that a pod may live.", 8)] = 24
    on_expiry: Annotated[
        Literal["stop", "terminate"],
        _says("At the end of a lease: stop the pod, so that its volume is kept for a while, or delete it."),
    ] = "stop"
    keep_stopped_hours: Annotated[
        HoursOrNone, _says("Hours until a pod stopped at its end is deleted.", 24)
    ] = 24
    ready_minutes: Annotated[
        Minutes, _says("Minutes after which a pod without ports counts as not ready.", 15)
    ] = 15
    on_not_ready: Annotated[
        Literal["report", "end"], _says("Whether a pod that bills but is not ready is reported or ended.")
    ] = "report"

    def seconds(self, hours: float | None) -> int:
        """How long a lease of so many hours is; of the default, where none are named."""
        return max(1, int((self.default_hours if hours is None else hours) * 3600))

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

    above_usd_per_hour: Annotated[
        Amount | None, _says("A person is asked about what costs more dollars per hour.", 0.8)
    ] = None
    above_usd_per_lease: Annotated[
        Amount | None, _says("A person is asked about a lease that can cost more dollars.", 5.0)
    ] = None
    tools: Annotated[Tools, _says("Tools about which a person is always asked.", ["delete_pod"])] = ()
    via: Annotated[
        Literal["any", "out_of_band"],
        _says("How a person may answer: any way, or only past the agent, in a terminal."),
    ] = "any"


class Notify(_Table):
    """Who is told."""

    webhook: Annotated[
        Address | None,
        _says("Address that is told of waiting requests and full budgets.", "https://example.com/hook"),
    ] = None


class Policy(_Table):
    """Everything a person allows. `origin` says where it came from: a path, or `built-in default`."""

    version: Annotated[Literal[1], Version, _says("Which edition of this format the file is written in.")]
    budget: Annotated[Budget, _says("What may be spent; a key that is left out is no limit.")] = Budget()
    gpus: Annotated[Gpus, _says("Which GPU types, and how many.")] = Gpus()
    cpus: Annotated[Cpus, _says("Which CPU flavors, and how many vCPUs.")] = Cpus()
    pods: Annotated[Pods, _says("What a pod may be, where, and how many.")] = Pods()
    lease: Annotated[LeaseTerms, _says("How long a pod lives, and what happens then.")] = LeaseTerms()
    approval: Annotated[Approval, _says("When a person is asked first.")] = Approval()
    notify: Annotated[Notify, _says("Who is told.")] = Notify()
    origin: str = Field("", exclude=True)

    @classmethod
    def from_toml(cls, text: str, origin: str = "given by the program") -> Policy:
        """A policy from the text of a policy file; `origin` is what messages call it.

        Raises:
            Failure: `policy_broken`, naming the line and key of the first problem, and what was expected there.
        """
        return read_policy(text, origin)

    @property
    def is_default(self) -> bool:
        """Whether nobody wrote a policy and the built-in one applies."""
        return self.origin == DEFAULT_ORIGIN


def read_policy(text: str, origin: str) -> Policy:
    """Read a policy from TOML text.

    Raises:
        BrokenPolicy: `policy_broken`, naming `origin` and the line and key of the first problem, and what was expected
            there; it holds every other problem too.
    """
    try:
        return _read(text, origin)
    except RecursionError as error:
        raise _broken(origin, Problem("is nested too deeply")) from error


def _read(text: str, origin: str) -> Policy:
    try:
        data = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise _broken(origin, _not_toml(text, str(error))) from error
    except (ValueError, ArithmeticError) as error:
        raise _broken(origin, Problem(TOO_MANY_DIGITS, line=line_of_endless_number(text))) from error
    wrong = [Problem(unknown_key(("origin",), Policy), "origin")] if "origin" in data else []
    try:
        policy = Policy.model_validate({**_plain(data), "origin": origin})
    except ValidationError as error:
        lines = lines_of(text)
        wrong += [problem_of(dict(one), Policy, lines) for one in error.errors()]
        wrong.sort(key=lambda problem: (problem.key != "version", problem.line or 0))
        raise _broken(origin, *wrong) from error
    if wrong:
        raise _broken(origin, *wrong)
    return policy


def preset(name: str) -> str:
    """The TOML text of one of the ready-made policies in `PRESETS`."""
    return resources.files(__package__).joinpath("presets", f"{name}.toml").read_text("utf-8")


@cache
def default_policy() -> Policy:
    """The small, safe policy that applies when nobody wrote one."""
    return read_policy(preset(DEFAULT_PRESET), DEFAULT_ORIGIN)


def _plain(value: Any, key: str = "") -> Any:
    """Amounts stay exact decimals; every other number is what pydantic expects."""
    if isinstance(value, Mapping):
        return {k: _plain(v, k) for k, v in value.items()}
    if isinstance(value, Decimal) and "usd" not in key:
        return float(value)
    return value


def _not_toml(text: str, words: str) -> Problem:
    """What a TOML parser said of a text; a key that is there twice is named."""
    found = re.search(r" \(at (?:line (\d+), (column \d+)|end of document)\)", words)
    lines = text.split("\n")
    line = int(found[1]) if found and found[1] else len(lines)
    key, equals, _ = lines[line - 1].partition("=")
    if _TWICE.match(words) and (equals or key.startswith("[")):
        return Problem(f"{clean(key, 60)} is written twice", line=line)
    if not found or not found[2]:
        return Problem(f"is not TOML: {words}")
    return Problem(f"is not TOML: {words[: found.start()]} ({found[2]})", line=line)


_TWICE = re.compile("Cannot (?:overwrite a value|declare .* twice)")


def _broken(origin: str, *problems: Problem) -> BrokenPolicy:
    first, more = problems[0], len(problems) - 1
    count = f" ({more} more: `runpod-mcp policy check` lists them.)" if more else ""
    failure = BrokenPolicy(
        Code.POLICY_BROKEN, f"Policy {origin}: {first}{count}", Retry.NEVER, field=first.key
    )
    failure.problems = problems
    return failure
