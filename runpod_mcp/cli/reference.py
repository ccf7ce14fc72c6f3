"""Writing down what the code knows: sections of the README, and the manifests."""

from __future__ import annotations

import json
from pathlib import Path

import click

from runpod_mcp.reference.facts import Facts
from runpod_mcp.reference.files import stale, write


def print_reference(facts: Facts) -> None:
    """Everything as one JSON object."""
    click.echo(json.dumps(facts.as_structure(), indent=2, ensure_ascii=False))


def write_reference(facts: Facts, root: Path) -> None:
    """Write what is stale in a repository, and say which files that were.

    Raises:
        Failure: `root` is not the root of the repository, or a file cannot be written.
    """
    written = write(root, facts)
    click.echo("\n".join(f"wrote {name}" for name in written) or "Nothing was stale.")


def check_reference(facts: Facts, root: Path) -> bool:
    """Whether everything is as it should be; what is not is listed on stdout.

    Raises:
        Failure: `root` is not the root of the repository.
    """
    found = stale(root, facts)
    click.echo("\n".join(f"stale: {name}" for name in found) or "Nothing is stale.")
    return not found
