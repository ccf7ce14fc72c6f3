"""What an order for an endpoint refers to, read and written out, so that what is judged is what is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from runpod_mcp.catalog.countries import country_of
from runpod_mcp.errors import Code, Failure
from runpod_mcp.flows.context import House
from runpod_mcp.flows.endpoints_price import Sold
from runpod_mcp.pods.create_input import CreateRequest
from runpod_mcp.pods.values import RESERVATION_TAG
from runpod_mcp.pods.words import clean, nearest
from runpod_mcp.policy.decision import Deny
from runpod_mcp.policy.document import Policy
from runpod_mcp.policy.endpoint_rules import allowed_places, judge_places
from runpod_mcp.runpod.endpoints import Endpoint, EndpointChange, EndpointOrder
from runpod_mcp.runpod.templates import Template

DEFAULT_DISK_GB = 20
"""What Runpod gives a worker where nobody says; written out, since the policy may allow less."""

Order = TypeVar("Order", EndpointOrder, EndpointChange)


async def read_template(house: House, template_id: str | None) -> Template | None:
    """The template that an order names, where it names one.

    Raises:
        Failure: `invalid_arguments`: there is no such template, or it is for pods.
    """
    if not template_id:
        return None
    template = await house.api.resources.templates.get(template_id)
    named = f"template {clean(template_id, 60)!r}"
    if template is None:
        raise _unfit("templateId", f"there is no {named} that this key may read")
    if not template.serverless:
        raise _unfit("templateId", f"{named} is for pods, not for serverless endpoints")
    if any(one.strip().upper() == RESERVATION_TAG for one in template.env_names):
        raise _unfit("templateId", f"{named} sets the variable {RESERVATION_TAG}, which is this server's")
    return template


def written_out(house: House, order: Order, template: Template | None) -> Order:
    """The order with what the template would put into the workers, so that a later edit of it changes nothing.

    Where the API keeps that in the template alone (v1), the order stays as it is.
    """
    if template is None:
        return order
    written = replace(
        order,
        image=order.image or template.image,
        container_disk_gb=order.container_disk_gb or template.container_disk_gb or DEFAULT_DISK_GB,
        ports=template.ports if order.ports is None else order.ports,
    )
    gaps = house.api.resources.endpoints.gaps
    return order if len(gaps(written)) > len(gaps(order)) else written


def judged_as(
    order: EndpointOrder | EndpointChange, template: Template | None, before: Endpoint | None = None
) -> CreateRequest:
    """The container of an order as the rules for pods read it; what it leaves out is the template's, or as before."""
    lent = template or before
    image = order.image or (lent.image if lent else None)
    disk = order.container_disk_gb or (lent.container_disk_gb if lent else None)
    ports = (lent.ports if lent else None) if order.ports is None else order.ports
    return CreateRequest.model_construct(
        image_name=image,
        template_id=order.template_id,
        container_disk_in_gb=disk or DEFAULT_DISK_GB,
        volume_in_gb=0,
        ports=list(ports or ()),
    )


def refuse_unsold(sold: Sold, gpu_type_ids: Sequence[str], cpu_flavor_ids: Sequence[str]) -> None:
    """An id that no worker comes with is a slip of the pen, or a card for pods only.

    Raises:
        Failure: `invalid_arguments`, naming the nearest id.
    """
    for field, asked, known in (
        ("gpuTypeIds", gpu_type_ids, sold.gpus),
        ("cpuFlavorIds", cpu_flavor_ids, sold.cpus),
    ):
        for one in asked:
            if one not in known:
                meant = nearest(one, known)
                hint = f"; did you mean {meant!r}?" if meant else ""
                raise _unfit(field, f"Runpod has no serverless workers with {clean(one, 60)!r}{hint}")


async def placed(house: House, policy: Policy, order: Order) -> Order:
    """The order with the data centers that the policy allows, where it names none and the policy limits them.

    Raises:
        Failure: the policy allows none of them, or a network volume is not there or elsewhere.
    """
    for volume_id in order.network_volume_ids or ():
        await _refuse_volume(house, policy, volume_id)
    if order.data_center_ids or not policy.pods.limits_place:
        return order
    if isinstance(order, EndpointChange) and order.data_center_ids is None:
        return order
    known = (await house.prices.read("SECURE")).data_centers
    return replace(order, data_center_ids=allowed_places(policy, known))


def refuse_place(policy: Policy, data_center_ids: Sequence[str]) -> None:
    """Say no to workers where the policy allows none.

    Raises:
        Failure: `data_center_not_allowed`.
    """
    if denied := judge_places(policy, data_center_ids):
        raise denied.as_failure()


async def _refuse_volume(house: House, policy: Policy, volume_id: str) -> None:
    volume = await house.api.resources.volumes.get(volume_id)
    if volume is None:
        raise _unfit("networkVolumeIds", f"there is no network volume {clean(volume_id, 60)!r}")
    place = volume.data_center_id or ""
    if not policy.pods.permits_place(place, country_of(place)):
        message = f"Network volume {clean(volume_id, 40)} is in {clean(place, 30)}, which the policy does not allow."
        raise Deny(code=Code.DATA_CENTER_NOT_ALLOWED, message=message, field="networkVolumeIds").as_failure()


def _unfit(field: str, problem: str) -> Failure:
    stop = "" if problem.endswith("?") else "."
    return Failure(Code.INVALID_ARGUMENTS, f"{field}: {problem}{stop}", field=field)
