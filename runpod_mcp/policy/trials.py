"""Tests of a policy, written by the people who use it: requests with the verdict each should have. Pure.

A file names a policy and holds cases; `runpod-mcp policy test` runs them. Nothing is asked of Runpod: prices are those of
the file, or the built-in list, and what is spent and running is what a case says.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from runpod_mcp.catalog.catalog import Catalog, CloudOffer, CpuFlavor, DataCenter, GpuType, Stock
from runpod_mcp.catalog.countries import country_of
from runpod_mcp.clock import epoch
from runpod_mcp.errors import Code, Failure
from runpod_mcp.money import ZERO, Usd, show
from runpod_mcp.pods.values import CPU_FLAVOR_IDS, DATA_CENTER_IDS
from runpod_mcp.policy.decision import Allow, AskHuman, Decision, Deny
from runpod_mcp.policy.problems import (
    TOO_MANY_DIGITS,
    Problem,
    line_of_endless_number,
    lines_of,
    problem_of,
)
from runpod_mcp.policy.spending import TOTAL, Holding, Spending, Stretch, day_of, month_of
from runpod_mcp.policy.written import Amount, Count, Hours

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
"""When a case takes place that does not say: no lease of a usual length leaves the month."""
FIRST_YEAR, LAST_YEAR = 1971, 9000
CLOUDS = ("SECURE", "COMMUNITY")
MOST_GPUS = 16


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Spent(_Written):
    """Dollars that are spent or promised already, for good; a month holds its day, the total holds the month."""

    today: Amount = ZERO
    this_month: Amount = ZERO
    in_total: Amount = ZERO


class Running(_Written):
    """What runs already: together it costs so many dollars per hour for so many hours more, which count as promised."""

    pods: Count = 0
    gpus: Count = 0
    usd_per_hour: Amount = ZERO
    hours: Hours = 1


class Trial(_Written):
    """One case: a request, what is spent and running when it is made, and the verdict it should have."""

    name: Annotated[str, Field(min_length=1)]
    request: dict[str, Any]
    expect: Literal["allow", "ask", "deny"]
    code: Code | None = None
    field: str | None = None
    first_alternative: dict[str, Any] | None = None
    max_usd_per_hour: Amount | None = None
    volume_in: str | None = None
    spent: Spent = Spent()
    running: Running = Running()

    @model_validator(mode="after")
    def _expects_what_can_be(self) -> Trial:
        denied = self.expect == "deny"
        if denied and self.code is None:
            raise ValueError('expect = "deny" needs the code, such as code = "gpu_not_allowed"')
        for key in ("code", "field", "first_alternative"):
            if not denied and getattr(self, key) is not None:
                raise ValueError(f'{key} goes with expect = "deny"')
        if denied and self.max_usd_per_hour is not None:
            raise ValueError('max_usd_per_hour goes with expect = "allow" or "ask"')
        if self.request.get("networkVolumeId") and not self.volume_in:
            raise ValueError("a request with a networkVolumeId needs volume_in, the volume's data center")
        return self


class TrialFile(_Written):
    """A file of cases for one policy, which is a path from the file's folder or the name of a ready-made one."""

    policy: Annotated[str, Field(min_length=1)] | None = None
    preset: Literal["solo", "team", "ci", "research"] | None = None
    at: datetime = NOON
    prices: dict[str, Amount] | None = None
    case: Annotated[tuple[Trial, ...], Field(min_length=1)]

    @field_validator("at")
    @classmethod
    def _leases_end_in_the_calendar(cls, at: datetime) -> datetime:
        if not FIRST_YEAR <= at.year <= LAST_YEAR:
            raise ValueError(f"expected a time from {FIRST_YEAR} to {LAST_YEAR}")
        return at

    @model_validator(mode="after")
    def _names_one_policy(self) -> TrialFile:
        if (self.policy is None) == (self.preset is None):
            raise ValueError('name the policy to test: policy = "../policy.toml", or preset = "solo"')
        return self

    @property
    def now(self) -> int:
        """When the cases take place, in seconds since 1970; a time without a zone is UTC."""
        return epoch(self.at if self.at.tzinfo else self.at.replace(tzinfo=UTC))


@dataclass(eq=False)
class NoTrials(Exception):
    """A file that holds no tests; the problems say where and why."""

    problems: tuple[Problem, ...]


def read_trials(text: str) -> tuple[TrialFile, Mapping[tuple[str, ...], int]]:
    """Read a file of cases from TOML text; and the lines its keys are on.

    Raises:
        NoTrials: it is none, with every problem.
    """
    try:
        return _read(text)
    except RecursionError as error:
        raise NoTrials((Problem("is nested too deeply"),)) from error


def _read(text: str) -> tuple[TrialFile, Mapping[tuple[str, ...], int]]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NoTrials((Problem(f"is not TOML: {error}"),)) from error
    except ValueError as error:
        raise NoTrials((Problem(TOO_MANY_DIGITS, line=line_of_endless_number(text)),)) from error
    lines = lines_of(text)
    try:
        return TrialFile.model_validate(data), lines
    except ValidationError as error:
        found = [problem_of(dict(one), TrialFile, lines) for one in error.errors()]
        inside = any((one.key or "").startswith("case.") for one in found)
        told = (
            one for one in found if not inside or one.key != "case"
        )  # that says only that no case is left
        raise NoTrials(tuple(told)) from error


def spending_of(trial: Trial, now: int) -> Spending:
    """What is spent and running when a case takes place."""
    spent, running = trial.spent, trial.running
    month = max(spent.this_month, spent.today)
    closed = {day_of(now).key: spent.today, month_of(now).key: month, TOTAL.key: max(spent.in_total, month)}
    pods = max(running.pods, 1 if running.gpus or running.usd_per_hour else 0)
    rates = [running.usd_per_hour, *(ZERO for _ in range(pods - 1))]
    ends = now + int(running.hours * 3600)
    holdings = tuple(
        Holding(
            f"running {number}",
            (Stretch(now, ends, rate),),
            0 if number else running.gpus,
            number < running.pods or bool(running.gpus),
        )
        for number, rate in enumerate(rates[:pods])
    )
    return Spending(now, holdings, closed)


def fixed_catalog(prices: Mapping[str, Usd], cloud: str, gpu_count: int, at: datetime) -> Catalog:
    """A catalog in which these types and no others are sold, in every cloud and place: dollars per GPU, or per vCPU."""
    gpus = {one: usd for one, usd in prices.items() if one not in CPU_FLAVOR_IDS}
    return Catalog(
        gpus={
            one: GpuType(one, one, 0, {tier: CloudOffer(True, usd, MOST_GPUS) for tier in CLOUDS}, Stock.HIGH)
            for one, usd in gpus.items()
        },
        cpus={
            one: CpuFlavor(one, one, usd, 2.0, stock=Stock.HIGH)
            for one, usd in prices.items()
            if one not in gpus
        },
        data_centers={
            one: DataCenter(one, one, country=country_of(one), global_network=True) for one in DATA_CENTER_IDS
        },
        cloud=cloud,
        gpu_count=gpu_count,
        read_at=at,
        source="the test file",
    )


def fixed_readings(prices: Mapping[str, Usd], at: datetime) -> tuple[Catalog, ...]:
    """The same for every cloud and number of GPUs."""
    first = fixed_catalog(prices, "SECURE", 1, at)
    return tuple(
        replace(first, cloud=cloud, gpu_count=count) for cloud in CLOUDS for count in range(1, MOST_GPUS + 1)
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a verdict is not the expected one."""

    what: str
    expected: str
    found: str


def differences(trial: Trial, found: Decision | Failure) -> list[Difference]:
    """How a decision differs from what a case expects; none where it is as it should be."""
    verdict = verdict_of(found)
    wanted = f"deny {trial.code}" if trial.code else trial.expect
    if verdict != wanted:
        return [Difference("verdict", wanted, in_words(found))]
    if isinstance(found, Deny):
        return list(_in_denial(trial, found))
    if isinstance(found, Allow | AskHuman) and trial.max_usd_per_hour is not None:
        price = found.offer.quote.usd_per_hour
        if price > trial.max_usd_per_hour:
            return [Difference("price per hour", f"at most {show(trial.max_usd_per_hour)}", show(price))]
    return []


def _in_denial(trial: Trial, found: Deny) -> list[Difference]:
    wrong = []
    if trial.field is not None and trial.field != found.field:
        wrong.append(Difference("field", trial.field, str(found.field)))
    wanted = trial.first_alternative
    first = dict(found.alternatives[0]) if found.alternatives else {}
    if wanted is not None and {name: first.get(name) for name in wanted} != wanted:
        wrong.append(Difference("first alternative", str(wanted), str(first or "none")))
    return wrong


def verdict_of(found: Decision | Failure) -> str:
    """`allow`, `ask`, `deny CODE`, or the code of a request that could not be judged."""
    if isinstance(found, Failure):
        return str(found.code)
    if isinstance(found, Deny):
        return f"deny {found.code}"
    return "allow" if isinstance(found, Allow) else "ask"


def in_words(found: Decision | Failure) -> str:
    """A verdict with what a reader needs to understand it."""
    if isinstance(found, Allow | AskHuman):
        why = f" ({found.reason})" if isinstance(found, AskHuman) else ""
        return f"{verdict_of(found)}{why} at {show(found.offer.quote.usd_per_hour)}/h"
    return f"{verdict_of(found)}: {found.message}"
