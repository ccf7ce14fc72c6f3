"""From a URL and a key to the API behind them."""

from __future__ import annotations

import ipaddress
from functools import partial
from typing import Literal
from urllib.parse import SplitResult, urlsplit

import httpx2
from pydantic import SecretStr

from runpod_mcp.clock import Clock
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.runpod.api import RunpodApi
from runpod_mcp.runpod.http import Patience, Timeouts, Wire

RUNPOD_GRAPHQL = "https://api.runpod.io/graphql"
RUNPOD_JOBS = "https://api.runpod.ai/v2"
_RUNPOD_V1_HOST = "rest.runpod.io"
_SIMULATOR = "simulator"

Dialect = Literal["v1", "v2"]


def dialect_of(url: str) -> Dialect:
    """The dialect a base URL speaks, by the last segment of its path.

    Raises:
        Failure: settings_broken when it ends in neither `/v2` nor `/v1`, is no URL, or would send the key in the clear.
    """
    return _dialect(_checked(url))


def connect(
    api_url: str,
    api_key: SecretStr | None,
    clock: Clock,
    *,
    transport: httpx2.AsyncBaseTransport | None = None,
    timeouts: Timeouts | None = None,
    patience: Patience | None = None,
) -> RunpodApi:
    """The API behind a URL. Nothing is sent yet; without a key every call but v1's catalog is answered with unauthorized.

    `transport` replaces the network: a mock in tests, the simulator in the server.

    Raises:
        Failure: settings_broken for a URL or a key that cannot be used.
    """
    url, key = _checked(api_url), _usable(api_key)
    base = f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}"
    open_wire = partial(Wire, clock=clock, transport=transport, timeouts=timeouts, patience=patience)
    wire, jobs = open_wire(base, key), open_wire(jobs_url(api_url), key)
    if _dialect(url) == "v2":
        from runpod_mcp.runpod.v2 import V2Api

        return V2Api(wire, jobs)
    from runpod_mcp.runpod.v1 import V1Api

    return V1Api(wire, open_wire(graphql_url(api_url), None, needs_key=False), jobs)


def graphql_url(api_url: str) -> str:
    """Where the GraphQL catalog beside a v1 URL is: Runpod's own has a host of its own, any other the same origin."""
    url = urlsplit(api_url)
    return RUNPOD_GRAPHQL if url.hostname == _RUNPOD_V1_HOST else f"{url.scheme}://{url.netloc}/graphql"


def jobs_url(api_url: str) -> str:
    """Where the jobs of serverless endpoints are: Runpod has a host for them, any other plays them below `/ai/v2`."""
    url = urlsplit(api_url.strip())
    host = f".{url.hostname or ''}"
    return RUNPOD_JOBS if host.endswith(".runpod.io") else f"{url.scheme}://{url.netloc}/ai/v2"


def _dialect(url: SplitResult) -> Dialect:
    last = url.path.rstrip("/").rpartition("/")[2]
    if last == "v2":
        return "v2"
    if last == "v1":
        return "v1"
    raise _broken(
        "RUNPOD_API_URL must end in /v2 (https://api.runpod.io/v2) or /v1 (https://rest.runpod.io/v1)."
    )


def _checked(api_url: str) -> SplitResult:
    try:
        url = urlsplit(api_url.strip())
        host, _ = url.hostname, url.port
    except ValueError:
        raise _broken("RUNPOD_API_URL is not a URL.") from None
    if not host or url.scheme not in ("http", "https"):
        raise _broken("RUNPOD_API_URL must be a URL such as https://api.runpod.io/v2.")
    if url.username is not None or url.query or url.fragment:
        raise _broken(
            "RUNPOD_API_URL must have no user name, query or fragment; the key belongs in RUNPOD_API_KEY."
        )
    if url.scheme == "http" and not _is_local(host):
        raise _broken("RUNPOD_API_URL must start with https:// or the key would travel in the clear.")
    return url


def _is_local(host: str) -> bool:
    if host in ("localhost", _SIMULATOR):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _usable(key: SecretStr | None) -> SecretStr | None:
    """The key without the white space of a file's last line; a key that no header can carry is said to be one here."""
    bare = key.get_secret_value().strip() if key else ""
    if not bare:
        return None
    if not (bare.isascii() and bare.isprintable()) or " " in bare:
        raise _broken("RUNPOD_API_KEY holds characters that no key has; copy it again.")
    return SecretStr(bare)


def _broken(message: str) -> Failure:
    return Failure(Code.SETTINGS_BROKEN, message, Retry.NEVER)
