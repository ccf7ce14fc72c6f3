"""What a pod can be given another of while it exists: every setting that v1's and v2's update calls take."""

from __future__ import annotations

from typing import Any, Self

from pydantic import ConfigDict, field_validator, model_validator

from runpod_mcp.pods.create_input import PodSettings
from runpod_mcp.pods.pod import Pod

_EXAMPLES = ("imageName", "ports", "env", "volumeInGb", "name")


_WORDS = {
    "containerDiskInGb": "GB.",
    "env": "Replaces all variables.",
    "templateId": "Replaces env too.",
    "volumeInGb": "GB; can only grow.",
}


def _as_a_change(schema: dict[str, Any]) -> None:
    """Without defaults, and with words only where the name does not say it: the rest is said in `create_pod`."""
    for name, field in schema["properties"].items():
        field.pop("default", None)
        field.pop("description", None)
        if name in _WORDS:
            field["description"] = _WORDS[name]
        if "anyOf" in field:
            field.update(next(option for option in field.pop("anyOf") if option.get("type") != "null"))


class PodUpdate(PodSettings):
    """A change of a pod: what was left out stays as it is, and the defaults of a create mean nothing here."""

    model_config = ConfigDict(json_schema_extra=_as_a_change)

    @model_validator(mode="before")
    @classmethod
    def _null_changes_nothing(cls, data: object) -> object:
        return (
            {name: value for name, value in data.items() if value is not None}
            if isinstance(data, dict)
            else data
        )

    @field_validator("image_name", "template_id")
    @classmethod
    def _not_blank(cls, value: str | None) -> str | None:
        if value is not None and not value.strip():
            raise ValueError("must not be blank; leave it out to keep what is there")
        return value

    @model_validator(mode="after")
    def _something_is_named(self) -> Self:
        if not self.wanted:
            raise ValueError(f"name at least one setting to change, such as {', '.join(_EXAMPLES)}")
        return self

    @property
    def wanted(self) -> dict[str, Any]:
        """The settings that were named, by field."""
        return {
            name: getattr(self, name) for name in PodSettings.model_fields if name in self.model_fields_set
        }

    def news_for(self, pod: Pod) -> list[str]:
        """The fields that would change something, under the document's names; what cannot be compared counts as news."""
        return self.asked(*(name for name, value in self.wanted.items() if not _already(pod, name, value)))

    def is_seen_in(self, pod: Pod) -> bool:
        """Whether a pod shows everything that was asked for, as far as its API tells."""
        return all(
            _already(pod, name, value) or _untold(pod, name, value) for name, value in self.wanted.items()
        )


_SHOWN = {
    "container_disk_in_gb": "container_disk_gb",
    "container_registry_auth_id": "registry_id",
    "global_networking": "global_networking",
    "image_name": "image",
    "locked": "locked",
    "name": "name",
    "ports": "ports",
    "volume_in_gb": "volume_gb",
    "volume_mount_path": "volume_mount_path",
}
"""Where a pod shows a setting. The others it does not show, or not in a form that can be compared."""


def _already(pod: Pod, name: str, value: Any) -> bool:
    if name not in _SHOWN:
        return False
    shown = getattr(pod, _SHOWN[name])
    return set(shown) == set(value) if name == "ports" else bool(shown == value)


def _untold(pod: Pod, name: str, value: Any) -> bool:
    if name == "env":
        return set(value) <= set(pod.env_names)
    # Global networking changes at the next start only (v2 document).
    return name not in _SHOWN or name == "global_networking" or getattr(pod, _SHOWN[name]) is None
