from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from clients_stage import ROW, Stage


@pytest.fixture
def stage(tmp_path: Path, record_property: Callable[[str, object], None]) -> Iterator[Stage]:
    """A stage; what the server logged is shown with a test that fails."""
    built = Stage.build(tmp_path, record_property)
    yield built
    print(built.logged())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The table of the clients that were driven."""
    passed = terminalreporter.stats.get("passed", [])
    rows = [tuple(told) for report in passed for name, told in report.user_properties if name == ROW]
    if not rows:
        return
    table = [("client", "version", "era", "driven", "s to first answer"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    terminalreporter.section("clients")
    for row in table:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        terminalreporter.line(line.rstrip())
