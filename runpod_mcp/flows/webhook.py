"""Sending news to the address a person wrote into the policy: JSON, signed, tried again, never in anybody's way."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from typing import Any

import anyio
import httpx2
from pydantic import SecretStr

from runpod_mcp.clock import from_epoch, iso
from runpod_mcp.errors import Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.notices import Notice

log = logging.getLogger(__name__)

TIMEOUT = 10.0
TRIED_AGAIN_AFTER = (2.0, 10.0, 60.0)
"""Seconds between tries of one piece of news."""
SIGNATURE = "X-Runpod-Mcp-Signature"
TIMESTAMP = "X-Runpod-Mcp-Timestamp"


async def deliver(
    house: House, secret: SecretStr | None, transport: httpx2.AsyncBaseTransport | None = None
) -> None:
    """Send news as it comes, one after the other, until cancelled."""
    while True:
        await send(house, await house.notices.next(), secret, transport)


async def deliver_rest(
    house: House, secret: SecretStr | None, seconds: float, transport: httpx2.AsyncBaseTransport | None = None
) -> None:
    """Send what waits before a command ends, for so many seconds at most."""
    with anyio.move_on_after(seconds):
        while len(house.notices):
            await send(house, await house.notices.next(), secret, transport)


async def send(
    house: House, notice: Notice, secret: SecretStr | None, transport: httpx2.AsyncBaseTransport | None = None
) -> bool:
    """Send one piece of news, if the policy names an address; whether it arrived."""
    url = _address(house)
    if url is None:
        return False
    body = json.dumps(_facts(house, notice), sort_keys=True).encode()
    headers = {"Content-Type": "application/json", **_signed(body, notice, secret)}
    for wait in (*TRIED_AGAIN_AFTER, None):
        problem = await _post(url, body, headers, transport)
        if problem is None:
            return True
        if wait is not None:
            await house.clock.sleep(wait)
    log.warning("the webhook did not take news of %s: %s", notice.event, problem)
    return False


def _address(house: House) -> str | None:
    try:
        return house.policies.current().notify.webhook
    except Failure:
        return None


def _facts(house: House, notice: Notice) -> dict[str, Any]:
    return {
        "event": notice.event,
        "at": iso(from_epoch(notice.at)),
        "principal": house.principal,
        **notice.facts,
    }


def _signed(body: bytes, notice: Notice, secret: SecretStr | None) -> dict[str, str]:
    """A signature over the time and the body, so that neither can be changed nor sent again much later."""
    stamp = {TIMESTAMP: str(notice.at)}
    if secret is None:
        return stamp
    whole = f"{notice.at}.".encode() + body
    seal = hmac.new(secret.get_secret_value().encode(), whole, hashlib.sha256).hexdigest()
    return {**stamp, SIGNATURE: f"sha256={seal}"}


async def _post(
    url: str, body: bytes, headers: dict[str, str], transport: httpx2.AsyncBaseTransport | None
) -> str | None:
    """What went wrong, in a word; None when it was taken. What the answer holds is not read, however long it is."""
    try:
        with anyio.fail_after(TIMEOUT):
            async with (
                httpx2.AsyncClient(transport=transport, follow_redirects=False, timeout=TIMEOUT) as client,
                client.stream("POST", url, content=body, headers=headers) as answer,
            ):
                pass
    except Exception as error:  # whatever broke, the address may hold a secret, so its words stay out
        return type(error).__name__
    return None if answer.is_success else f"HTTP {answer.status_code}"
