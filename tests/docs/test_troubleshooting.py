"""The troubleshooting page knows every code and quotes what is really said."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from said_by_code import SCENES, said_by

from runpod_mcp.errors import MEANINGS, Code

PAGE = Path(__file__).parents[2] / "runpod_mcp" / "docs" / "troubleshooting.md"
SECTION = re.compile(r"^### (\w+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
QUOTE = re.compile(r"```text\n(.*?)```", re.DOTALL)


def sections() -> dict[str, str]:
    return dict(SECTION.findall(PAGE.read_text("utf-8")))


def test_every_code_has_its_section_in_the_order_of_the_codes() -> None:
    assert list(sections()) == [str(code) for code in Code]


def test_every_section_names_the_keys_of_the_policy_that_cause_it() -> None:
    missing = {
        code: key for code, meaning in MEANINGS.items() for key in meaning.keys if key not in sections()[code]
    }
    assert not {code: key for code, key in missing.items() if not key.startswith("approval.")}


@pytest.mark.parametrize("code", list(SCENES))
async def test_the_page_quotes_what_is_said(code: Code, tmp_path: Path) -> None:
    said = await said_by(code, tmp_path)
    assert f"{code}: " in said
    if os.environ.get("UPDATE_DOCS"):
        _write(code, said)
    quoted = QUOTE.search(sections()[code])
    assert quoted is not None
    assert quoted[1].strip() == said, "UPDATE_DOCS=1 uv run pytest -n 0 tests/docs"


def test_only_what_nobody_thought_of_has_no_example() -> None:
    assert set(Code) - set(SCENES) == {Code.INTERNAL_ERROR}


def _write(code: Code, said: str) -> None:
    old = sections()[code]
    new = QUOTE.sub(lambda _: f"```text\n{said}\n```", old, count=1)
    PAGE.write_text(PAGE.read_text("utf-8").replace(f"### {code}\n{old}", f"### {code}\n{new}"), "utf-8")
