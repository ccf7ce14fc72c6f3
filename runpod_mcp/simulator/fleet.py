"""The serverless fleet: what endpoints do as time passes, worked out event by event when someone looks.

Runpod's autoscaler waits `scaling` seconds or requests before it adds a worker; here one is added at once when a
job finds none free, up to `workers_max`, so that a worst case is reached as early as it can be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from fractions import Fraction

from runpod_mcp.simulator.books import Row
from runpod_mcp.simulator.endpoints import FINAL, Endpoint, Job, Worker
from runpod_mcp.simulator.placement import cuda_fits, cuda_of
from runpod_mcp.simulator.price_list import PriceList
from runpod_mcp.simulator.settings import Settings
from runpod_mcp.simulator.shelf import Shelf
from runpod_mcp.simulator.stock import Place, Stock

Event = tuple[datetime, Callable[[], None]]


class Fleet:
    """Endpoints by id and the events of their workers and jobs.

    `may_start` tells whether the account can carry another rate (dollars per hour); `write` adds a row to the
    books. Time inside is `at`, which never passes the world's.
    """

    def __init__(
        self,
        price_list: PriceList,
        stock: Stock,
        settings: Settings,
        shelf: Shelf,
        write: Callable[[Row], None],
        may_start: Callable[[Fraction], bool],
        start: datetime,
    ) -> None:
        self._list = price_list
        self._stock = stock
        self._settings = settings
        self._shelf = shelf
        self._write = write
        self._may_start = may_start
        self.at = start
        self.endpoints: dict[str, Endpoint] = {}
        self.gone: list[Endpoint] = []

    # time

    def advance(self, now: datetime) -> None:
        """Let every event that is due by `now` happen, each at its own moment, in order."""
        self.settle()
        while (event := min(self._events(), key=lambda event: event[0], default=None)) and event[0] <= now:
            self.at = max(self.at, event[0])
            event[1]()
            self.settle()
        self.at = now

    def next_event(self) -> datetime | None:
        """When the next event is due."""
        return min((moment for moment, _ in self._events()), default=None)

    def settle(self) -> None:
        """Do at once what needs no waiting: end workers nobody wants, hand out jobs, start workers."""
        for endpoint in self.endpoints.values():
            self._trim(endpoint)
            self._hand_out(endpoint)
            self._grow(endpoint)

    def _events(self) -> Iterator[Event]:
        for endpoint in self.endpoints.values():
            for worker in endpoint.workers.values():
                yield from self._of_worker(endpoint, worker)
            for job in endpoint.queue:
                yield job.created_at + job.ttl, lambda e=endpoint, j=job: self._expire(e, j)  # type: ignore[misc]

    def _of_worker(self, endpoint: Endpoint, worker: Worker) -> Iterator[Event]:
        if (job := worker.job) is not None:
            yield job.due()[0], lambda: self._finish(worker, job)
        elif worker.idle_since is not None and endpoint.surplus() > 0:
            idle = timedelta(seconds=endpoint.config.idle_timeout)
            yield worker.idle_since + idle, lambda: self.end_worker(endpoint, worker, "idle")
        elif worker.idle_since is None and worker.ready_at is not None:
            yield worker.ready_at, lambda: self._rest(worker)

    def _rest(self, worker: Worker) -> None:
        worker.job, worker.idle_since = None, self.at

    def _finish(self, worker: Worker, job: Job) -> None:
        job.ended_at, job.status = self.at, job.due()[1]
        self._rest(worker)

    def _expire(self, endpoint: Endpoint, job: Job) -> None:
        endpoint.queue.remove(job)
        job.ended_at, job.status = self.at, "TIMED_OUT"

    # workers

    def _trim(self, endpoint: Endpoint) -> None:
        jobless = [worker for worker in endpoint.workers.values() if worker.job is None]
        for worker in jobless:
            if worker.version != endpoint.version:
                self.end_worker(endpoint, worker, "replaced")
            elif len(endpoint.workers) > endpoint.config.workers_max:
                self.end_worker(endpoint, worker, "too many")

    def _hand_out(self, endpoint: Endpoint) -> None:
        free = [
            each for each in endpoint.workers.values() if each.idle_since is not None and each.job is None
        ]
        for worker in free[: len(endpoint.queue)]:
            job = endpoint.queue.pop(0)
            job.status, job.started_at, job.worker_id = "IN_PROGRESS", self.at, worker.id
            worker.job = job

    def _grow(self, endpoint: Endpoint) -> None:
        endpoint.throttled = 0
        for missing in range(self._missing(endpoint), 0, -1):
            if not self._start(endpoint):
                endpoint.throttled = missing
                return

    def _missing(self, endpoint: Endpoint) -> int:
        config, alive = endpoint.config, len(endpoint.workers)
        booting = sum(worker.idle_since is None for worker in endpoint.workers.values())
        wanted = max(config.workers_min - alive, len(endpoint.queue) - booting)
        return max(min(wanted, config.workers_max - alive), 0)

    def _start(self, endpoint: Endpoint) -> bool:
        for place, units in self._places(endpoint):
            price = self._stock.serverless_price(place[0])
            if price is None or not self._may_start(rate := price * units * endpoint.factor):
                continue
            self._stock.take(place, units)
            worker = self._build(endpoint, place, units, rate)
            endpoint.workers[worker.id] = worker
            self._record(endpoint, worker, "started", rate)
            return True
        return False

    def _build(self, endpoint: Endpoint, place: Place, units: int, rate: Fraction) -> Worker:
        boot = timedelta(seconds=self._settings.worker_boot_seconds)
        template = self._shelf.templates[endpoint.template_id]
        return Worker(
            id=self._shelf.ties.make_id(14),
            endpoint_id=endpoint.id,
            resource_id=place[0],
            data_center_id=place[2],
            units=units,
            gpus=0 if endpoint.config.is_cpu else units,
            rate=rate,
            image=template.image,
            version=endpoint.version,
            started_at=self.at,
            ready_at=None if endpoint.broken else self.at + boot,
        )

    def _places(self, endpoint: Endpoint) -> Iterator[tuple[Place, int]]:
        """Where a worker could go: the types in their order, each where most is free."""
        config = endpoint.config
        wanted = config.cpus or tuple((gpu, config.gpu_count) for gpu in config.gpu_type_ids)
        centers = set(config.data_center_ids or self._list.data_centers)
        if config.network_volume_ids:
            volumes = (self._shelf.volumes.get(each) for each in config.network_volume_ids)
            centers &= {volume.data_center_id for volume in volumes if volume}
        for resource, units in wanted:
            room = self._stock.centers(resource, "SECURE")
            for center in sorted(room, key=lambda name: -room[name]):
                if room[center] >= units and center in centers and self._fits(endpoint, resource, center):
                    yield (resource, "SECURE", center), units

    def _fits(self, endpoint: Endpoint, resource: str, center: str) -> bool:
        config, gpu = endpoint.config, self._list.gpus.get(resource)
        if gpu is None:
            return True
        version = cuda_of(resource, center, self._list)
        enough = config.gpu_count <= gpu.offers["SECURE"].most
        return enough and cuda_fits(version, config.cuda_versions, config.min_cuda_version)

    def end_worker(self, endpoint: Endpoint, worker: Worker, why: str, at: datetime | None = None) -> None:
        """Let a worker go: its GPUs are free and it costs nothing more; a job it had starts over in the queue."""
        if worker.job is not None and worker.job.status not in FINAL:
            worker.job.status, worker.job.started_at, worker.job.worker_id = "IN_QUEUE", None, None
            endpoint.queue.insert(0, worker.job)
        del endpoint.workers[worker.id]
        self._stock.give(worker.placed_at, worker.units)
        self._record(endpoint, worker, why, Fraction(0), at=at, ended=True)

    def _record(
        self,
        endpoint: Endpoint,
        worker: Worker,
        what: str,
        rate: Fraction,
        *,
        at: datetime | None = None,
        ended: bool = False,
    ) -> None:
        self._write(
            Row(
                max(at or self.at, worker.started_at),
                worker.id,
                what,
                rate,
                Fraction(0),
                ended=ended,
                kind="worker",
                resource=worker.resource_id,
                owner=endpoint.id,
                place=worker.data_center_id,
            )
        )

    def stop_all(self, at: datetime) -> None:
        """Let every worker go, as an empty account does."""
        for endpoint in self.endpoints.values():
            for worker in list(endpoint.workers.values()):
                self.end_worker(endpoint, worker, "no credits left", at)

    # jobs

    def submit(self, endpoint: Endpoint, job: Job) -> None:
        """Put a job at the end of the queue."""
        endpoint.jobs[job.id] = job
        endpoint.queue.append(job)
        self.settle()

    def cancel(self, endpoint: Endpoint, job: Job) -> None:
        """Stop a job or take it out of the queue; one that is over stays as it is."""
        if job.status in FINAL:
            return
        if job in endpoint.queue:
            endpoint.queue.remove(job)
        job.status, job.ended_at = "CANCELLED", self.at
        for worker in endpoint.workers.values():
            if worker.job is job:
                self._rest(worker)
        self.settle()

    def retry(self, endpoint: Endpoint, job: Job) -> None:
        """Put a job that failed or timed out at the end of the queue again, its result forgotten."""
        job.status, job.created_at = "IN_QUEUE", self.at
        job.started_at = job.ended_at = job.worker_id = None
        endpoint.retried += 1
        endpoint.queue.append(job)
        self.settle()
