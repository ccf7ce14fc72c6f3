"""What a dialect has no words for, said so that it can be changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.pods.create_input import PodCreateInput
from runpod_mcp.pods.words import clean, nearest


def gap(field: str, message: str) -> Failure:
    """A field of the request, under the document's name, that cannot be had as it was asked for."""
    return Failure(Code.INVALID_ARGUMENTS, message, field=field)


def nothing_to_change() -> Failure:
    """A change without a field; v2 refuses an empty body, and v1 would do nothing."""
    return Failure(Code.INVALID_ARGUMENTS, "There is nothing to change; name at least one field.")


def not_in_v2(field: str, hint: str) -> Failure:
    """A field that only v1 has; `hint` says what to do instead."""
    return gap(field, f"Runpod's v2 API has no {field}; {hint}.")


def not_in_v1(field: str, hint: str) -> Failure:
    """A field that only v2 has; `hint` says what to do instead."""
    return gap(field, f"Runpod's v1 API has no {field}; {hint}, or use v2.")


def unknown_to_v1(field: str, wanted: Iterable[str], known: Sequence[str]) -> list[Failure]:
    """Ids outside v1's lists, to which it answers 400 (observed live in August 2026)."""
    odd = [one for one in wanted if one not in known]
    if not odd:
        return []
    hint = nearest(odd[0], known)
    meant = f" (did you mean {hint!r}?)" if hint else ""
    message = f"Runpod's v1 API does not know {clean(odd[0])!r} in {field}{meant}; leave it out, or use v2."
    return [gap(field, message)]


def only_in_v2(what: str) -> Failure:
    """A whole thing that v1 does not have, to be raised where it is asked for; `what` begins the sentence's object."""
    message = f"Runpod's v1 API has no {what}; set RUNPOD_API_URL to https://api.runpod.io/v2."
    return Failure(Code.INVALID_REQUEST, message, Retry.NEVER)


def volume_gaps(request: PodCreateInput) -> list[Failure]:
    """A pod volume that was asked for on a CPU pod, which has none in either API."""
    asked = bool(request.asked("volume_in_gb")) and bool(request.volume_in_gb)
    if request.compute_type != "CPU" or not asked or request.network_volume_id:
        return []
    return [gap("volumeInGb", "CPU pods have no pod volume; set volumeInGb to 0, or use a networkVolumeId.")]
