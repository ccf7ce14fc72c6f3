"""Writing and checking the policy file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from runpod_mcp.config import config_folder, read_settings
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.policy_file import PolicyFile
from runpod_mcp.money import Usd, show
from runpod_mcp.pods.values import GPU_TYPE_IDS, NEWER_GPU_TYPE_IDS
from runpod_mcp.policy.document import PRESETS, Policy, preset
from runpod_mcp.policy.patterns import matches
from runpod_mcp.runpod.connect import Dialect, dialect_of
from runpod_mcp.runpod.v2_body import SMALLEST_VOLUME_GB


def init(name: str, path: str | None, force: bool) -> None:
    """Write one of the ready-made policies.

    Raises:
        Failure: the file is there already, or cannot be written.
    """
    if name not in PRESETS:
        raise click.BadParameter(f"{name!r} is none of {', '.join(PRESETS)}", param_hint="--preset")
    target = Path(path).expanduser() if path else config_folder() / "policy.toml"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w" if force else "x", encoding="utf-8") as file:
            file.write(preset(name))
        target.chmod(0o600)
    except FileExistsError as error:
        raise Failure(
            Code.SETTINGS_BROKEN, f"{target} is there already; --force replaces it.", Retry.CHANGED
        ) from error
    except OSError as error:
        raise Failure(
            Code.SETTINGS_BROKEN, f"{target} cannot be written ({error.strerror}).", Retry.NEVER
        ) from error
    click.echo(f"Wrote {target} ({name}). Edit it, then: runpod-mcp policy check {target}")


def check(path: str | None, as_json: bool) -> None:
    """Say what a policy allows.

    Raises:
        Failure: `policy_broken`.
    """
    settings = read_settings(policy=path)
    policy = PolicyFile(settings.policy, settings.policy_named).current()
    says, warnings = in_words(policy), [*doubts(policy), *not_sold(policy, dialect_of(settings.api_url))]
    if as_json:
        click.echo(json.dumps({"origin": policy.origin, "says": says, "warnings": warnings}, indent=2))
        return
    click.echo(f"Policy: {policy.origin}")
    for line in says:
        click.echo(f"  {line}")
    for line in warnings:
        click.echo(f"  Warning: {line}")


def in_words(policy: Policy) -> list[str]:
    """A policy in plain sentences, one for each kind of limit."""
    budget, gpus, cpus, pods, lease = policy.budget, policy.gpus, policy.cpus, policy.pods, policy.lease
    return [
        f"One pod may cost {_money(budget.usd_per_hour_per_pod)} per hour, all pods {_money(budget.usd_per_hour)}.",
        f"Spending: {_money(budget.usd_per_day)} a day, {_money(budget.usd_per_month)} a month, "
        f"{_money(budget.usd_total)} in total (UTC).",
        f"Pods made elsewhere {'count' if budget.include_unmanaged else 'do not count'}, and "
        f"{'may' if pods.manage_unmanaged else 'may not'} be stopped or deleted.",
        f"GPU types: {_names(gpus.allow)}{_except(gpus.deny)}; {_most(gpus.max_per_pod, 'GPUs in one pod')}, "
        f"{_most(gpus.max_running, 'GPUs running')}.",
        f"CPU flavors: {_names(cpus.allow)}; {_most(cpus.max_vcpus_per_pod, 'vCPUs in one pod')}.",
        f"{_most(pods.max_running, 'pods running').capitalize()}, in {_names(pods.cloud_types)} cloud; spot pods: {pods.interruptible}.",
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
    return found


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


def _most(count: int | None, what: str) -> str:
    return f"any number of {what}" if count is None else f"at most {count} {what}"


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
