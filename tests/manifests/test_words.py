"""The words of the code are complete: every code, variable, flag and rule is in the table that documents it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType

import click
import pytest

from runpod_mcp.cli.options import server_options
from runpod_mcp.config import SETTINGS, TOOLSETS
from runpod_mcp.errors import MEANINGS, Code
from runpod_mcp.money import Usd
from runpod_mcp.pods.values import RESERVATION_TAG
from runpod_mcp.policy import checks
from runpod_mcp.policy.budgets import rooms
from runpod_mcp.policy.document import Policy, default_policy
from runpod_mcp.policy.rules import RULES, questions
from runpod_mcp.policy.spending import Plan, Spending, Stretch
from runpod_mcp.server.toolsets import tools_of

PACKAGE = Path(__file__).parents[2] / "runpod_mcp"
NAMES = {one.name for one in SETTINGS if one.name}
FLAGS = {one.flag for one in SETTINGS if one.flag}
OF_THE_TERMINAL = {"TERM"}
OURS = re.compile(r"\bRUNPOD_(?:API|MCP)_[A-Z_]+")


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield str(path.relative_to(PACKAGE)), ast.parse(path.read_text("utf-8"))


def asked_of_the_environment(tree: ast.AST) -> Iterator[str]:
    """Every literal name that is looked up in `env` or `environ`, or handed on together with it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            given = [one.id for one in (*owner, *node.args) if isinstance(one, ast.Name)]
            names = [one.value for one in node.args if isinstance(one, ast.Constant)][:1]
        elif isinstance(node, ast.Subscript):
            given = [node.value.id] if isinstance(node.value, ast.Name) else []
            names = [node.slice.value] if isinstance(node.slice, ast.Constant) else []
        else:
            continue
        if {"env", "environ"} & set(given):
            yield from (name for name in names if isinstance(name, str) and name)


def test_every_variable_that_the_settings_read_is_documented() -> None:
    tree = dict(trees())["config.py"]
    read = set(asked_of_the_environment(tree))
    assert {"RUNPOD_API_KEY", "RUNPOD_MCP_READ_ONLY", "RUNPOD_MCP_TOOLSETS"} <= read
    assert read - OF_THE_TERMINAL == NAMES, "config.SETTINGS and what config.py reads differ"


@pytest.mark.parametrize("code", ["env.get('A_NAME', '')", "_switch(env, 'A_NAME')", "environ['A_NAME']"])
def test_a_variable_would_be_found_however_it_is_read(code: str) -> None:
    assert list(asked_of_the_environment(ast.parse(code))) == ["A_NAME"]


def test_every_variable_that_some_text_names_is_documented() -> None:
    unknown = {
        f"{name}:{node.lineno} {found}"
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for found in OURS.findall(node.value)
        if found not in NAMES | {RESERVATION_TAG}
    }
    assert not unknown, "not in config.SETTINGS:\n" + "\n".join(sorted(unknown))


def test_every_flag_of_a_server_is_documented() -> None:
    command = click.command()(server_options(lambda **_: None))
    options = {flag for one in command.params for flag in one.opts}
    assert options == FLAGS
    assert all(one.name or one.flag for one in SETTINGS)


def test_every_code_has_its_meaning_in_the_order_of_the_codes() -> None:
    assert list(MEANINGS) == list(Code)
    for code, meaning in MEANINGS.items():
        for sentence in (meaning.means, meaning.do):
            assert re.fullmatch(r"[A-Z].*\.", sentence), (code, sentence)
    assert len({meaning.means for meaning in MEANINGS.values()}) == len(Code)


def test_every_key_that_a_code_names_is_a_key_of_the_policy() -> None:
    for code, meaning in MEANINGS.items():
        for key in meaning.keys:
            table, _, name = key.partition(".")
            assert name in getattr(Policy.model_fields[table].annotation, "model_fields", ()), (code, key)


def names_in(code: CodeType) -> set[str]:
    inner = (names_in(one) for one in code.co_consts if isinstance(one, CodeType))
    return set(code.co_names).union(*inner)


def codes_of(judge: FunctionType) -> set[Code]:
    """The codes that a rule's function, or a helper beside it, can deny with."""
    names = names_in(judge.__code__)
    private = [getattr(checks, name, None) for name in names if name.startswith("_")]
    helpers = [one for one in private if isinstance(one, FunctionType)]
    return {Code[name] for name in names if name in Code.__members__}.union(*map(codes_of, helpers))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.key)
def test_a_rule_and_its_codes_are_documented_together(rule) -> None:  # type: ignore[no-untyped-def]
    codes = codes_of(rule.judge)
    assert codes
    assert all(rule.key in MEANINGS[code].keys for code in codes), (rule.key, codes)


def test_a_budget_and_its_code_are_documented_together() -> None:
    plan = Plan((Stretch(0, 3600, Usd(1)),), gpus=1)
    found = list(rooms(default_policy(), Spending(now=0), plan, every=True))
    assert len(found) >= 6
    for room in found:
        assert room.key in MEANINGS[room.code].keys


def test_what_a_person_is_asked_about_is_documented() -> None:
    keys = {one.key for one in questions(default_policy(), "create_pod", Usd(1), Usd(1))}
    assert keys == set(MEANINGS[Code.APPROVAL_REQUIRED].keys)


def test_every_tool_has_a_title_and_a_sentence() -> None:
    for spec in tools_of(TOOLSETS):
        assert spec.title
        assert spec.description.endswith(".")
