"""Settings, read once from the environment and the command line; nothing else reads the environment."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from runpod_mcp.errors import Code, Failure, Retry

DEFAULT_API_URL = "https://api.runpod.io/v2"
APP = "runpod-mcp"
TOOLSETS = ("core", "storage", "templates", "registries", "billing", "endpoints")
"""The tools of `core` are always there; the others are by choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing that can be set from outside: its variable, its flag or both, and what they mean in words.

    `takes` is what the flag takes (`FILE`, `URL`), empty for a switch.
    """

    name: str = ""
    flag: str = ""
    takes: str = ""
    default: str
    meaning: str
    secret: bool = False


SETTINGS = (
    Setting(
        name="RUNPOD_API_KEY",
        default="the key in runpodctl's config file; without one nothing can be rented",
        meaning="Runpod API key.",
        secret=True,
    ),
    Setting(
        name="RUNPOD_API_KEY_FILE",
        takes="FILE",
        default="none",
        meaning="File that holds the key, read when RUNPOD_API_KEY is not set.",
    ),
    Setting(
        name="RUNPOD_API_URL",
        flag="--api-url",
        takes="URL",
        default=DEFAULT_API_URL,
        meaning="Runpod's API, ending in /v2, or in /v1 for REST v1.",
    ),
    Setting(
        name="RUNPOD_MCP_POLICY",
        flag="--policy",
        takes="FILE",
        default="policy.toml in your config folder",
        meaning="Policy file.",
    ),
    Setting(
        name="RUNPOD_MCP_LEDGER",
        flag="--ledger",
        takes="FILE",
        default="ledger.db in your data folder",
        meaning="Ledger file.",
    ),
    Setting(
        name="RUNPOD_MCP_TOOLSETS",
        flag="--toolsets",
        takes="NAMES",
        default="core",
        meaning=f"More tools: {', '.join(TOOLSETS[1:])}, or all.",
    ),
    Setting(
        name="RUNPOD_MCP_READ_ONLY",
        flag="--read-only",
        default="off",
        meaning="Only tools that change nothing are offered.",
    ),
    Setting(
        name="RUNPOD_MCP_WEBHOOK_SECRET",
        default="none",
        meaning="Secret that signs what is sent to the policy's webhook.",
        secret=True,
    ),
    Setting(
        flag="--simulator",
        default="off",
        meaning="A Runpod inside this process: no key, no money, no network.",
    ),
    Setting(name="NO_COLOR", default="none", meaning="With any value: no colour in the terminal."),
)
"""Everything that is read from the environment or given as a flag to a server; the command line is made from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set from outside.

    `policy_named` tells whether a person named the policy file: a named file must exist, the usual one may not.
    `ledger` is None for a simulator inside the server: its world ends with the process, and so does what was rented.
    """

    api_key: SecretStr | None
    api_key_from: str
    api_url: str
    policy: Path
    policy_named: bool
    ledger: Path | None
    toolsets: tuple[str, ...] = ("core",)
    read_only: bool = False
    simulator: bool = False
    webhook_secret: SecretStr | None = None


def read_settings(
    environ: Mapping[str, str] | None = None,
    *,
    policy: str | None = None,
    ledger: str | None = None,
    api_url: str | None = None,
    simulator: bool = False,
    read_only: bool = False,
    toolsets: str | None = None,
) -> Settings:
    """Settings from the environment, each overruled by the argument of the same meaning.

    Raises:
        Failure: `settings_broken`, naming the setting and what was expected.
    """
    env = os.environ if environ is None else environ
    for setting, given in (("RUNPOD_MCP_POLICY", policy), ("RUNPOD_MCP_LEDGER", ledger)):
        if given is not None and not given.strip():
            raise _broken(setting, "was given on the command line as nothing; name a file, or leave it out")
    key, source = _api_key(env)
    named = policy or env.get("RUNPOD_MCP_POLICY") or None
    kept = ledger or env.get("RUNPOD_MCP_LEDGER") or (None if simulator else data_folder() / "ledger.db")
    return Settings(
        api_key=key,
        api_key_from=source,
        api_url=(api_url or env.get("RUNPOD_API_URL") or DEFAULT_API_URL).rstrip("/"),
        policy=_path("RUNPOD_MCP_POLICY", named or config_folder() / "policy.toml"),
        policy_named=named is not None,
        ledger=_path("RUNPOD_MCP_LEDGER", kept) if kept else None,
        toolsets=_toolsets(toolsets or env.get("RUNPOD_MCP_TOOLSETS") or "core"),
        read_only=read_only or _switch(env, "RUNPOD_MCP_READ_ONLY"),
        simulator=simulator,
        webhook_secret=SecretStr(secret)
        if (secret := env.get("RUNPOD_MCP_WEBHOOK_SECRET", "").strip())
        else None,
    )


def colour_allowed(environ: Mapping[str, str] | None = None) -> bool:
    """Whether a terminal may be written to in colour: NO_COLOR (no-color.org) with any value says no."""
    env = os.environ if environ is None else environ
    return not env.get("NO_COLOR") and env.get("TERM") != "dumb"


def environment() -> dict[str, str]:
    """The whole environment, for what looks after other programs' settings."""
    return dict(os.environ)


def config_folder() -> Path:
    """Where this user's settings live."""
    from platformdirs import user_config_path

    return user_config_path(APP, appauthor=False)


def data_folder() -> Path:
    """Where this user's ledger lives."""
    from platformdirs import user_data_path

    return user_data_path(APP, appauthor=False)


def _switch(env: Mapping[str, str], name: str) -> bool:
    """A setting that is on or off; anything else is an error, because half a word is not a promise."""
    word = env.get(name, "").strip().lower()
    if word in ("", "0", "off", "false", "no"):
        return False
    if word in ("1", "on", "true", "yes"):
        return True
    raise _broken(name, "must be on or off")


def _toolsets(named: str) -> tuple[str, ...]:
    """The toolsets of a list such as `storage,billing`, or of `all`, in their own order; core is always among them."""
    words = {word.strip().lower() for word in named.split(",")} - {""}
    if "all" in words:
        return TOOLSETS
    if unknown := sorted(words - set(TOOLSETS)):
        raise _broken(
            "RUNPOD_MCP_TOOLSETS", f"has no {unknown[0]!r}; there are {', '.join(TOOLSETS)} and all"
        )
    return tuple(name for name in TOOLSETS if name == "core" or name in words)


def _api_key(env: Mapping[str, str]) -> tuple[SecretStr | None, str]:
    if key := env.get("RUNPOD_API_KEY", "").strip():
        return SecretStr(key), "RUNPOD_API_KEY"
    if file := env.get("RUNPOD_API_KEY_FILE", "").strip():
        return SecretStr(_key_file(_path("RUNPOD_API_KEY_FILE", file))), "RUNPOD_API_KEY_FILE"
    if found := _runpodctl_key(Path("~/.runpod/config.toml")):
        return SecretStr(found), "runpodctl's config file"
    return None, "nowhere"


def _path(setting: str, named: str | Path) -> Path:
    if "://" in str(named):
        raise _broken(setting, "must be a file; a URL is not understood")
    try:
        return Path(named).expanduser()
    except RuntimeError as error:
        raise _broken(setting, "names the home of somebody who is not known here") from error


def _key_file(path: Path) -> str:
    try:
        key = path.read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = (getattr(error, "strerror", None) or "not UTF-8 text").lower()
        raise _broken("RUNPOD_API_KEY_FILE", f"cannot be read ({reason})") from error
    if len(key.split()) != 1:
        raise _broken("RUNPOD_API_KEY_FILE", "must hold one line with the key")
    return key


def _runpodctl_key(path: Path) -> str | None:
    """runpodctl keeps `apikey = "…"` in its TOML file; a file we cannot read is no key."""
    try:
        found = {
            name.lower(): value
            for name, value in tomllib.loads(path.expanduser().read_text("utf-8-sig")).items()
        }
    except (OSError, ValueError, RuntimeError):
        return None
    key = found.get("apikey")
    return key.strip() or None if isinstance(key, str) else None


def _broken(setting: str, problem: str) -> Failure:
    return Failure(Code.SETTINGS_BROKEN, f"{setting} {problem}.", Retry.NEVER, field=setting)
