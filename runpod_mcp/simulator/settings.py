"""The switches of the simulated Runpod: what its documents leave open, or what a test wants otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass
class Settings:
    """Behaviour that can be switched; the defaults are what was observed live, or documented where nothing was.

    `boot_seconds`: from placement until ports exist. `staged_start`: new pods pass PROVISIONING and STARTING as
    the v2 document says, instead of coming back RUNNING. `gpu_count_required`: a v2 create without `gpu.count`
    is refused as lack of capacity. `cost_includes_disks`: whether the price shown on a pod holds its disks.
    `charge_network_volumes`: whether the books bill network volumes. `worker_boot_seconds`: from the start of a
    serverless worker, which bills from then on, until it takes jobs. `job_seconds`: how long a job runs.
    `billing_lag_seconds`: how long the billing operations know nothing of what was spent. `balance_usd` and `enforce_balance`: an
    hour of a pod must be in the account to deploy it, and at zero pods are stopped or lost. `spend_limit_usd`:
    dollars per hour over all pods, null for none. `rate_limits_enforced`: count calls against 180 a minute,
    7,200 an hour and 86,400 a day. `v1_retired`, `graphql_retired`: answer 410.
    """

    boot_seconds: float = 60.0
    staged_start: bool = False
    gpu_count_required: bool = True
    cost_includes_disks: bool = False
    charge_network_volumes: bool = True
    worker_boot_seconds: float = 10.0
    job_seconds: float = 2.0
    billing_lag_seconds: float = 3600.0
    balance_usd: float = 1000.0
    enforce_balance: bool = False
    spend_limit_usd: float | None = 80.0
    rate_limits_enforced: bool = False
    v1_retired: bool = False
    graphql_retired: bool = False

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Set some of the switches.

        Raises:
            ValueError: a name is unknown or a value has another type than the switch.
        """
        known = {field.name: str(field.type) for field in fields(self)}
        for name, value in wanted.items():
            if name not in known:
                raise ValueError(f"unknown setting {name!r}: expected one of {', '.join(known)}")
            if not _fits(value, known[name]):
                raise ValueError(f"setting {name!r}: expected {known[name]}")
        for name, value in wanted.items():
            setattr(self, name, value)

    def as_json(self) -> dict[str, Any]:
        """Every switch by its name."""
        return asdict(self)


def _fits(value: object, kind: str) -> bool:
    if value is None:
        return "None" in kind
    if kind == "bool":
        return isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
