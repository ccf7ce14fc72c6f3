"""The job interface of queue-based endpoints, which Runpod serves at `https://api.runpod.ai/v2/{endpointId}`.

Shapes as in Runpod's operation reference: `run` answers at once, `runsync` waits (90 seconds, or `wait`
milliseconds), results are kept for 30 minutes and for one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from runpod_mcp.simulator.bodies import Schema, violations
from runpod_mcp.simulator.calls import Call, Facts, Reply, Route, Wait, bearer_key, edge_answer
from runpod_mcp.simulator.endpoint_care import find_endpoint
from runpod_mcp.simulator.endpoints import FINAL, Endpoint, Job
from runpod_mcp.simulator.faults import Kind
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.world import World

_ANSWERS: Mapping[Reason, tuple[int, str]] = {
    Reason.RULE: (400, "bad request"),
    Reason.INVALID: (400, "bad request"),
    Reason.UNAUTHORIZED: (401, "unauthorized"),
    Reason.FORBIDDEN: (403, "forbidden"),
    Reason.BALANCE: (402, "insufficient balance"),
    Reason.NOT_FOUND: (404, "not found"),
    Reason.NO_PATH: (404, "not found"),
    Reason.NO_METHOD: (405, "method not allowed"),
    Reason.CONFLICT: (409, "conflict"),
    Reason.TOO_LARGE: (413, "payload too large"),
    Reason.RATE_LIMITED: (429, "too many requests"),
    Reason.NO_CAPACITY: (500, "internal server error"),
    Reason.LOST_RACE: (500, "internal server error"),
    Reason.BROKEN: (500, "internal server error"),
    Reason.UNAVAILABLE: (503, "service unavailable"),
}
_POLICY: Schema = {
    "type": "object",
    "properties": {
        "executionTimeout": {"type": "integer", "least": 5000},
        "ttl": {"type": "integer", "least": 10_000},
        "lowPriority": {"type": "boolean"},
    },
}
_MOST_BODY = {"run": 10 * 1024 * 1024, "runsync": 20 * 1024 * 1024}
_DAY_MS = 86_400_000
_WAIT_MS = 90_000
_LONGEST_WAIT_MS = 300_000
_PEEK = 1.0
"""Seconds of world time after which a waiting call looks again, for what happened meanwhile."""


class Jobs:
    """The job dialect under `/ai/v2`: the path a client reaches where the real host would be api.runpod.ai."""

    name = "jobs"
    prefix = "/ai/v2"

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> Sequence[Route]:
        """Run, look, cancel, retry, purge, health."""
        here, job = "/{endpointId}", "{jobId}"
        return [
            Route("POST", f"{here}/run", "job_run", self._run),
            Route("POST", f"{here}/runsync", "job_runsync", self._run_sync),
            Route("GET", f"{here}/status/{job}", "job_status", self._status),
            Route("POST", f"{here}/status/{job}", "job_status", self._status),
            Route("GET", f"{here}/stream/{job}", "job_stream", self._stream),
            Route("POST", f"{here}/stream/{job}", "job_stream", self._stream),
            Route("POST", f"{here}/cancel/{job}", "job_cancel", self._cancel),
            Route("POST", f"{here}/retry/{job}", "job_retry", self._retry),
            Route("POST", f"{here}/purge-queue", "job_purge", self._purge),
            Route("GET", f"{here}/health", "job_health", self._health),
        ]

    def admit(self, call: Call) -> None:
        """The key, with or without "Bearer"."""
        key = bearer_key(call) or call.headers.get("authorization", "").strip()
        if key in ("", "sim_wrong"):
            raise Refusal(Reason.UNAUTHORIZED)
        if key == "sim_forbidden":
            raise Refusal(Reason.FORBIDDEN)

    def facts(self, call: Call) -> Facts:
        """The ids in the path."""
        return {"id": list(call.ids.values())}

    def refuse(self, refusal: Refusal, _: str) -> Reply:
        """`{"error": …}`; the words of this host are not documented."""
        if refusal.reason is Reason.EDGE_BLOCKED:
            return edge_answer()
        status, text = _ANSWERS[refusal.reason]
        text = "; ".join(refusal.errors) or refusal.detail or text
        return Reply(status, {"error": text}, headers=dict(refusal.headers))

    def finish(self, call: Call, reply: Reply) -> None:
        """No further headers."""

    # submitting

    def _run(self, call: Call) -> Reply:
        endpoint = self._endpoint(call)
        job = self._submit(endpoint, call, "run")
        return Reply(200, {"id": job.id, "status": "IN_QUEUE"})

    def _run_sync(self, call: Call) -> Reply:
        endpoint = self._endpoint(call)
        limit = timedelta(milliseconds=_wait_ms(call))
        job = self._submit(endpoint, call, "runsync")
        return self._waiting(job, self._world.fleet.at + limit)

    def _waiting(self, job: Job, until: datetime) -> Reply:
        now = self._world.fleet.at
        reply = Reply(200, _show(job))
        if job.status not in FINAL and now < until:
            event = self._world.fleet.next_event() or until
            seconds = min((min(event, until) - now).total_seconds(), _PEEK)
            reply.wait = Wait(max(seconds, 0.001), lambda: self._waiting(job, until))
        return reply

    def _endpoint(self, call: Call) -> Endpoint:
        endpoint = find_endpoint(self._world, call.ids["endpointId"])
        if endpoint.config.type != "QUEUE":
            raise Refusal(Reason.RULE, "endpoint is not queue-based")
        return endpoint

    def _submit(self, endpoint: Endpoint, call: Call, way: str) -> Job:
        if len(call.body) > _MOST_BODY[way]:
            raise Refusal(Reason.TOO_LARGE)
        body = _body(call)
        policy = body.get("policy", {})
        make_id, hangs, fails = self._world.make_id, Kind.JOB_NEVER_ENDS, self._world.bent(Kind.JOB_FAILS)
        number = "-".join(make_id(length) for length in (8, 4, 4, 4, 12))
        job = Job(
            id=f"sync-{number}-u1" if way == "runsync" else f"{number}-u1",
            input=body["input"],
            created_at=self._world.fleet.at,
            seconds=None if self._world.bent(hangs) else self._world.settings.job_seconds,
            fails=(fails.detail or "the handler raised an error") if fails else None,
            timeout=timedelta(milliseconds=policy.get("executionTimeout", endpoint.config.timeout_ms)),
            ttl=timedelta(milliseconds=policy.get("ttl", _DAY_MS)),
            sync=way == "runsync",
        )
        self._world.fleet.submit(endpoint, job)
        return job

    # afterwards

    def _job(self, call: Call) -> Job:
        job = self._endpoint(call).jobs.get(call.ids["jobId"])
        if job is None or not job.readable(self._world.fleet.at):
            raise Refusal(Reason.NOT_FOUND, "job not found")
        return job

    def _status(self, call: Call) -> Reply:
        return Reply(200, _show(self._job(call)))

    def _stream(self, call: Call) -> Reply:
        job = self._job(call)
        fresh = job.status == "COMPLETED" and not job.streamed
        job.streamed = job.streamed or fresh
        return Reply(200, {"status": job.status, "stream": [{"output": job.input}] if fresh else []})

    def _cancel(self, call: Call) -> Reply:
        job = self._job(call)
        if not self._world.bent(Kind.IGNORED):
            self._world.fleet.cancel(self._endpoint(call), job)
        return Reply(200, {"id": job.id, "status": job.status})

    def _retry(self, call: Call) -> Reply:
        job = self._job(call)
        if job.status not in ("FAILED", "TIMED_OUT"):
            raise Refusal(Reason.RULE, f"job is {job.status}, only failed or timed out jobs can be retried")
        self._world.fleet.retry(self._endpoint(call), job)
        return Reply(200, {"id": job.id, "status": "IN_QUEUE"})

    def _purge(self, call: Call) -> Reply:
        endpoint = self._endpoint(call)
        waiting = list(endpoint.queue)
        for job in waiting:
            self._world.fleet.cancel(endpoint, job)
        return Reply(200, {"removed": len(waiting), "status": "completed"})

    def _health(self, call: Call) -> Reply:
        endpoint = find_endpoint(self._world, call.ids["endpointId"])
        states = [job.status for job in endpoint.jobs.values()]
        workers = endpoint.counts()
        jobs = {
            "completed": states.count("COMPLETED"),
            "failed": states.count("FAILED") + states.count("TIMED_OUT"),
            "inProgress": states.count("IN_PROGRESS"),
            "inQueue": states.count("IN_QUEUE"),
            "retried": endpoint.retried,
        }
        names = ("idle", "initializing", "running")
        shown = {name: workers.get(name.upper(), 0) for name in names}
        more = {"ready": shown["idle"] + shown["running"], "throttled": endpoint.throttled, "unhealthy": 0}
        return Reply(200, {"jobs": jobs, "workers": {**shown, **more}})


def _body(call: Call) -> dict[str, Any]:
    try:
        body = call.json()
    except ValueError:
        raise Refusal(Reason.RULE, "request body is not valid JSON") from None
    if not isinstance(body, dict) or "input" not in body:
        raise Refusal(Reason.RULE, "input is required")
    if errors := violations(body.get("policy", {}), _POLICY, "$.policy"):
        raise Refusal(Reason.INVALID, errors=errors)
    return dict(body)


def _wait_ms(call: Call) -> int:
    text = call.asked("wait") or str(_WAIT_MS)
    if not text.isascii() or not text.isdigit() or not 1000 <= int(text) <= _LONGEST_WAIT_MS:
        raise Refusal(Reason.INVALID, errors=[f"wait: expected 1000 to {_LONGEST_WAIT_MS} milliseconds"])
    return int(text)


def _show(job: Job) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": job.id, "status": job.status}
    if job.worker_id and job.started_at:
        shown["workerId"] = job.worker_id
        shown["delayTime"] = _ms(job.created_at, job.started_at)
        if job.ended_at:
            shown["executionTime"] = _ms(job.started_at, job.ended_at)
    if job.status == "COMPLETED":
        shown["output"] = job.input
    if job.status == "FAILED":
        shown["error"] = job.fails
    if job.status == "TIMED_OUT":
        shown["error"] = "job timed out"
    return shown


def _ms(start: datetime, end: datetime) -> int:
    return (end - start) // timedelta(milliseconds=1)
