"""The arguments of the smaller tools."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from runpod_mcp.errors import Code, Failure
from runpod_mcp.pods.create_input import SENSIBLE
from runpod_mcp.pods.pod import Pod

T = TypeVar("T")


def is_an_id(value: str) -> bool:
    """Whether Runpod could have given this id."""
    return re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) is not None


def _looks_like_an_id(value: str) -> str:
    if not is_an_id(value):
        raise ValueError("expected a pod id; list_pods shows them")
    return value


def _looks_like_any_id(value: str) -> str:
    if not is_an_id(value):
        raise ValueError("expected an id: letters, digits, - and _")
    return value


def _makes_sense(moment: datetime) -> datetime:
    """Times at the ends of the calendar cannot be told in another zone."""
    if not 2000 <= moment.year < 2200:
        raise ValueError("expected a time between the years 2000 and 2200")
    return moment


Moment = Annotated[datetime, AfterValidator(_makes_sense)]
PodId = Annotated[str, AfterValidator(_looks_like_an_id)]
ThingId = Annotated[str, AfterValidator(_looks_like_any_id)]


class Arguments(BaseModel):
    """Strict arguments: unknown ones are refused, null means left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, data: object) -> object:
        return (
            {key: value for key, value in data.items() if value is not None}
            if isinstance(data, dict)
            else data
        )


class NoArguments(Arguments):
    """A tool without arguments."""


class OnePod(Arguments):
    """A pod by its id."""

    pod_id: PodId = Field(alias="podId")


class GetPod(OnePod):
    """A pod, in few words or in full."""

    detail: Literal["summary", "full"] = Field("summary", description="full: everything except env values.")


class Page(Arguments):
    """A page of a list."""

    limit: Annotated[int, Field(ge=1, le=50), SENSIBLE] = Field(50)
    cursor: str | None = Field(None)


class ListPods(Page):
    """Which pods to list; without filters all of them."""

    status: Literal["provisioning", "starting", "running", "stopped", "error", "unknown"] | None = None
    gpu_type_id: str | None = Field(None, alias="gpuTypeId")
    data_center_id: str | None = Field(None, alias="dataCenterId")
    name: str | None = Field(None, description="Part of it.")
    managed: bool | None = None

    @property
    def kind(self) -> str:
        """What its cursors are good for: pages of these pods and no others."""
        filters = self.model_dump_json(exclude={"limit", "cursor"}, exclude_none=True)
        return "pods" if filters == "{}" else f"pods-{sha256(filters.encode()).hexdigest()[:8]}"

    def wants(self, pod: Pod, managed: bool) -> bool:
        """Whether a pod passes the filters; Runpod has none of its own, so they are applied here."""
        return (
            self.status in (None, pod.status.value)
            and (not self.gpu_type_id or self.gpu_type_id == pod.gpu_type_id)
            and (not self.data_center_id or self.data_center_id == pod.data_center_id)
            and (self.name or "").casefold() in (pod.name or "").casefold()
            and self.managed in (None, managed)
        )


class ListGpuTypes(Page):
    """Which GPU types to list."""

    cloud_type: Literal["SECURE", "COMMUNITY"] = Field("SECURE", alias="cloudType")
    gpu_count: Annotated[int, Field(ge=1), SENSIBLE] = Field(
        1, alias="gpuCount", description="Stock for so many in one pod."
    )
    allowed_only: bool = Field(True, alias="allowedOnly")


def cursor_of(kind: str, position: int) -> str:
    """An opaque place in a list of one kind."""
    return f"{kind}-{position}"


def position_of(kind: str, cursor: str | None) -> int:
    """The place a cursor names.

    Raises:
        Failure: the cursor is of another list, or none of ours.
    """
    if not cursor:  # some models fill in every argument, with nothing
        return 0
    found = re.fullmatch(rf"{kind}-([0-9]{{1,9}})", cursor)
    if not found:
        message = "cursor is not from this list; pass its nextCursor, or leave cursor out to start over."
        raise Failure(Code.INVALID_ARGUMENTS, message, field="cursor")
    return int(found[1])


def page_of(
    items: list[T], kind: str, page: Page, fits: Callable[[list[T]], bool] = lambda _: True
) -> tuple[list[T], str | None]:
    """The items of a page, as many as fit and at least one, and the cursor of the next page, None at the end.

    Raises:
        Failure: the cursor is not of this list.
    """
    start = position_of(kind, page.cursor)
    shown = items[start : start + page.limit]
    while len(shown) > 1 and not fits(shown):
        shown = shown[:-1]
    end = start + len(shown)
    return shown, cursor_of(kind, end) if shown and end < len(items) else None
