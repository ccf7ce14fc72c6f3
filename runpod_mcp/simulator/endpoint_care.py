"""Making, changing and deleting serverless endpoints, whatever dialect asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from runpod_mcp.simulator.endpoints import FINAL, Config, Endpoint, Release
from runpod_mcp.simulator.faults import Kind
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.templates import Template
from runpod_mcp.simulator.world import World

_SCALING = frozenset(["name", "workers_min", "workers_max", "idle_timeout", "scaler_type", "scaler_value"])
_PROMPT = _SCALING | {"timeout_ms"}
"""Fields that the autoscaler takes over at once; any other makes a new version, and workers are replaced."""
_NAMES = {"data_center_ids": "locations", "image": "template.imageName", "env": "template.env"}


def find_endpoint(world: World, endpoint_id: str) -> Endpoint:
    """An endpoint; refused as not found otherwise."""
    if endpoint_id not in world.fleet.endpoints:
        raise Refusal(Reason.NOT_FOUND, "endpoint not found")
    return world.fleet.endpoints[endpoint_id]


def listed_endpoints(world: World) -> list[Endpoint]:
    """The endpoints a list shows, oldest first; a lagging list misses new ones and shows lost ones."""
    now = world.now()
    lag, linger = world.faults.list_lag("endpoint_list")
    known = [each for each in world.fleet.endpoints.values() if each.created_at + lag <= now]
    return known + [each for each in world.fleet.gone if each.ended_at and now < each.ended_at + linger]


def create_endpoint(world: World, config: Config, container: Template | Mapping[str, Any]) -> Endpoint:
    """Make an endpoint from a template, which it then refers to, or from container settings of its own.

    Those that always run start at once and bill from here on.
    """
    check(world, config)
    endpoint_id = world.make_id(14)
    template = container if isinstance(container, Template) else _bind(world, endpoint_id, config, container)
    dearer = world.bent(Kind.DEARER)
    endpoint = Endpoint(
        endpoint_id,
        config,
        template.id,
        world.fleet.at,
        factor=dearer.factor if dearer else Fraction(1),
        broken=bool(world.bent(Kind.NEVER_READY) or world.bent(Kind.NO_MACHINE)),
    )
    endpoint.releases.append(Release(world.make_id(8), 1, world.fleet.at))
    world.fleet.endpoints[endpoint.id] = endpoint
    world.fleet.settle()
    return endpoint


def _bind(world: World, endpoint_id: str, config: Config, container: Mapping[str, Any]) -> Template:
    name = f"{config.name} __template__{endpoint_id}"
    fixed = {"name": name, "serverless": True, "public": False, "bound_to": endpoint_id}
    return world.shelf.add_template(**{**container, **fixed})


def check(world: World, config: Config) -> None:
    """Refuse what no endpoint may be: more workers at least than at most, or an unknown network volume."""
    if config.workers_min > config.workers_max:
        raise Refusal(Reason.RULE, "workers.min must not be greater than workers.max")
    if not config.is_cpu and not config.gpu_type_ids:
        raise Refusal(Reason.RULE, "the GPU selection leaves no GPU type to run on")
    if config.cuda_versions and config.min_cuda_version:
        raise Refusal(Reason.RULE, "allowedCudaVersions and minCudaVersion are mutually exclusive")
    for volume_id in config.network_volume_ids:
        if volume_id not in world.shelf.volumes:
            raise Refusal(Reason.RULE, f"network volume {volume_id} not found")


def change_endpoint(
    world: World, endpoint: Endpoint, config: Config, container: Template | Mapping[str, Any] | None = None
) -> None:
    """Give an endpoint other settings; `container` is another template, or container settings that change."""
    check(world, config)
    if isinstance(container, Mapping):
        world.shelf.registries.check(container.get("registry"))
    if world.bent(Kind.IGNORED):
        return
    before = world.shelf.templates[endpoint.template_id]
    after = _recontained(world, endpoint, before, container)
    diff = _diff(asdict(endpoint.config), asdict(config)) + _diff(asdict(before), asdict(after))
    endpoint.config, endpoint.template_id = config, after.id
    _release(world, endpoint, diff)
    world.fleet.settle()


def _recontained(
    world: World, endpoint: Endpoint, before: Template, container: Template | Mapping[str, Any] | None
) -> Template:
    if isinstance(container, Template):
        return container
    if not container:
        return before
    if before.bound_to == endpoint.id:
        return world.shelf.change_template(before, **container)
    kept = {name: value for name, value in vars(before).items() if name not in ("id", "source")}
    return _bind(world, endpoint.id, endpoint.config, {**kept, **container})


def _diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    hidden = (*_PROMPT, "id", "bound_to", "cmd")
    changed = [name for name in before if before[name] != after[name] and name not in hidden]
    return [(_NAMES.get(name, _camel(name)), _plain(before[name]), _plain(after[name])) for name in changed]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _release(world: World, endpoint: Endpoint, diff: list[tuple[str, Any, Any]]) -> None:
    if diff:
        endpoint.version += 1
        endpoint.releases.append(Release(world.make_id(8), endpoint.version, world.fleet.at, diff))


def template_changed(world: World, before: Template, after: Template) -> None:
    """Roll a changed template out to the endpoints that refer to it."""
    for endpoint in world.fleet.endpoints.values():
        if endpoint.template_id == after.id:
            _release(world, endpoint, _diff(asdict(before), asdict(after)))
    world.fleet.settle()


def delete_endpoint(world: World, endpoint: Endpoint) -> None:
    """End its workers, cancel its jobs and forget it, with the template that was made for it."""
    if world.bent(Kind.IGNORED):
        return
    for worker in list(endpoint.workers.values()):
        world.fleet.end_worker(endpoint, worker, "endpoint deleted")
    for job in endpoint.jobs.values():
        if job.status not in FINAL:
            job.status, job.ended_at = "CANCELLED", world.fleet.at
    endpoint.ended_at = world.fleet.at
    del world.fleet.endpoints[endpoint.id]
    world.fleet.gone.append(endpoint)
    template = world.shelf.templates[endpoint.template_id]
    if template.bound_to == endpoint.id:
        world.shelf.unbind_template(template)
