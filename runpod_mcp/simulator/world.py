"""The world behind the dialects: one account, its pods, volumes, templates and endpoints, and what happens to them.

A pod's state is worked out from the time whenever someone looks; nothing runs in the background. Every method
does its whole work without waiting, so the world is consistent between any two awaits.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from runpod_mcp.simulator.books import Books
from runpod_mcp.simulator.faults import Fault, Faults, Kind
from runpod_mcp.simulator.fleet import Fleet
from runpod_mcp.simulator.placement import cuda_of, places_for
from runpod_mcp.simulator.pods import Order, Pod
from runpod_mcp.simulator.price_list import read_price_list
from runpod_mcp.simulator.refusals import Reason, Refusal
from runpod_mcp.simulator.rows import pod_row, volume_row
from runpod_mcp.simulator.settings import Settings
from runpod_mcp.simulator.shelf import NetworkVolume, Shelf, Ties
from runpod_mcp.simulator.stock import Place, Stock
from runpod_mcp.simulator.time_line import TimeLine

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


class World:
    """Pods, network volumes, templates, endpoints, stock and books of one account, driven by a clock.

    Methods that change something raise `Refusal` when Runpod would say no.
    """

    def __init__(self, time_line: TimeLine, settings: Settings, faults: Faults, seed: int) -> None:
        self.clock = time_line
        self.settings = settings
        self.faults = faults
        self.price_list = read_price_list()
        self.stock = Stock(self.price_list, faults.price_factor)
        self.books = Books(self.advance, self._describe, self._others)
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        """An empty account, full stock, empty books, and ids that begin again; time and settings stay."""
        self.pods: dict[str, Pod] = {}
        self.shelf = Shelf(self.price_list, self._ties())
        self.stock.reset()
        self.fleet = Fleet(
            self.price_list,
            self.stock,
            self.settings,
            self.shelf,
            self.books.write,
            self._can_carry,
            self.now(),
        )
        self.books.clear()
        self._random = random.Random(self._seed)  # noqa: S311 - ids that repeat are the point
        self._bend: Fault | None = None

    def now(self) -> datetime:
        """The world's time in UTC."""
        return self.clock.now()

    def make_id(self, length: int = 14) -> str:
        """The next id of the seed's sequence, lower-case letters and digits; pods have 14."""
        return "".join(self._random.choices(_LETTERS, k=length))

    @contextmanager
    def bent_by(self, fault: Fault | None) -> Iterator[None]:
        """Let a fault change the work done inside this block."""
        self._bend = fault
        try:
            yield
        finally:
            self._bend = None

    def bent(self, kind: Kind) -> Fault | None:
        """The fault of this kind that changes the work being done, if there is one."""
        return self._bend if self._bend is not None and self._bend.kind is kind else None

    # what time does

    def advance(self) -> datetime:
        """Let everything that is due by now happen, at the moment it was due, and return the time."""
        now = self.now()
        for pod in [pod for pod in self.pods.values() if pod.vanishes_at and pod.vanishes_at <= now]:
            self._end(pod, pod.vanishes_at or now, "vanished")
        self.fleet.advance(now)
        if self.settings.enforce_balance and self.balance(now) < 0:
            self._run_dry(now)
        return now

    def balance(self, now: datetime) -> Fraction:
        """Dollars left in the account."""
        return Fraction(str(self.settings.balance_usd)) - self.books.figures(now).charged

    def _run_dry(self, now: datetime) -> None:
        burn = self.books.figures(now).burn
        overdrawn = -self.balance(now) / burn if burn else Fraction(0)
        moment = now - timedelta(seconds=float(overdrawn * 3600))
        self.fleet.stop_all(moment)
        for pod in [pod for pod in self.pods.values() if pod.running]:
            if pod.order.network_volume_id:
                self._stop(pod, moment, "Exited by Runpod: no credits left")
            else:
                self._end(pod, moment, "no credits left")

    # reading

    def pod(self, pod_id: str) -> Pod:
        """A pod that has not ended; refused as not found otherwise."""
        pod = self.pods.get(pod_id)
        if pod is None or pod.ended_at is not None:
            raise Refusal(Reason.NOT_FOUND, "pod not found")
        return pod

    def listed(self) -> list[tuple[Pod, str]]:
        """The pods a list shows, newest first, each with the status the list believes in."""
        now = self.now()
        lag, linger = self.faults.list_lag()
        shown = [
            (pod, pod.last_known_status(now))
            for pod in self.pods.values()
            if pod.created_at + lag <= now and (pod.ended_at is None or now < pod.ended_at + linger)
        ]
        return shown[::-1]

    def spend_rate(self) -> Fraction:
        """Dollars per hour over all pods, network volumes and endpoints now."""
        pods = sum((pod.compute_rate() + pod.disk_rate() for pod in self.pods.values()), Fraction(0))
        volumes = sum((volume.rate() for volume in self.shelf.volumes.values()), Fraction(0))
        return pods + volumes + sum((one.rate() for one in self.fleet.endpoints.values()), Fraction(0))

    def _can_carry(self, rate: Fraction) -> bool:
        """Whether the account's spend limit and balance leave room for another rate."""
        limit = self.settings.spend_limit_usd
        if limit is not None and self.spend_rate() + rate > Fraction(str(limit)):
            return False
        return not self.settings.enforce_balance or self.balance(self.fleet.at) > 0

    def shown_cost(self, pod: Pod) -> Fraction:
        """What an answer says a pod costs, in dollars per hour; a phantom shows a price it never bills."""
        compute = pod.compute if pod.stopped_at is None else Fraction(0)
        return compute + pod.disk_rate() if self.settings.cost_includes_disks else compute

    # creating

    def create(self, order: Order, *, by_hand: bool = False) -> Pod:
        """Place an order at the first place that has room, and charge from this moment on."""
        self.shelf.registries.check(order.registry)
        pinned_to = self._pinned_to(order)
        places = places_for(order, self.stock, self.price_list, pinned_to)
        if not places:
            raise Refusal(Reason.NO_CAPACITY)
        pod = self._build(order, places[0])
        pod.by_hand = by_hand
        if not by_hand:
            self._check_money(pod)
        self.stock.take(pod.placed_at, _units(pod))
        self.pods[pod.id] = pod
        self._record(pod, pod.created_at, "created")
        return pod

    def _pinned_to(self, order: Order) -> str | None:
        if order.network_volume_id is None:
            return None
        if order.cloud != "SECURE":
            raise Refusal(Reason.RULE, "network volumes are only available on Secure Cloud")
        if order.network_volume_id not in self.shelf.volumes:
            raise Refusal(Reason.RULE, f"network volume {order.network_volume_id} not found")
        return self.shelf.volumes[order.network_volume_id].data_center_id

    def _build(self, order: Order, place: Place) -> Pod:
        now = self.now()
        resource, cloud, center = place
        gpus = 0 if order.is_cpu else order.gpu_count
        vcpus, ram = self._share(order, resource)
        pod = Pod(
            id=self.make_id(),
            order=order,
            resource_id=resource,
            data_center_id=center,
            machine_id=self.make_id(12),
            compute=self._price(order, resource, cloud) * (order.vcpu_count if order.is_cpu else gpus),
            gpus=gpus,
            vcpus=vcpus,
            ram=ram,
            cuda=cuda_of(resource, center, self.price_list),
            created_at=now,
            started_at=now,
            ready_at=None,
        )
        self._boot(pod, now)
        self._bend_placed(pod, now)
        pod.last_change = f"Rented by User: {_long_date(now)}"
        return pod

    def _share(self, order: Order, resource: str) -> tuple[int, int]:
        if order.is_cpu:
            return order.vcpu_count, order.vcpu_count * self.price_list.cpus[resource].ram
        gpu = self.price_list.gpus[resource]
        return gpu.vcpus * order.gpu_count, gpu.ram * order.gpu_count

    def _price(self, order: Order, resource: str, cloud: str) -> Fraction:
        price = self.stock.price(resource, cloud, spot=order.interruptible)
        if price is None:
            raise Refusal(Reason.NO_CAPACITY)
        return price

    def _boot(self, pod: Pod, now: datetime) -> None:
        boot = timedelta(seconds=self.settings.boot_seconds)
        pod.started_at = now
        pod.machine_at, pod.ready_at = now + boot / 4, now + boot
        pod.stage = boot / 2 if self.settings.staged_start else timedelta()
        pod.public_ip = f"203.0.113.{self._random.randrange(1, 255)}" if pod.order.public_ip else ""
        pod.public_ports = {port: self._random.randrange(10_000, 60_000) for port in pod.order.ports}

    def _bend_placed(self, pod: Pod, now: datetime) -> None:
        if fault := self.bent(Kind.DEARER):
            pod.compute *= fault.factor
        if self.bent(Kind.NEVER_READY):
            pod.ready_at = None
        if self.bent(Kind.NO_MACHINE):
            pod.machine_at, pod.cuda, pod.ready_at = None, None, None
        if fault := self.bent(Kind.VANISH):
            pod.billed, pod.vanishes_at = False, now + timedelta(seconds=fault.seconds)

    def _check_money(self, pod: Pod) -> None:
        hourly = pod.compute_rate() + pod.disk_rate()
        limit = self.settings.spend_limit_usd
        if limit is not None and self.spend_rate() + hourly > Fraction(str(limit)):
            raise Refusal(Reason.RULE, f"You have exceeded your spend limit of ${limit:g} per hour.")
        if self.settings.enforce_balance and self.balance(self.now()) < hourly:
            raise Refusal(Reason.BALANCE)

    # changing

    def stop(self, pod: Pod, why: str = "Exited by User") -> None:
        """Release its GPUs and keep its volume; the container disk is wiped."""
        if pod.order.locked:
            raise Refusal(Reason.CONFLICT, "pod is locked")
        if not self.bent(Kind.IGNORED):
            self._stop(pod, self.now(), why)

    def _stop(self, pod: Pod, at: datetime, why: str) -> None:
        if not pod.running:
            return
        self.stock.give(pod.placed_at, _units(pod))
        pod.stopped_at, pod.failed_at = at, None
        pod.last_change = f"{why}: {_long_date(at)}"
        self._record(pod, at, "stopped")

    def interrupt(self, pod: Pod) -> None:
        """Take an interruptible pod's GPUs away, as being outbid does; its volume stays."""
        self._stop(pod, self.now(), "Exited by Runpod: outbid")

    def start(self, pod: Pod) -> None:
        """Start it again on the host it was on; refused when that host's GPUs are taken."""
        if self.bent(Kind.IGNORED):
            return
        if pod.running and pod.failed_at is None:
            return
        if pod.stopped_at is not None:
            self._take_back(pod)
        pod.stopped_at = pod.failed_at = None
        now = self.now()
        self._boot(pod, now)
        self._bend_placed(pod, now)
        pod.last_change = f"Resumed by User: {_long_date(now)}"
        self._record(pod, now, "started")

    def _take_back(self, pod: Pod) -> None:
        if self.bent(Kind.START_WITHOUT_GPUS):
            pod.gpus, pod.compute = 0, Fraction(0)
        elif self.stock.free(pod.placed_at) < _units(pod):
            raise Refusal(Reason.NO_GPUS_ON_HOST)
        self.stock.take(pod.placed_at, _units(pod))

    def restart(self, pod: Pod) -> None:
        """Restart its container in place: a new boot, the same price; refused when it does not run."""
        if not pod.running:
            raise Refusal(Reason.CONFLICT, "pod is not running")
        if not self.bent(Kind.IGNORED):
            self._boot(pod, self.now())

    def change(self, pod: Pod, **wanted: Any) -> None:
        """Give it other settings (fields of `Order`); anything but name and lock boots its container again."""
        self.shelf.registries.check(wanted.get("registry"))
        if self.bent(Kind.IGNORED) or not wanted:
            return
        pod.order = replace(pod.order, **wanted)
        if not set(wanted) <= {"name", "locked", "global_networking"} and pod.running:
            self._boot(pod, self.now())
        self._record(pod, self.now(), "changed")

    def end(self, pod: Pod) -> None:
        """Terminate it: its GPUs are free, its host volume is gone, it costs nothing more."""
        if not self.bent(Kind.IGNORED):
            self._end(pod, self.now(), "terminated")

    def _end(self, pod: Pod, at: datetime, what: str) -> None:
        if pod.ended_at is not None:
            return
        if pod.running:
            self.stock.give(pod.placed_at, _units(pod))
        pod.ended_at = at
        pod.last_change = f"Terminated by User: {_long_date(at)}"
        self._record(pod, at, what, ended=True)

    def reprice(self, pod: Pod, compute: Fraction) -> None:
        """Let Runpod bill another rate (dollars per hour, without disks) from now on."""
        pod.compute = compute
        self._record(pod, self.now(), "repriced")

    def fail(self, pod: Pod) -> None:
        """Let its container die: status ERROR, still billed."""
        pod.failed_at = self.now()
        self._record(pod, pod.failed_at, "failed")

    def _describe(self, pod_id: str) -> dict[str, Any]:
        pod = self.pods[pod_id]
        return {
            "name": pod.order.name,
            "env": dict(pod.order.env),
            "status": pod.status(self.now()),
            "resource": pod.resource_id,
            "gpus": pod.gpus,
            "cloud": pod.order.cloud,
            "data_center": pod.data_center_id,
            "created_at": pod.created_at.isoformat(),
        }

    def _others(self) -> dict[str, list[dict[str, Any]]]:
        volumes, endpoints = self.shelf.volumes.values(), self.fleet.endpoints.values()
        return {
            "volumes": [{"id": each.id, "name": each.name, "size_gb": each.size} for each in volumes],
            "endpoints": [
                {"id": each.id, "name": each.config.name, "workers": len(each.workers)} for each in endpoints
            ],
        }

    def _record(self, pod: Pod, at: datetime, what: str, *, ended: bool = False) -> None:
        self.books.write(pod_row(pod, at, what, ended=ended))

    # what the shelf asks

    def _ties(self) -> Ties:
        return Ties(
            make_id=self.make_id,
            now=self.now,
            faults=self.faults,
            bent=self.bent,
            volume_in_use=lambda volume_id: self._user("network_volume_id", volume_id),
            template_in_use=lambda template_id: self._user("template_id", template_id),
            registry_in_use=lambda registry_id: any(
                pod.order.registry == registry_id for pod in self.pods.values() if pod.ended_at is None
            ),
            record=self._record_volume,
        )

    def _user(self, what: str, thing_id: str) -> str | None:
        """A pod or endpoint that uses a network volume or template, in words."""
        for pod in self.pods.values():
            if pod.ended_at is None and getattr(pod.order, what) == thing_id:
                return f"pod {pod.id}"
        for endpoint in self.fleet.endpoints.values():
            if thing_id in (endpoint.template_id, *endpoint.config.network_volume_ids):
                return f"endpoint {endpoint.id}"
        return None

    def _record_volume(self, volume: NetworkVolume, what: str, ended: bool) -> None:
        if self.settings.charge_network_volumes:
            self.books.write(volume_row(volume, self.now(), what, ended=ended))


def _units(pod: Pod) -> int:
    return pod.vcpus if pod.order.is_cpu else pod.gpus


def _long_date(moment: datetime) -> str:
    return moment.strftime("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)")
