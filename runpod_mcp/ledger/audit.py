"""The audit trail: what was asked, decided and done, each record sealed with the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FIRST = "0" * 64
"""What stands before the first record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One thing that happened; `facts` is JSON without secrets. Time is seconds since 1970, UTC.

    `kind` is `reserved`, `lease` (an entry about one), `called` (a tool, with the verdict), `made` (a thing without a
    lease, its id in `pod_id`), `asked` and `answered` (a person), `used` (their yes), or `policy` (it changed).
    """

    at: int
    kind: str
    principal: str = ""
    tool: str = ""
    reservation_id: str = ""
    pod_id: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    seq: int = 0
    previous: str = ""
    seal: str = ""

    def sealed(self, seq: int, previous: str) -> Record:
        """The record at its place behind another."""
        return Record(
            at=self.at,
            kind=self.kind,
            principal=self.principal,
            tool=self.tool,
            reservation_id=self.reservation_id,
            pod_id=self.pod_id,
            facts=self.facts,
            seq=seq,
            previous=previous,
            seal=self.seal_after(seq, previous),
        )

    def seal_after(self, seq: int, previous: str) -> str:
        """The hash of all that the record says, of its place, and of the seal before it."""
        whole = [
            seq,
            previous,
            self.at,
            self.kind,
            self.principal,
            self.tool,
            self.reservation_id,
            self.pod_id,
            self.facts_json,
        ]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()

    @property
    def facts_json(self) -> str:
        """The facts as they are written down."""
        return json.dumps(self.facts, sort_keys=True, separators=(",", ":"))
