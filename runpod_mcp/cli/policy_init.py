"""Writing a policy file to start from."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from runpod_mcp.cli.price_list import cards
from runpod_mcp.config import config_folder
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.policy_file import PolicyFile
from runpod_mcp.policy.document import DEFAULT_PRESET, PRESETS, preset, read_policy
from runpod_mcp.policy.drafts import Answers, draft


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for on the command line; None where a question may be asked instead."""

    preset: str | None
    usd_per_day: str | None
    gpus: str | None
    on_expiry: str | None


def init(wishes: Wishes, path: str | None, *, ask: bool, force: bool) -> None:
    """Write a policy and show it; on a terminal, three questions are asked about what no flag says.

    Raises:
        Failure: the file is there already, or cannot be written.
    """
    name = wishes.preset or DEFAULT_PRESET
    if name not in PRESETS:
        raise click.BadParameter(f"{name!r} is none of {', '.join(PRESETS)}", param_hint="--preset")
    target = Path(path).expanduser() if path else config_folder() / "policy.toml"
    if os.path.lexists(target) and not force:
        raise _there_already(target)
    if ask and sys.stdin.isatty() and sys.stdout.isatty():
        wishes = _asked(wishes, name)
    text = draft(preset(name), _answers(wishes), cards())
    read_policy(text, str(target))
    _write(target, text, force)
    PolicyFile(target, named=True).current()
    click.echo(f"{text.rstrip()}\n")
    click.echo(f"Wrote {target} ({name}). Edit it, then: runpod-mcp policy check {target}")
    click.echo(f"For an editor: runpod-mcp policy schema > {target.with_name('policy.schema.json')}")


def _asked(wishes: Wishes, name: str) -> Wishes:
    """The wishes with answers to the three questions that matter most."""
    start = read_policy(preset(name), name)
    day = f"{(start.budget.usd_per_day or 0) / 1_000_000:g}"
    return Wishes(
        wishes.preset,
        wishes.usd_per_day or click.prompt("How many dollars may a day cost at most?", default=day),
        wishes.gpus
        or click.prompt(
            'Which GPUs? Names such as "4090, L4", a size such as "24 GB", any; or nothing for those of the preset',
            default="",
            show_default=False,
        )
        or None,
        wishes.on_expiry
        or click.prompt(
            "What happens at the end of a lease: stop keeps the volume for a while, terminate deletes all",
            type=click.Choice(["stop", "terminate"]),
            default=start.lease.on_expiry,
        ),
    )


def _answers(wishes: Wishes) -> Answers:
    day: Decimal | None = None
    if wishes.usd_per_day is not None:
        try:
            day = Decimal(wishes.usd_per_day.strip().removeprefix("$"))
        except InvalidOperation:
            day = Decimal("nan")
        if not day.is_finite() or not 0 < day <= 1_000_000:
            raise click.BadParameter("expected dollars, such as 10 or 2.50", param_hint="--usd-per-day")
    return Answers(day, wishes.gpus, wishes.on_expiry)


def _write(target: Path, text: str, force: bool) -> None:
    """The whole file or none of it, for its owner only where the system knows that."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        _make_folder(target.parent)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            if force:
                beside.replace(target)
            else:
                os.link(beside, target)
        finally:
            beside.unlink(missing_ok=True)
    except FileExistsError as error:
        raise _there_already(target) from error
    except OSError as error:
        raise Failure(
            Code.SETTINGS_BROKEN, f"{target} cannot be written ({error.strerror}).", Retry.NEVER
        ) from error


def _make_folder(folder: Path) -> None:
    """The folder; a file in its place is another trouble than a policy that is there already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from error


def _there_already(target: Path) -> Failure:
    return Failure(Code.SETTINGS_BROKEN, f"{target} is there already; --force replaces it.", Retry.CHANGED)
