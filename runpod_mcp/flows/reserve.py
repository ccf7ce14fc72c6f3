"""Setting money aside: the only gate that counts, because it looks and writes in one step."""

from __future__ import annotations

import hashlib
import json
import secrets

from runpod_mcp.catalog.placement import LeftOut
from runpod_mcp.flows.context import House
from runpod_mcp.flows.gate import reserve_judge
from runpod_mcp.flows.remembered import without_secrets
from runpod_mcp.flows.rented import Held
from runpod_mcp.ledger.entries import Lease, Reservation
from runpod_mcp.ledger.store import Repeated, Reserved
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.policy.decide import Case
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.offer import Offer

TOOL = "create_pod"
HASH_ROUNDS = 50_000
"""Makes guessing a short secret from a stolen ledger dear; a call with a request id waits a hundredth of a second."""


async def reserve(house: House, request: CreateRequest, case: Case, offer: Offer) -> Held | Lease:
    """Set an offer's ceiling aside; while others take the room, the dearest candidates are given up first.

    Answers with the earlier lease when the same request id was used in the meantime.

    Raises:
        Failure: no candidate fits any more, or the ledger cannot be written.
    """
    while True:
        reservation = _reservation(house, request, offer)
        judge = reserve_judge(case.policy, case.unmanaged, reservation)
        answer = await house.ledger.reserve(reservation, judge)
        if isinstance(answer, Reserved):
            return Held(offer, answer.lease)
        if isinstance(answer, Repeated):
            return answer.lease
        offer = _without_dearest(offer, answer)


def _without_dearest(offer: Offer, denied: Deny) -> Offer:
    dearest = max(candidate.usd_per_hour for candidate in offer.candidates)
    given_up = [c for c in offer.candidates if c.usd_per_hour == dearest]
    if len(given_up) == len(offer.candidates):
        raise denied.as_failure()
    return offer.without(LeftOut(c.type_id, denied.code, denied.message) for c in given_up)


def _reservation(house: House, request: CreateRequest, offer: Offer) -> Reservation:
    now, quote = house.now(), offer.quote
    ends = now + quote.terms.lease_seconds
    reservation_id = f"r-{secrets.token_hex(8)}"
    return Reservation(
        id=reservation_id,
        principal=house.principal,
        tool=TOOL,
        request_id=request.request_id,
        request_hash=fingerprint(request, reservation_id) if request.request_id else "",
        request=_remembered(request),
        opened_at=now,
        lease_ends_at=ends,
        stopped_until=ends + quote.terms.keep_stopped_seconds,
        usd_per_hour=quote.usd_per_hour,
        disk_usd_per_hour=quote.disks.running_usd_per_hour,
        stopped_usd_per_hour=quote.disks.stopped_usd_per_hour,
        gpus=offer.wanted.gpus,
    )


def fingerprint(request: CreateRequest, salt: str) -> str:
    """A hash of everything that was asked, env values included, to tell whether a repeat asks for the same.

    It lies in the ledger's file, so it is salted with the id of its reservation and slow to compute: equal requests
    do not look equal there, and a secret is not found by trying a list of them.
    """
    asked = request.model_dump(
        mode="json", by_alias=True, exclude_unset=True, exclude={"request_id", "dry_run"}
    )
    whole = json.dumps(asked, sort_keys=True).encode()
    return hashlib.pbkdf2_hmac("sha256", whole, salt.encode(), HASH_ROUNDS).hex()


def _remembered(request: CreateRequest) -> str:
    """The request as JSON without secrets: what the ledger may remember."""
    asked = request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return json.dumps(without_secrets(asked), sort_keys=True)
