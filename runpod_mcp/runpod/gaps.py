"""What a dialect has no words for, said so that it can be changed."""

from __future__ import annotations

from runpod_mcp.errors import Code, Failure
from runpod_mcp.pods.create_input import PodCreateInput


def gap(field: str, message: str) -> Failure:
    """A field of the request, under the document's name, that cannot be had as it was asked for."""
    return Failure(Code.INVALID_ARGUMENTS, message, field=field)


def volume_gaps(request: PodCreateInput) -> list[Failure]:
    """A pod volume that was asked for on a CPU pod, which has none in either API."""
    asked = bool(request.asked("volume_in_gb")) and bool(request.volume_in_gb)
    if request.compute_type != "CPU" or not asked or request.network_volume_id:
        return []
    return [gap("volumeInGb", "CPU pods have no pod volume; set volumeInGb to 0, or use a networkVolumeId.")]
