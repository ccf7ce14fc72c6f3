"""Jobs of serverless endpoints that were made here.

What they can cost at most is set aside with their endpoint, so they pass no gate of their own. What goes in and what
comes out is never written down.
"""

from __future__ import annotations

from typing import TypeVar

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.context import House
from runpod_mcp.flows.endpoints import managed_lease, not_found
from runpod_mcp.flows.finish import to_the_end
from runpod_mcp.ledger.entries import LeaseState
from runpod_mcp.pods.words import clean
from runpod_mcp.runpod.jobs import Job, JobOrder, Purged
from runpod_mcp.runpod.results import Changed, EditOutcome, Gone, Made, MakeOutcome, NoCapacity, Refused

T = TypeVar("T")


async def run_job(house: House, endpoint_id: str, order: JobOrder, wait_seconds: int = 0) -> Job:
    """Send a job to an endpoint once, and wait for it for so many seconds, 0 to 45.

    Raises:
        Failure: `not_managed`, it was not made here; `conflict`, its lease is over; `outcome_unknown`, the answer was
            lost: the job is not sent again.
    """
    lease = await managed_lease(house, endpoint_id)
    if lease.state is not LeaseState.RUNNING or house.now() >= lease.lease_ends_at:
        message = (
            f"The lease of endpoint {endpoint_id} is over, so it has no workers; update_endpoint with workersMax gives it "
            "a new one."
        )
        raise Failure(Code.CONFLICT, message)
    jobs = house.api.resources.jobs
    if wait_seconds:
        return _made(endpoint_id, await jobs.run_and_wait(endpoint_id, order, wait_seconds))
    return _made(endpoint_id, await jobs.run(endpoint_id, order))


async def get_job(house: House, endpoint_id: str, job_id: str) -> Job:
    """A job.

    Raises:
        Failure: `not_found`.
    """
    job = await house.api.resources.jobs.status(endpoint_id, job_id)
    if job is None:
        raise _no_job(endpoint_id, job_id)
    return job


async def cancel_job(house: House, endpoint_id: str, job_id: str) -> Job | None:
    """Stop a job, or take it out of the queue; what Runpod says of it then.

    Raises:
        Failure: `not_managed`, `not_found`; or it cannot be told whether it was stopped.
    """
    await managed_lease(house, endpoint_id)
    outcome = await to_the_end(house.api.resources.jobs.cancel(endpoint_id, job_id))
    if isinstance(outcome, Gone):
        raise _no_job(endpoint_id, job_id)
    return _changed(outcome, "The job").thing


async def purge_queue(house: House, endpoint_id: str) -> Purged | None:
    """Take every waiting job out of an endpoint's queue; jobs that run go on.

    Raises:
        Failure: `not_managed`, `not_found`; or it cannot be told whether the queue was emptied.
    """
    await managed_lease(house, endpoint_id)
    outcome = await to_the_end(house.api.resources.jobs.purge(endpoint_id))
    if isinstance(outcome, Gone):
        raise not_found(endpoint_id)
    return _changed(outcome, "The queue").thing


def _made(endpoint_id: str, outcome: MakeOutcome[Job]) -> Job:
    if isinstance(outcome, Made):
        return outcome.thing
    if isinstance(outcome, Refused):
        raise Failure(outcome.code, outcome.message, outcome.retry or Retry.CHANGED, field=outcome.field)
    if isinstance(outcome, NoCapacity):
        raise Failure(Code.NO_CAPACITY, "Runpod did not take the job: no room.", Retry.LATER)
    raise Failure(
        Code.OUTCOME_UNKNOWN,
        f"Runpod's answer was lost, so endpoint {endpoint_id} may or may not run the job, and its id is not known. "
        "get_endpoint_health tells how many jobs there are. Do not repeat the call.",
        Retry.NEVER,
    )


def _changed(outcome: EditOutcome[T], what: str) -> Changed[T]:
    if isinstance(outcome, Changed):
        return outcome
    if isinstance(outcome, Refused):
        raise Failure(outcome.code, outcome.message, outcome.retry or Retry.CHANGED, field=outcome.field)
    message = f"{what} may or may not be as asked: Runpod's answer was lost. Calling again is safe."
    raise Failure(Code.RUNPOD_UNAVAILABLE, message, Retry.LATER)


def _no_job(endpoint_id: str, job_id: str) -> Failure:
    """Runpod keeps the result of a job for 30 minutes, of one that was waited for 1 minute."""
    message = (
        f"Endpoint {clean(endpoint_id, 40)} has no job {clean(job_id, 60)!r} (any more): results are kept for 30 "
        "minutes, of a job that was waited for 1 minute."
    )
    return Failure(Code.NOT_FOUND, message)
