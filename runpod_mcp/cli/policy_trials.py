"""Running the tests of a policy: for the person who writes it, and for their repository's CI."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import anyio
import click

from runpod_mcp.cli.policy_explain import read_request
from runpod_mcp.cli.tables import count
from runpod_mcp.clock import SteppedClock, from_epoch
from runpod_mcp.config import Settings
from runpod_mcp.errors import Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.judge import decided
from runpod_mcp.flows.policy_file import PolicyFile
from runpod_mcp.flows.resolve import with_container_disk
from runpod_mcp.policy.decide import Case, read_as
from runpod_mcp.policy.decision import Decision
from runpod_mcp.policy.document import Policy, preset, read_policy
from runpod_mcp.policy.offer import Wanted
from runpod_mcp.policy.problems import Problem
from runpod_mcp.policy.trials import (
    Difference,
    NoTrials,
    Trial,
    TrialFile,
    differences,
    fixed_readings,
    in_words,
    read_trials,
    spending_of,
)
from runpod_mcp.wiring import open_house

WRONG_USAGE = 2


@dataclass(frozen=True, slots=True)
class Ran:
    """A case that was run."""

    file: str
    name: str
    found: str
    differences: list[Difference]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file of cases with its policy and its requests."""

    path: Path
    file: TrialFile
    policy: Policy
    wanted: list[Wanted]


def run_tests(folder: str, as_json: bool) -> None:
    """Run every case of every file; exit code 1 when one differs, 2 when there is nothing to run.

    Raises:
        Failure: a policy that is tested is broken.
    """
    files = _load(Path(folder).expanduser())
    ran = [one for loaded in files for one in anyio.run(_run, loaded)]
    different = [one for one in ran if one.differences]
    if as_json:
        cases = [{**asdict(one), "ok": not one.differences} for one in ran]
        click.echo(json.dumps({"cases": cases, "different": len(different)}, indent=2))
    else:
        for one in ran:
            click.echo("\n".join(_lines(one)))
        click.echo(
            f"{count(len(ran), 'case')}, {len(different) or 'none'} {'differs' if len(different) < 2 else 'differ'}."
        )
    sys.exit(1 if different else 0)


def _lines(one: Ran) -> list[str]:
    if not one.differences:
        return [f"ok    {one.file}: {one.name}"]
    wrong = [
        line
        for part in one.differences
        for line in (f"      - {part.what}: {part.expected}", f"      + {part.what}: {part.found}")
    ]
    return [f"DIFF  {one.file}: {one.name}", *wrong]


def _load(folder: Path) -> list[Loaded]:
    """Every file of the folder; what is wrong with any of them ends it, said for all of them."""
    if not folder.is_dir():
        raise click.UsageError(f"{folder} is not a folder")
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise click.UsageError(f"{folder} holds no tests (*.toml)")
    loaded, wrong = [], []
    for path in paths:
        try:
            loaded.append(_read(path))
        except NoTrials as error:
            wrong += [f"{path}: {problem}" for problem in error.problems]
    if wrong:
        for line in wrong:
            click.echo(line, err=True)
        sys.exit(WRONG_USAGE)
    return loaded


def _read(path: Path) -> Loaded:
    if path.exists() and not path.is_file():
        raise NoTrials((Problem("is not a file"),))
    try:
        file, lines = read_trials(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise NoTrials((Problem(f"cannot be read ({type(error).__name__})"),)) from error
    wanted, wrong = [], []
    for number, trial in enumerate(file.case):
        try:
            request = with_container_disk(read_request(trial.request))
            wanted.append(Wanted(request, trial.volume_in if request.network_volume_id else None))
        except Failure as failure:
            wrong.append(_in_request(number, failure, lines))
    if wrong:
        raise NoTrials(tuple(wrong))
    return Loaded(path, file, _policy(path, file), wanted)


def _in_request(number: int, failure: Failure, lines: Mapping[tuple[str, ...], int]) -> Problem:
    key = ("case", str(number), "request")
    line = lines.get((*key, failure.field or "")) or lines.get(key) or lines.get(key[:2])
    return Problem(f"{'.'.join(key)}: {failure.message.rstrip('.')}", ".".join(key), line)


def _policy(path: Path, file: TrialFile) -> Policy:
    if file.preset:
        return read_policy(preset(file.preset), file.preset)
    return PolicyFile(path.parent / (file.policy or ""), named=True).current()


async def _run(loaded: Loaded) -> list[Ran]:
    """The cases of one file, on the built-in price list unless the file has prices of its own."""
    settings = Settings(
        api_key=None,
        api_key_from="nowhere",
        api_url="http://simulator/v2",
        policy=loaded.path,
        policy_named=True,
        ledger=None,
        simulator=True,
    )
    async with open_house(settings, SteppedClock(from_epoch(loaded.file.now))) as house:
        return [
            await _judged(house, loaded, trial, wanted)
            for trial, wanted in zip(loaded.file.case, loaded.wanted, strict=True)
        ]


async def _judged(house: House, loaded: Loaded, trial: Trial, wanted: Wanted) -> Ran:
    found = await _verdict(house, await _case(house, loaded, trial, wanted), wanted)
    return Ran(loaded.path.name, trial.name, in_words(found), differences(trial, found))


async def _case(house: House, loaded: Loaded, trial: Trial, wanted: Wanted) -> Case:
    file, spending = loaded.file, spending_of(trial, loaded.file.now)
    if file.prices is None:
        return Case(loaded.policy, await house.prices.read(*read_as(wanted.request)), spending)
    readings = fixed_readings(file.prices, from_epoch(file.now))
    return Case(loaded.policy, readings[0], spending, readings=readings).reading(wanted.request)


async def _verdict(house: House, case: Case, wanted: Wanted) -> Decision | Failure:
    try:
        return await decided(house, case, wanted)
    except Failure as failure:
        return failure
