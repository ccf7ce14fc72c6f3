"""What the project file says: the name, the words and the address that manifests repeat."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from runpod_mcp.errors import Code, Failure, Retry

AUTHORS = "The runpod-mcp authors"
"""As in the licence."""
TITLE = "Runpod (unofficial)"
PRIVACY = "https://www.runpod.io/legal/privacy-policy"
"""Of the only service that anything is sent to."""
KEY = "RUNPOD_API_KEY"
ENTRY = "runpod"
"""The name that clients give this server."""
START = ("uvx", "runpod-mcp")
"""What starts the published package."""
_ANYBODY = "user"
_GITHUB = re.compile(r"https://github\.com/([A-Za-z0-9-]+)/([A-Za-z0-9._-]+?)(?:\.git)?/?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """`repository` is None until the project file names one under `[project.urls]`."""

    name: str
    version: str
    description: str
    license: str
    python: str
    keywords: tuple[str, ...]
    repository: str | None

    @property
    def registry_name(self) -> str:
        """The name in the MCP registry; without a repository, under the owner of the registry's own examples."""
        found = _GITHUB.match(self.repository or "")
        return f"io.github.{found[1] if found else _ANYBODY}/{self.name}"


def read_project(root: Path) -> Project:
    """The project file of a repository.

    Raises:
        Failure: `settings_broken`, when there is none.
    """
    path = root / "pyproject.toml"
    try:
        found = tomllib.loads(path.read_text("utf-8"))["project"]
    except (OSError, ValueError, KeyError) as error:
        raise Failure(
            Code.SETTINGS_BROKEN,
            f"{path} is no project file ({type(error).__name__}); name the root of the repository.",
            Retry.CHANGED,
        ) from error
    urls = {name.lower(): url for name, url in found.get("urls", {}).items()}
    return Project(
        name=found["name"],
        version=found["version"],
        description=found["description"],
        license=found["license"],
        python=found["requires-python"],
        keywords=tuple(found.get("keywords", ())),
        repository=urls.get("repository") or urls.get("source") or urls.get("homepage"),
    )
