"""Putting this server into a client's settings, and taking it out again."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from runpod_mcp.cli.options import Options
from runpod_mcp.cli.tables import say
from runpod_mcp.cli.words import paragraph
from runpod_mcp.clients.edits import CannotEdit, Edit, apply, as_diff
from runpod_mcp.clients.entry import (
    KEY,
    KEY_FILE,
    edits_to_install,
    edits_to_uninstall,
    entry_of,
    env_of_entry,
    line_of_entry,
    servers_in,
)
from runpod_mcp.clients.files import Found, read_file, replace_file
from runpod_mcp.clients.launch import is_official, is_ours, this_command
from runpod_mcp.clients.machine import Machine, this_machine
from runpod_mcp.clients.places import CLIENTS, Client, client_named, settings_file, settings_files
from runpod_mcp.clock import Clock, SystemClock
from runpod_mcp.config import (
    DEFAULT_API_URL,
    Settings,
    colour_allowed,
    data_folder,
    environment,
)
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.logs import redact
from runpod_mcp.runpod.connect import dialect_of

WEBHOOK_SECRET = "RUNPOD_MCP_WEBHOOK_SECRET"  # noqa: S105  a name
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_SECRET = "[secret]"  # noqa: S105  what stands for one


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person asked for beside the server's own flags."""

    name: str = "runpod"
    project: bool = False
    key_file: str | None = None
    write_key: bool = False
    yes: bool = False
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A client's settings as they are, and what would be done to them."""

    client: Client
    wish: Wish
    found: Found
    old: dict[str, dict[str, Any]]
    edits: Sequence[Edit]
    secrets: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def diff(self) -> list[str]:
        """What goes and what comes, with values of variables blotted out."""
        return [self.masked(line) for line in as_diff(self.found.text, self.edits)]

    def masked(self, text: str) -> str:
        """A text of these settings that may be shown."""
        for secret in self.secrets:
            text = text.replace(json.dumps(secret, ensure_ascii=False)[1:-1], _SECRET).replace(
                secret, _SECRET
            )
        return _SECRET.join(map(redact, text.split(_SECRET))) if text.startswith("-") else text


def run_install(client_name: str, options: Options, wish: Wish) -> None:
    """`runpod-mcp install CLIENT` on this machine."""
    install(client_name, options, wish, this_machine(environment(), sys.platform), SystemClock())


def run_uninstall(client_name: str, wish: Wish) -> None:
    """`runpod-mcp uninstall CLIENT` on this machine."""
    uninstall(client_name, wish, this_machine(environment(), sys.platform), SystemClock())


def install(client_name: str, options: Options, wish: Wish, machine: Machine, clock: Clock) -> None:
    """Show, or with `yes` make, the entry of this server in a client's settings.

    Raises:
        Failure: the settings cannot be read, edited or written, or the name stands for another server.
        click.UsageError: no such client, or flags that do not go together.
    """
    client, path = _where(client_name, wish, machine)
    settings = _settings(options, wish, machine)
    found = read_file(path)
    old = _servers(client, found)
    _refuse_stranger(path, wish.name, old)
    entry = _entry(client, settings, wish, machine, old.get(wish.name, {}))
    try:
        edits = edits_to_install(client, found.text, wish.name, entry)
    except CannotEdit as error:
        if not wish.as_json:
            _show_snippet(client, wish, entry, settings)
        raise _untouched(path, error) from error
    change = Change(client, wish, found, old, edits, _secrets(settings, old.get(wish.name, {})))
    change.notes.extend(_notes(change, settings, machine))
    _carry_out(change, "install", clock)


def uninstall(client_name: str, wish: Wish, machine: Machine, clock: Clock) -> None:
    """Show, or with `yes` make, a client's settings without the entry of this server.

    Raises:
        Failure: as `install` does.
        click.UsageError: no such client.
    """
    client, path = _where(client_name, wish, machine)
    found = read_file(path)
    old = _servers(client, found)
    _refuse_stranger(path, wish.name, old)
    try:
        edits = edits_to_uninstall(client, found.text, wish.name)
    except CannotEdit as error:
        raise _untouched(path, error) from error
    change = Change(client, wish, found, old, edits, _secrets(None, old.get(wish.name, {})))
    _carry_out(change, "uninstall", clock)


def _where(client_name: str, wish: Wish, machine: Machine) -> tuple[Client, Path]:
    client = client_named(client_name)
    if client is None:
        names = [one.name for one in CLIENTS]
        near = difflib.get_close_matches(client_name.lower(), names, n=1, cutoff=0.4)
        nearest = f" Did you mean {near[0]}?" if near else ""
        raise click.UsageError(
            f"{client_name!r} is no client known here.{nearest} There are {', '.join(names)}."
        )
    if not _NAME.fullmatch(wish.name):
        raise click.UsageError("--name takes letters, digits, - and _, and begins with a letter")
    if not wish.project:
        return client, _holding(client, settings_files(client, machine), wish.name) or settings_file(
            client, machine
        )
    if not client.project_files:
        raise click.UsageError(f"{client.title} keeps no settings in a project; leave --project out")
    return client, settings_file(client, machine, project=True)


def _holding(client: Client, files: Sequence[Path], name: str) -> Path | None:
    """The file that has the entry already, where a client reads several."""
    for path in files if len(files) > 1 else ():
        if name in _servers(client, read_file(path)):
            return path
    return None


def _settings(options: Options, wish: Wish, machine: Machine) -> Settings:
    """The settings the server will have: those in force here, where a client's environment may lack them."""
    env = dict(machine.env)
    if wish.key_file:
        env = {name: value for name, value in env.items() if name != KEY} | {KEY_FILE: wish.key_file}
    try:
        settings = options.settings(env)
    except Failure as failure:
        if wish.key_file and failure.field == KEY_FILE:
            said = failure.message.replace(KEY_FILE, "--key-file", 1)
            raise Failure(failure.code, said, failure.retry, field="--key-file") from failure
        raise
    dialect_of(settings.api_url)
    if wish.write_key and settings.simulator:
        raise click.UsageError("--write-key makes no sense with --simulator, which needs no key")
    if wish.write_key and settings.api_key is None:
        raise Failure(Code.SETTINGS_BROKEN, "There is no key to write; set RUNPOD_API_KEY.", Retry.CHANGED)
    return settings


def _entry(
    client: Client, settings: Settings, wish: Wish, machine: Machine, old: dict[str, Any]
) -> dict[str, Any]:
    line = [*this_command(machine.env), *_flags(settings, machine)]
    env = {}
    hand_on = [] if settings.simulator else [KEY]
    if machine.env.get(WEBHOOK_SECRET):
        hand_on.append(WEBHOOK_SECRET)
    if settings.api_key_from == KEY_FILE and not settings.simulator:
        named = wish.key_file or machine.env[KEY_FILE]
        env[KEY_FILE] = _absolute(Path(named).expanduser(), machine)
    if wish.write_key and settings.api_key:
        env[KEY] = settings.api_key.get_secret_value()
    elif KEY in env_of_entry(old):
        hand_on = [name for name in hand_on if name != KEY or client.name == "codex"]
    return entry_of(client, wish.name, line, env, hand_on)


def _flags(settings: Settings, machine: Machine) -> list[str]:
    """Flags for whatever is not the default here, with paths that mean the same in every folder."""
    flags: list[str] = []
    if settings.policy_named or (machine.env.get("XDG_CONFIG_HOME") and settings.policy.exists()):
        flags += ["--policy", _absolute(settings.policy, machine)]
    named = machine.env.get("RUNPOD_MCP_LEDGER") or machine.env.get("XDG_DATA_HOME")
    if settings.ledger and (named or settings.ledger != data_folder() / "ledger.db"):
        flags += ["--ledger", _absolute(settings.ledger, machine)]
    if settings.api_url != DEFAULT_API_URL:
        flags += ["--api-url", settings.api_url]
    if len(settings.toolsets) > 1:
        flags += ["--toolsets", ",".join(settings.toolsets[1:])]
    flags += ["--read-only"] if settings.read_only else []
    return [*flags, "--simulator"] if settings.simulator else flags


def _absolute(path: Path | str, machine: Machine) -> str:
    return str(path) if "://" in str(path) else str(machine.folder / path)


def _servers(client: Client, found: Found) -> dict[str, dict[str, Any]]:
    try:
        return servers_in(client, found.text)
    except CannotEdit as error:
        raise _untouched(found.path, error) from error


def _refuse_stranger(path: Path, name: str, old: dict[str, dict[str, Any]]) -> None:
    if name not in old or is_ours(line := line_of_entry(old[name])):
        return
    started = f"starts {Path(line[0]).name!r}" if line and "://" not in line[0] else "is something else"
    message = f"{path}: {name!r} is there already and {started}, not this server. Nothing was changed; use another --name."
    raise Failure(Code.CONFLICT, message, Retry.CHANGED, field="--name")


def _untouched(path: Path, error: CannotEdit) -> Failure:
    return Failure(Code.SETTINGS_BROKEN, f"{path} {error}. Nothing was changed.", Retry.CHANGED)


def _secrets(settings: Settings | None, old: dict[str, Any]) -> tuple[str, ...]:
    """What is never shown: the key, and values of variables that stand in the entry already."""
    key = settings.api_key.get_secret_value() if settings and settings.api_key else ""
    values = [
        value for name, value in env_of_entry(old).items() if not name.endswith("_FILE") and "${" not in value
    ]
    return tuple(sorted({one for one in (key, *values) if len(one) >= 4}, key=len, reverse=True))


def _show_snippet(client: Client, wish: Wish, entry: dict[str, Any], settings: Settings) -> None:
    text = apply("", edits_to_install(client, "", wish.name, entry))
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    say(
        f"To be written into {client.title}'s settings by hand:",
        "",
        text.replace(key, "YOUR_KEY") if key else text,
    )


def _carry_out(change: Change, verb: str, clock: Clock) -> None:
    """Write if asked to, and say what was or would be done."""
    backup = None
    written = bool(change.edits) and change.wish.yes
    diff = change.diff
    if written:
        backup = replace_file(change.found, apply(change.found.text, change.edits), clock.now())
    key = env_of_entry(change.old.get(change.wish.name, {})).get(KEY, "$")
    if backup and not key.startswith(("$", "{")):
        change.notes.append("Warning: the API key stands in the backup too; delete it once all is well.")
    if change.wish.as_json:
        facts = {
            "client": change.client.name,
            "file": str(change.found.path),
            "name": change.wish.name,
            "changes": bool(change.edits),
            "written": written,
            "backup": str(backup) if backup else None,
            "diff": diff,
            "notes": change.notes,
        }
        click.echo(json.dumps(facts, indent=2))
        return
    say(f"{change.client.title}: {change.found.path}", *map(_coloured, diff))
    say(*map(paragraph, (_outcome(change, verb, written, backup), *change.notes)))


def _coloured(line: str) -> str:
    return click.style(line, fg=_COLOURS.get(line[:1])) if colour_allowed() else line


def _outcome(change: Change, verb: str, written: bool, backup: Path | None) -> str:
    if not change.edits and verb == "install":
        return "It is there already, just so; nothing was changed."
    if not change.edits:
        return f"There is no {change.wish.name!r} in it; nothing was changed."
    if not written:
        return "Nothing was written yet; run again with --yes."
    kept = f" The file as it was is kept as {backup}." if backup else ""
    then = "it has the tools" if verb == "install" else "they are gone"
    return f"Written.{kept} Start {change.client.title} again, and {then}."


def _notes(change: Change, settings: Settings, machine: Machine) -> list[str]:
    """What a person should know about this entry: where the key comes from, and what goes round the limits."""
    notes = [_about_key(change, settings)]
    official = [name for name, one in change.old.items() if is_official(line_of_entry(one))]
    if official:
        notes.append(
            f"Warning: {', '.join(official)} in the same file is Runpod's own server, which knows no limits; "
            "take it out, or the policy can be gone round."
        )
    if settings.policy_named and not settings.policy.is_file():
        notes.append(f"Warning: there is no policy at {settings.policy}; nothing is rented until there is.")
    if settings.policy_named and machine.works_in(settings.policy):
        notes.append(
            "Warning: the policy is in the folder worked in, where an agent may change it; keep it elsewhere."
        )
    if settings.ledger is None:
        notes.append("The simulator's world ends with the server: no key, no money, no network.")
    return notes


def _about_key(change: Change, settings: Settings) -> str:
    client, wish = change.client, change.wish
    if settings.simulator:
        return "No key is needed."
    if wish.write_key:
        shared = " The file is in a project: do not commit it." if wish.project else ""
        return (
            f"Warning: the API key itself is written into this file, readable by whatever reads it.{shared}"
        )
    if KEY in env_of_entry(change.old.get(wish.name, {})) and client.name != "gemini":
        before = " It goes before the file; uninstall first, then install again." if wish.key_file else ""
        return f"The entry sets {KEY} already, and keeps it.{before}"
    if settings.api_key_from == KEY_FILE:
        return (
            "The key is not in this file; the server reads it from the file that RUNPOD_API_KEY_FILE names."
        )
    if settings.api_key_from == KEY:
        return _about_environment(client)
    if settings.api_key is not None:
        return "The key is not in this file; the server reads it from runpodctl's config file."
    return (
        "No key is found yet. The server looks for RUNPOD_API_KEY, then RUNPOD_API_KEY_FILE, then runpodctl's "
        "config file; --key-file FILE names one here."
    )


def _about_environment(client: Client) -> str:
    surer = "A file that only you can read is surer: install with --key-file FILE."
    if client.hands == "none":
        return (
            f"Warning: {client.title} hands its servers no RUNPOD_API_KEY, so no key will be found. {surer}"
        )
    if client.desktop:
        return (
            f"The key is not in this file; {client.title} must be started where RUNPOD_API_KEY is set, which a "
            f"desktop does not do. {surer}"
        )
    return (
        f"The key is not in this file; {client.title} must be started where RUNPOD_API_KEY is set, and then the "
        f"agent's own commands have it too. {surer}"
    )
