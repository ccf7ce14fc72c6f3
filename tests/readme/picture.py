"""The picture of the demo in the README: what the demo really prints on a terminal, drawn as SVG."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import textwrap
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

PICTURE = Path(__file__).parents[2] / "runpod_mcp" / "docs" / "demo.svg"
COLUMNS = 112
STEPS = (
    "Rent it.",
    "A GPU that the policy forbids.",
    "An allowed GPU, but together with the first it is over the hourly budget.",
    "Runpod makes a pod but answers with an error: it is found by its tag, and there is only one.",
    "The simulated Runpod's own books",
)
"""What is shown of the demo; the rest of it is longer than a picture should be."""

NIGHT = TerminalTheme(
    (22, 24, 29),
    (206, 209, 214),
    [
        (22, 24, 29),
        (240, 113, 120),
        (145, 201, 125),
        (0, 0, 0),
        (0, 0, 0),
        (0, 0, 0),
        (111, 195, 223),
        (206, 209, 214),
    ],
)
FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="The demo on a terminal">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
<rect fill="rgb(22,24,29)" width="{width}" height="{height}" rx="8"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def demo_on_a_terminal() -> str:
    """What the demo prints on a terminal, colours included."""
    ours, theirs = pty.openpty()
    demo = subprocess.Popen(
        [sys.executable, "-m", "runpod_mcp", "demo"], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL
    )
    os.close(theirs)
    said = b""
    while block := _read(ours):
        said += block
    os.close(ours)
    assert demo.wait() == 0, said.decode()
    return said.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says so that the other side is closed
        return b""


def drawn(said: str) -> str:
    """The picture of some steps of the demo, as SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, highlight=False)
    console.print(Text.from_ansi("$ runpod-mcp demo\n" + _wrapped("\n".join(_steps(said)))))
    return console.export_svg(code_format=FRAME, theme=NIGHT, unique_id="demo", font_aspect_ratio=0.61)


def _steps(said: str) -> list[str]:
    """The steps that are shown, each with its heading, and the last line."""
    bold = "\x1b[1m\n"
    steps = {step.split("\x1b", 1)[0].removeprefix("# "): bold + step for step in said.split(bold)[1:]}
    *_, last = steps
    return [steps[step].rstrip() for step in (*STEPS, last)]


def _wrapped(said: str) -> str:
    return "\n".join(
        textwrap.fill(
            line, COLUMNS - 2, subsequent_indent="   ", break_on_hyphens=False, drop_whitespace=False
        )
        for line in said.splitlines()
    )


def words(picture: str) -> str:
    """The words of a picture, without what differs from one run to the next: times, and what seconds cost."""
    text = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture)).replace("&#160;", " ")
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)
    return re.sub(r"(charged_usd&quot;: )[\d.]+|\$[\d.]+( today| still to be spent)", r"\1MONEY\2", text)
