"""Serverless endpoints, workers and releases as v2 shows them."""

from __future__ import annotations

from typing import Any

from runpod_mcp.simulator.endpoints import Config, Endpoint, Worker
from runpod_mcp.simulator.v2_container import show_container
from runpod_mcp.simulator.world import World

_STAMP = "%Y-%m-%dT%H:%M:%SZ"
_STATUSES = ("RUNNING", "IDLE", "INITIALIZING", "THROTTLED", "UNHEALTHY")


def show_endpoint(endpoint: Endpoint, world: World, host: str) -> dict[str, Any]:
    """An endpoint of the v2 document.

    Its request URLs lead back to this simulator (`host`, under `/ai/v2`), never to the real service.
    """
    config = endpoint.config
    workers = {"min": config.workers_min, "max": config.workers_max}
    if config.type != "QUEUE" or config.scaler_type != "REQUEST_COUNT":
        workers["idleTimeout"] = config.idle_timeout
    value = "queueDelay" if config.scaler_type == "QUEUE_DELAY" else "requestCount"
    return {
        "id": endpoint.id,
        "name": config.name,
        "type": config.type,
        "requestUrls": _urls(endpoint, host),
        **show_container(world.shelf.template_of_endpoint(endpoint.template_id)),
        **_compute(config, world),
        "workers": workers,
        "scaling": {"type": config.scaler_type, value: config.scaler_value},
        "dataCenterIds": list(config.data_center_ids),
        "networkVolumes": list(config.network_volume_ids),
        "timeout": config.timeout_ms,
        "flashboot": config.flashboot,
        "createdAt": endpoint.created_at.strftime(_STAMP),
    }


def _urls(endpoint: Endpoint, host: str) -> dict[str, str]:
    base = f"http://{host}/ai/v2/{endpoint.id}"
    if endpoint.config.type == "LOAD_BALANCER":
        return {"base": base, "health": f"{base}/ping"}
    of_jobs = {name: f"{base}/{name}/{{job_id}}" for name in ("status", "stream", "cancel", "retry")}
    return {
        "run": f"{base}/run",
        "runSync": f"{base}/runsync",
        **of_jobs,
        "purgeQueue": f"{base}/purge-queue",
        "health": f"{base}/health",
    }


def _compute(config: Config, world: World) -> dict[str, Any]:
    if config.is_cpu:
        flavors = world.price_list.cpus
        cpus = [
            {"id": name, "vcpuCount": count, "memory": flavors[name].ram * count}
            for name, count in config.cpus
        ]
        return {"cpu": cpus}
    gpu = {
        "pools": list(config.pools),
        "count": config.gpu_count,
        "allowedCudaVersions": list(config.cuda_versions),
        "minCudaVersion": config.min_cuda_version,
    }
    return {"gpu": {**gpu, "excludedTypes": list(config.excluded)} if config.excluded else gpu}


def show_workers(endpoint: Endpoint, world: World) -> dict[str, Any]:
    """The workers there are, those that wait for capacity as THROTTLED without a place, and their counts."""
    waiting = [_waiting(endpoint, number) for number in range(endpoint.throttled)]
    workers = [_worker(each, endpoint, world) for each in endpoint.workers.values()] + waiting
    summary = {status.lower(): sum(each["status"] == status for each in workers) for status in _STATUSES}
    return {
        "workers": workers,
        "summary": {**summary, "total": len(workers)},
        "endpointVersion": endpoint.version,
    }


def _worker(worker: Worker, endpoint: Endpoint, world: World) -> dict[str, Any]:
    return {
        "id": worker.id,
        "status": worker.status,
        "isStale": worker.version != endpoint.version,
        "version": worker.version,
        "gpuCount": worker.gpus,
        "image": worker.image,
        "uptimeSeconds": int((world.now() - worker.started_at).total_seconds()),
        "gpuTypeId": worker.resource_id if worker.gpus else None,
        "dataCenterId": worker.data_center_id,
        "startedAt": worker.started_at.strftime(_STAMP),
    }


def _waiting(endpoint: Endpoint, number: int) -> dict[str, Any]:
    return {
        "id": f"{endpoint.id}-{number}",
        "status": "THROTTLED",
        "isStale": False,
        "version": endpoint.version,
        "gpuCount": 0,
        "image": None,
        "uptimeSeconds": None,
        "gpuTypeId": None,
        "dataCenterId": None,
        "startedAt": None,
    }


def show_releases(endpoint: Endpoint) -> dict[str, Any]:
    """The versions of its configuration, newest first, and how far the newest is rolled out."""
    versions = [worker.version for worker in endpoint.workers.values()]
    latest = versions.count(endpoint.version)
    return {
        "endpointVersion": endpoint.version,
        "rollout": {
            "inProgress": latest < len(versions),
            "workersOnLatest": latest,
            "workersTotal": len(versions),
            "percentOnLatest": 100 * latest // len(versions) if versions else 0,
        },
        "releases": [
            {
                "id": release.id,
                "version": release.version,
                "source": "MANUAL",
                "buildId": None,
                "createdByUserId": "user_simulated",
                "workerCount": versions.count(release.version),
                "createdAt": release.created_at.strftime(_STAMP),
                "diff": [{"field": field, "old": old, "new": new} for field, old, new in release.diff],
            }
            for release in reversed(endpoint.releases)
        ],
    }
