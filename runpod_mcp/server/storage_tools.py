"""Tools for network volumes, with what they cost a month."""

from __future__ import annotations

from typing import Annotated, Any

from mcp_types import CallToolResult
from pydantic import Field

from runpod_mcp.flows import network_volumes
from runpod_mcp.flows.context import House
from runpod_mcp.flows.network_volumes import Volume
from runpod_mcp.money import as_dollars, show_dollars
from runpod_mcp.pods.create_input import SENSIBLE
from runpod_mcp.pods.words import clean
from runpod_mcp.runpod.volumes import VolumeChange
from runpod_mcp.server.arguments import Arguments, Page, ThingId, page_of
from runpod_mcp.server.budget_tools import left_of
from runpod_mcp.server.replies import Reply, said
from runpod_mcp.server.tool import ToolSpec

Gigabytes = Annotated[int, Field(ge=1), SENSIBLE]


class OneVolume(Arguments):
    """A network volume by its id."""

    volume_id: ThingId = Field(alias="networkVolumeId")


class CreateVolume(Arguments):
    """A network volume to make."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    size_gb: Gigabytes = Field(alias="sizeGb")
    data_center_id: str = Field(alias="dataCenterId")


class UpdateVolume(OneVolume):
    """What a network volume is to become."""

    name: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    size_gb: Gigabytes | None = Field(None, alias="sizeGb", description="Can only grow.")


class VolumesReply(Reply):
    """A page of network volumes."""

    networkVolumes: list[dict[str, Any]]
    total: int
    nextCursor: str | None = None


class VolumeReply(Reply):
    """A network volume."""

    networkVolume: dict[str, Any]
    budgetLeft: dict[str, Any] | None = None


class DeletedReply(Reply):
    """What is gone."""

    networkVolumeId: str
    budgetLeft: dict[str, Any] | None = None


async def _list(house: House, page: Page) -> CallToolResult:
    volumes = await network_volumes.list_volumes(house)
    rows = [_facts(one) for one in volumes]
    shown, cursor = page_of(rows, "networkVolumes", page)
    facts: dict[str, Any] = {"networkVolumes": shown, "total": len(rows)}
    facts |= {"nextCursor": cursor} if cursor else {}
    count = "1 network volume" if len(rows) == 1 else f"{len(rows)} network volumes"
    lines = [count, *map(_words, shown), *([f"More: cursor {cursor}"] if cursor else [])]
    return said("\n".join(lines), facts)


async def _get(house: House, asked: OneVolume) -> CallToolResult:
    facts = _facts(await network_volumes.get_volume(house, asked.volume_id))
    return said(_words(facts), {"networkVolume": facts})


async def _create(house: House, asked: CreateVolume) -> CallToolResult:
    made = await network_volumes.create_volume(house, asked.name, asked.size_gb, asked.data_center_id)
    return await _changed(house, "Made. It costs until delete_network_volume.", made)


async def _update(house: House, asked: UpdateVolume) -> CallToolResult:
    change = VolumeChange(name=asked.name, size_gb=asked.size_gb)
    return await _changed(
        house, "Changed.", await network_volumes.update_volume(house, asked.volume_id, change)
    )


async def _delete(house: House, asked: OneVolume) -> CallToolResult:
    await network_volumes.delete_volume(house, asked.volume_id)
    left = await left_of(house)
    text = (
        f"Network volume {asked.volume_id} is deleted with all it held and costs nothing more.\n{left.words}"
    )
    return said(text, {"networkVolumeId": asked.volume_id, "budgetLeft": left.facts})


async def _changed(house: House, done: str, volume: Volume) -> CallToolResult:
    facts, left = _facts(volume), await left_of(house)
    return said(f"{done} {_words(facts)}\n{left.words}", {"networkVolume": facts, "budgetLeft": left.facts})


def _facts(one: Volume) -> dict[str, Any]:
    volume = one.volume
    month = one.usd_per_month
    facts: dict[str, Any] = {
        "networkVolumeId": volume.id,
        "name": clean(volume.name, 60) if volume.name else None,
        "sizeGb": volume.size_gb,
        "dataCenterId": volume.data_center_id,
        "tier": volume.tier,
        "usdPerMonth": None if month is None else as_dollars(month),
        "managed": one.lease is not None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _words(facts: dict[str, Any]) -> str:
    name = f' "{facts["name"]}"' if "name" in facts else ""
    size = f"{facts['sizeGb']} GB" if "sizeGb" in facts else "size unknown"
    place = f" in {facts['dataCenterId']}" if "dataCenterId" in facts else ""
    tier = f", {facts['tier']}" if "tier" in facts else ""
    month = f"{show_dollars(facts['usdPerMonth'])} a month" if "usdPerMonth" in facts else "price unknown"
    foreign = "" if facts["managed"] else ", not managed"
    return f"{facts['networkVolumeId']}{name}: {size}{place}{tier}, {month}{foreign}"


STORAGE_TOOLS = [
    ToolSpec(
        name="list_network_volumes",
        title="List network volumes",
        description="All network volumes of the account with what they cost a month.",
        arguments=Page,
        reply=VolumesReply,
        handler=_list,
        reads_only=True,
        repeatable=True,
    ),
    ToolSpec(
        name="get_network_volume",
        title="Show a network volume",
        description="One network volume: size, place, monthly cost.",
        arguments=OneVolume,
        reply=VolumeReply,
        handler=_get,
        reads_only=True,
        repeatable=True,
    ),
    ToolSpec(
        name="create_network_volume",
        title="Make a network volume",
        description=(
            "Rent a network volume under the policy and budget; pods in its data center can mount it. It costs until it "
            "is deleted. Its name must be unused. After outcome_unknown do not repeat."
        ),
        arguments=CreateVolume,
        reply=VolumeReply,
        handler=_create,
    ),
    ToolSpec(
        name="update_network_volume",
        title="Change a network volume",
        description="Rename or grow a network volume this server made; growing passes policy and budget.",
        arguments=UpdateVolume,
        reply=VolumeReply,
        handler=_update,
        repeatable=True,
    ),
    ToolSpec(
        name="delete_network_volume",
        title="Delete a network volume",
        description="Delete a network volume this server made, with all it holds, for good; not while a pod uses it.",
        arguments=OneVolume,
        reply=DeletedReply,
        handler=_delete,
        destroys=True,
        repeatable=True,
    ),
]
