"""The agent loops of the page on the library: the server inside the program of a framework, as the page has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from clients_pinned import EMBEDDED_LANGCHAIN, EMBEDDED_PYDANTIC_AI, Pinned, programs
from clients_stage import Stage

pytestmark = pytest.mark.clients

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "runpod_mcp" / "docs" / "library.md").read_text("utf-8")
LOOPS = {EMBEDDED_PYDANTIC_AI: "pydantic-ai", EMBEDDED_LANGCHAIN: "langchain"}


@pytest.mark.parametrize("framework", LOOPS, ids=str)
def test_the_agent_loop_of_a_framework_is_refused_one_card_and_rents_another(
    framework: Pinned, stage: Stage
) -> None:
    (example,) = re.findall(rf"^```python\n(# {LOOPS[framework]}\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    (stage.folder / "work" / "loop.py").write_text(example, "utf-8")
    done = stage.run(framework, [str(programs(framework) / "python"), "loop.py"], PYTHONPATH=str(ROOT))
    assert done.returncode == 0, f"{framework}: {done.stdout}{done.stderr}"
    assert done.stdout.splitlines()[-1] == "['NVIDIA L4']", f"{framework}: {done.stdout}"
    stage.tell(framework, "in process", "be refused, rent", None)
