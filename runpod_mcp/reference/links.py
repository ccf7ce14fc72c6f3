"""Links that install this server into a client with one click."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from runpod_mcp.reference.project import ENTRY, KEY, START, TITLE, Project
from runpod_mcp.reference.snippets import VSCODE_KEY, snippet_entry


@dataclass(frozen=True, slots=True)
class Link:
    """`opens` is what the client itself understands; `web` leads there from a page that shows only web links."""

    client: str
    opens: str
    web: str | None = None


def links_of(project: Project) -> tuple[Link, ...]:
    """A link for each client that has such."""
    cursor = urlencode({"name": ENTRY, "config": _packed(snippet_entry("cursor.json"))})
    studio = urlencode({"name": ENTRY, "config": _packed(snippet_entry("lm-studio.json"))})
    entry = snippet_entry("vscode-mcp.json")
    code = quote(_compact({"name": ENTRY, **entry, "inputs": [VSCODE_KEY]}), safe="")
    redirect = urlencode(
        {"name": ENTRY, "inputs": _compact([VSCODE_KEY]), "config": _compact(entry)}, quote_via=quote, safe=""
    )
    goose = urlencode(
        [
            ("cmd", START[0]),
            *(("arg", argument) for argument in START[1:]),
            ("id", ENTRY),
            ("name", TITLE),
            ("description", project.description),
            ("env", KEY),
        ],
        quote_via=quote,
    )
    return (
        Link(
            "Cursor",
            f"cursor://anysphere.cursor-deeplink/mcp/install?{cursor}",
            f"https://cursor.com/en/install-mcp?{cursor}",
        ),
        Link("VS Code", f"vscode:mcp/install?{code}", f"https://vscode.dev/redirect/mcp/install?{redirect}"),
        Link("LM Studio", f"lmstudio://add_mcp?{studio}", f"https://lmstudio.ai/install-mcp?{studio}"),
        Link("goose", f"goose://extension?{goose}"),
    )


def _packed(entry: dict[str, Any]) -> str:
    return base64.b64encode(_compact(entry).encode()).decode()


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
