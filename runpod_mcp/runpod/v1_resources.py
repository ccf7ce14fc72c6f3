"""Everything of Runpod's that is not a pod, in v1."""

from __future__ import annotations

from runpod_mcp.runpod import v1_volumes
from runpod_mcp.runpod.http import Wire
from runpod_mcp.runpod.queue_jobs import QueueJobs
from runpod_mcp.runpod.registries import v1_registries
from runpod_mcp.runpod.resources import Resources
from runpod_mcp.runpod.v1_billing import V1Billing
from runpod_mcp.runpod.v1_endpoints import V1Endpoints
from runpod_mcp.runpod.v1_templates import V1Templates


def v1_resources(wire: Wire, jobs: Wire) -> Resources:
    """The resources behind `wire`; `jobs` leads to the host of serverless jobs."""
    return Resources(
        volumes=v1_volumes.network_volumes(wire),
        templates=V1Templates(wire),
        registries=v1_registries(wire),
        billing=V1Billing(wire),
        endpoints=V1Endpoints(wire),
        jobs=QueueJobs(jobs),
    )
