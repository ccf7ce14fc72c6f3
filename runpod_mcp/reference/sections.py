"""The parts of the README that are made from the facts, each between its two markers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from runpod_mcp.config import TOOLSETS, Setting
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.reference.facts import Facts, PolicyKeyFact, ToolFact
from runpod_mcp.reference.links import links_of
from runpod_mcp.reference.project import Project

Row = tuple[str, ...]


def filled(text: str, sections: Mapping[str, str]) -> str:
    """A document with every section in its place; all the rest stays as it is.

    Raises:
        Failure: `settings_broken`, when the document does not have the two markers of a section exactly once.
    """
    for name, section in sections.items():
        found = list(re.finditer(rf"(?s)(<!-- generated: {name} -->\n).*?(<!-- end: {name} -->)", text))
        if len(found) != 1:
            raise Failure(
                Code.SETTINGS_BROKEN,
                f"README.md needs <!-- generated: {name} --> and <!-- end: {name} --> once, each on its own line.",
                Retry.CHANGED,
            )
        head, tail = found[0][1], found[0][2]
        text = f"{text[: found[0].start()]}{head}{section.strip()}\n{tail}{text[found[0].end() :]}"
    return text


def sections_of(project: Project, facts: Facts) -> dict[str, str]:
    """Every section by its name, as Markdown."""
    return {
        "tools": _tools(facts.tools),
        "settings": table(("setting", "flag", "default", "meaning"), map(_setting, facts.settings)),
        "commands": table(("command", ""), ((code(one.usage), one.help) for one in facts.commands)),
        "codes": table(("code", "means", "what to do", "policy"), _codes(facts)),
        "policy": table(("key", "left out", "meaning"), map(_policy_key, facts.policy)),
        "install": _install(project),
        "registry": f"<!-- mcp-name: {project.registry_name} -->",
    }


def table(head: Row, rows: Iterable[Row]) -> str:
    """A Markdown table."""
    first, *rest = (_line(row) for row in (head, *rows))
    return "\n".join([first, "|---" * len(head) + "|", *rest])


def _line(row: Row) -> str:
    cells = [cell.replace("|", r"\|") for cell in row]
    return f"| {' | '.join(cells)} |"


def code(words: str) -> str:
    """Words as code; nothing for none."""
    return f"`{words}`" if words else ""


def _tools(tools: tuple[ToolFact, ...]) -> str:
    by_toolset = {name: [tool for tool in tools if tool.toolset == name] for name in TOOLSETS}
    parts = [_tool_table(by_toolset.pop("core"))]
    for name, found in by_toolset.items():
        if found:
            count = f"{len(found)} tool{'s' if len(found) > 1 else ''}"
            parts.append(
                f"<details><summary><code>--toolsets {name}</code>: {count}</summary>\n\n{_tool_table(found)}\n\n</details>"
            )
    return "\n\n".join(parts)


def _tool_table(tools: Iterable[ToolFact]) -> str:
    rows = ((code(one.name), "reads" if one.reads_only else "changes", one.description) for one in tools)
    return table(("tool", "", "as the agent reads it"), rows)


def _setting(setting: Setting) -> Row:
    flag = f"{setting.flag} {setting.takes}".strip() if setting.flag else ""
    return code(setting.name), code(flag), setting.default, setting.meaning


def _codes(facts: Facts) -> Iterable[Row]:
    return ((code(one.code), one.means, one.do, ", ".join(map(code, one.keys))) for one in facts.codes)


def _policy_key(fact: PolicyKeyFact) -> Row:
    words = fact.description
    if fact.values:
        words = f"{words} One of {', '.join(map(code, fact.values))}."
    return code(fact.key), "must be there" if fact.required else code(fact.default) or "—", words


def _install(project: Project) -> str:
    links = links_of(project)
    clickable = " · ".join(f"[{link.client}]({link.web})" for link in links if link.web)
    others = ", ".join(link.client for link in links if not link.web)
    return (
        f"{clickable}. What these open, the link for {others}, the bundle for Claude Desktop and the plugins for Claude Code "
        "and Gemini CLI are in [manifests/install-links.md](manifests/install-links.md)."
    )


def install_links(project: Project) -> str:
    """`install-links.md`: every link, and how the bundle is packed."""
    rows = "\n\n".join(
        f"## {link.client}\n\n```\n{link.opens}\n```"
        + (f"\n\nFrom a web page: <{link.web}>" if link.web else "")
        for link in links_of(project)
    )
    return _LINKS.format(rows=rows, name=project.name)


_LINKS = """\
# Install links

Each adds this server to a client under the name `runpod`, started by `uvx {name}`. Put your key where the link has
`YOUR_KEY`; VS Code asks for it, goose takes it from its keyring.

{rows}

## Claude Desktop

A bundle that Claude Desktop installs when it is opened; it asks for the key. To make it, from the root of the repository:

```sh
mkdir -p build/mcpb dist
cp -R manifests/mcpb/. runpod_mcp pyproject.toml README.md LICENSE build/mcpb/
npx -y @anthropic-ai/mcpb@2.1.2 pack build/mcpb dist/{name}.mcpb
```

## Claude Code

The plugin, from a clone; Claude Code asks for the key and keeps it:

```sh
claude plugin marketplace add ./manifests/claude-plugin
claude plugin install {name}@{name}
```

## Gemini CLI

The extension, from a clone; Gemini CLI asks for the key and keeps it:

```sh
gemini extensions install ./manifests/gemini-extension
```
"""
