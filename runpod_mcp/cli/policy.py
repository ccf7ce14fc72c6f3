"""Writing and checking the policy file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import NoReturn

import click

from runpod_mcp.cli.price_list import cards
from runpod_mcp.cli.tables import count
from runpod_mcp.config import read_settings
from runpod_mcp.flows.policy_file import PolicyFile
from runpod_mcp.money import Usd, show
from runpod_mcp.pods.values import GPU_TYPE_IDS, NEWER_GPU_TYPE_IDS
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.patterns import matches
from runpod_mcp.policy.problems import BrokenPolicy
from runpod_mcp.policy.schema import policy_schema
from runpod_mcp.runpod.connect import Dialect, dialect_of
from runpod_mcp.runpod.v2_body import SMALLEST_VOLUME_GB


def check(path: str | None, as_json: bool) -> None:
    """Say what a policy allows; or every problem it has, each with its line, and exit code 1.

    Raises:
        Failure: `policy_broken`: it has a single problem, or cannot be read at all.
    """
    settings = read_settings(policy=path)
    try:
        policy = PolicyFile(settings.policy, settings.policy_named).current()
    except BrokenPolicy as broken:
        _say_broken(broken, str(settings.policy), as_json)
    says, warnings = in_words(policy), [*doubts(policy), *not_sold(policy, dialect_of(settings.api_url))]
    if as_json:
        facts = {"origin": policy.origin, "says": says, "warnings": warnings, "problems": []}
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(f"Policy: {policy.origin}")
    for line in says:
        click.echo(f"  {line}")
    for line in warnings:
        click.echo(f"  Warning: {line}")


def _say_broken(broken: BrokenPolicy, origin: str, as_json: bool) -> NoReturn:
    """Say everything that is wrong."""
    if as_json:
        problems = [{"line": one.line, "key": one.key, "message": one.message} for one in broken.problems]
        click.echo(json.dumps({"origin": origin, "problems": problems}, indent=2))
    elif len(broken.problems) == 1:
        raise broken
    else:
        for one in broken.problems:
            click.echo(f"runpod-mcp: policy_broken: {origin}: {one}", err=True)
    sys.exit(1)


def print_schema() -> None:
    """The JSON Schema of the policy file, as `manifests/policy.schema.json` has it."""
    click.echo(json.dumps(policy_schema(), indent=2))


def in_words(policy: Policy) -> list[str]:
    """A policy in plain sentences, one for each kind of limit."""
    budget, gpus, cpus, pods, lease = policy.budget, policy.gpus, policy.cpus, policy.pods, policy.lease
    return [
        f"One pod may cost {_money(budget.usd_per_hour_per_pod)} per hour, all pods {_money(budget.usd_per_hour)}.",
        f"Spending: {_money(budget.usd_per_day)} a day, {_money(budget.usd_per_month)} a month, "
        f"{_money(budget.usd_total)} in total (UTC).",
        f"Pods made elsewhere {'count' if budget.include_unmanaged else 'do not count'}, and "
        f"{'may' if pods.manage_unmanaged else 'may not'} be stopped or deleted.",
        f"GPU types: {_names(gpus.allow)}{_except(gpus.deny)}; {_most(gpus.max_per_pod, 'GPU', 'in one pod')}, "
        f"{_most(gpus.max_running, 'GPU', 'running')}.",
        f"CPU flavors: {_names(cpus.allow)}; {_most(cpus.max_vcpus_per_pod, 'vCPU', 'in one pod')}.",
        f"{_most(pods.max_running, 'pod', 'running').capitalize()}, in {_names(pods.cloud_types)} cloud; spot pods: {pods.interruptible}.",
        f"Places: data centers {_names(pods.data_centers or None)}, countries {_names(pods.countries or None)}.",
        f"Images: {_names(pods.images)}; templates: {_names(pods.templates or None)}; ports: {_names(pods.ports)}.",
        f"Disks: container {_size(pods.max_container_disk_gb)}, volume {_size(pods.max_volume_gb)}.",
        f"A lease is {lease.default_hours:g} h by default and {lease.max_hours:g} h at most; then the pod is "
        f"{_ending(policy)}.",
        f"A person is asked: {_asking(policy)}.",
    ]


def doubts(policy: Policy) -> list[str]:
    """What a person may not have meant."""
    found = []
    budget = policy.budget
    if not any((budget.usd_per_day, budget.usd_per_month, budget.usd_total)):
        found.append("no budget per day, month or in total: only the hourly rate limits what is spent.")
    for key, patterns in (("allow", policy.gpus.allow or ()), ("deny", policy.gpus.deny)):
        found += [
            f"gpus.{key} {one!r} matches no GPU type known here." for one in patterns if not _known(one)
        ]
    if (
        budget.usd_per_hour_per_pod
        and budget.usd_per_hour
        and budget.usd_per_hour_per_pod > budget.usd_per_hour
    ):
        found.append("usd_per_hour_per_pod is above usd_per_hour, which then decides.")
    return [*found, *_idle_limits(policy), *_too_dear(policy)]


def _idle_limits(policy: Policy) -> Iterator[str]:
    """Limits that another one makes idle."""
    budget, gpus, approval = policy.budget, policy.gpus, policy.approval
    spans = [(key, getattr(budget, key)) for key in ("usd_per_day", "usd_per_month", "usd_total")]
    limits = [(key, amount) for key, amount in spans if amount is not None]
    for (shorter, less), (longer, more) in pairwise(limits):
        if less > more:
            yield f"{shorter} is above {longer}, which then decides."
    if None not in (gpus.max_per_pod, gpus.max_running) and (gpus.max_per_pod or 0) > (gpus.max_running or 0):
        yield "gpus.max_per_pod is above gpus.max_running, which then decides."
    asks, most = approval.above_usd_per_hour, budget.usd_per_hour_per_pod
    if asks is not None and most is not None and asks >= most:
        yield "approval.above_usd_per_hour is never reached, because no pod may cost that much per hour."


def _too_dear(policy: Policy) -> Iterator[str]:
    """GPU types that are named and that no budget has room for, by the built-in list of prices."""
    limits = (policy.budget.usd_per_hour_per_pod, policy.budget.usd_per_hour)
    most = min((one for one in limits if one is not None), default=None)
    allowed = [card for card in cards() if card.usd_per_hour and policy.gpus.permits(card.id)]
    dear = [card for card in allowed if most is not None and (card.usd_per_hour or 0) > most]
    if most is not None and allowed and len(dear) == len(allowed):
        yield f"no GPU type that is allowed costs as little as {show(most)} per hour, so none can be rented."


def not_sold(policy: Policy, dialect: Dialect) -> list[str]:
    """What a policy demands or leaves room for that this dialect of Runpod's API does not have."""
    if dialect != "v2":
        return []
    found, most = [], policy.pods.max_volume_gb
    if policy.pods.interruptible == "require":
        found.append(
            'pods.interruptible is "require", but Runpod\'s v2 API has no spot pods, so no pod can be rented; '
            'write "allow", or set RUNPOD_API_URL to the v1 API.'
        )
    if most and most < SMALLEST_VOLUME_GB:
        found.append(
            f"pods.max_volume_gb is {most}, but Runpod's v2 API makes volumes of {SMALLEST_VOLUME_GB} GB or more, "
            f"so every pod is without one; write 0 to say so, or at least {SMALLEST_VOLUME_GB}."
        )
    return found


def _known(pattern: str) -> bool:
    return any(matches(one, (pattern,)) for one in (*GPU_TYPE_IDS, *NEWER_GPU_TYPE_IDS))


def _money(amount: Usd | None) -> str:
    return "any amount" if amount is None else show(amount)


def _names(names: tuple[str, ...] | None) -> str:
    return "any" if names is None else ", ".join(names) or "none"


def _except(names: tuple[str, ...]) -> str:
    return f", but never {', '.join(names)}" if names else ""


def _most(limit: int | None, what: str, where: str) -> str:
    return f"any number of {what}s {where}" if limit is None else f"at most {count(limit, what)} {where}"


def _size(most: int | None) -> str:
    return "of any size" if most is None else f"at most {most} GB"


def _ending(policy: Policy) -> str:
    if policy.lease.on_expiry == "terminate" or policy.lease.keep_stopped_hours == 0:
        return "deleted"
    return f"stopped, and deleted {policy.lease.keep_stopped_hours:g} h later (at once if it has no volume)"


def _asking(policy: Policy) -> str:
    rules = policy.approval
    parts = [
        f"above {show(rules.above_usd_per_hour)} per hour" if rules.above_usd_per_hour is not None else "",
        f"above {show(rules.above_usd_per_lease)} per lease" if rules.above_usd_per_lease is not None else "",
        f"always for {', '.join(rules.tools)}" if rules.tools else "",
    ]
    return "; ".join(part for part in parts if part) or "never"
