"""What the bodies of v2 may hold: the document of August 2026 and the fields added to it by October."""

from __future__ import annotations

from typing import Any

from runpod_mcp.simulator.bodies import Schema

TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "min_length": 1}
_FLAG: Schema = {"type": "boolean"}
_TEXTS: Schema = {"type": "array", "items": TEXT}
_CUDA: Schema = {"type": "string", "pattern": r"^\d+\.\d+$"}


def _object(required: str = "", **properties: Schema) -> Schema:
    return {"type": "object", "required": required.split(), "properties": properties}


_CONTAINER: dict[str, Any] = {
    "args": TEXT,
    "cmd": _TEXTS,
    "disk": {"type": "integer", "least": 1},
    "entrypoint": _TEXTS,
    "env": {"type": "object", "additional": TEXT},
    "image": TEXT,
    "ports": _TEXTS,
    "registry": {"type": ["string", "null"]},
}
_MOUNTS = _object(
    persistent=_object("size path", size={"type": "integer", "least": 10}, path=TEXT),
    network={"type": "array", "most": 1, "items": _object("volumeId path", volumeId=TEXT, path=TEXT)},
)
_GPU = _object(
    "id",
    id=TEXT,
    count={"type": "integer", "least": 1},
    allowedCudaVersions={"type": "array", "items": _CUDA},
    minCudaVersion=_CUDA,
    minRamPerGpu={"type": "integer", "least": 1},
    minVcpuCountPerGpu={"type": "integer", "least": 1},
)

CREATE_POD = _object(
    "name",
    **_CONTAINER,
    cloud={"type": "string", "enum": ["SECURE", "COMMUNITY"]},
    cpu=_object("id vcpuCount", id=_NAME, vcpuCount={"type": "integer", "least": 2}),
    dataCenterIds=_TEXTS,
    globalNetworking=_FLAG,
    gpu=_GPU,
    mounts=_MOUNTS,
    name=_NAME,
    startJupyter=_FLAG,
    startSsh=_FLAG,
    templateId=_NAME,
)

UPDATE_POD = _object(
    **_CONTAINER, globalNetworking=_FLAG, locked=_FLAG, mounts=_MOUNTS, name=_NAME, templateId=TEXT
)

POD_ACTION = _object("action", action={"type": "string", "enum": ["start", "stop", "restart", "terminate"]})
