"""Tables and bars for people, fitted to a width in columns of a terminal; pure, but for `say`, `width` and `progress`."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import click

from runpod_mcp.config import colour_allowed
from runpod_mcp.money import MICRO, Usd, show
from runpod_mcp.pods.words import clean

GAP = "  "
USED, PROMISED, FREE, CUT, NOTHING = "█", "▒", "·", "…", "–"
PLAIN = {USED: "#", PROMISED: "=", FREE: ".", CUT: "~", NOTHING: "-"}
"""What stands for each sign where the output cannot hold it."""
NARROW, SHORT_BAR, LONG_BAR = 60, 8, 24


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: numbers stand on the right.

    Where a table is too wide, columns are cut to `least` first, and then left out, the highest `rank` first; those of
    rank 0 stay. What `wraps` is not cut but goes on below.
    """

    name: str
    rank: int = 0
    right: bool = False
    least: int | None = None
    wraps: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], most: int | None = None) -> list[str]:
    """Lines of a table that are at most so wide: a line of names and one for each row, or more where a cell wraps."""
    cells = [[clean(cell, 400) for cell in row] for row in rows]
    kept = list(range(len(columns)))
    widths = [max([size(c.name), *(size(row[i]) for row in cells)]) for i, c in enumerate(columns)]
    least = [min(w, c.least if c.least is not None else w) for w, c in zip(widths, columns, strict=True)]
    while most is not None and _whole(least, kept) > most:
        droppable = [i for i in kept if columns[i].rank]
        if not droppable:
            least = [1] * len(columns)
            break
        kept.remove(max(droppable, key=lambda i: (columns[i].rank, i)))
    while most is not None and _whole(widths, kept) > most and any(widths[i] > least[i] for i in kept):
        widest = max((i for i in kept if widths[i] > least[i]), key=lambda i: widths[i] - least[i])
        widths[widest] -= 1
    lines = [[column.name for column in columns], *cells]
    folded = (part for line in lines for part in _folded(columns, line, widths))
    return [_line([(columns[i], line[i], widths[i]) for i in kept], most) for line in folded]


def _folded(
    columns: Sequence[Column], line: Sequence[str], widths: Sequence[int]
) -> Iterator[tuple[str, ...]]:
    """The lines that a row takes."""
    cells = [
        wrapped(cell, width) if column.wraps and size(cell) > width else [cell]
        for column, cell, width in zip(columns, line, widths, strict=True)
    ]
    return zip_longest(*cells, fillvalue="")


def _whole(widths: Sequence[int], kept: Sequence[int]) -> int:
    return sum(widths[i] for i in kept) + len(GAP) * (len(kept) - 1)


def _line(cells: Iterable[tuple[Column, str, int]], most: int | None) -> str:
    line = GAP.join(_cell(text, width, column.right) for column, text, width in cells).rstrip()
    return line if most is None else cut(line, most)


def _cell(text: str, width: int, right: bool) -> str:
    shown = cut(text, width)
    space = " " * (width - size(shown))
    return space + shown if right else shown + space


def cut(text: str, most: int) -> str:
    """Text that is at most so many columns wide; what was cut shows a sign of it."""
    if size(text) <= most:
        return text
    return _head(text, most - 1) + CUT


def _head(text: str, most: int) -> str:
    """As much of the beginning as fits."""
    kept, room = "", most
    for sign in text:
        room -= size(sign)
        if room < 0:
            break
        kept += sign
    return kept


def size(text: str) -> int:
    """How many columns of a terminal a text takes: East Asian signs take two, marks on others none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return len(text) + wide - sum(unicodedata.combining(sign) > 0 for sign in text)


def wrapped(text: str, most: int | None, indent: str = "") -> list[str]:
    """Text in lines that are at most so wide, broken between words where that can be."""
    if most is None:
        return [indent + text]
    indent = indent if len(indent) < most // 2 else ""
    room, lines = max(2, most - len(indent)), [""]
    for piece in (piece for word in text.split() for piece in _pieces(word, room)):
        joined = f"{lines[-1]} {piece}".strip()
        lines[-1:] = [joined] if size(joined) <= room else [lines[-1], piece]
    return [indent + line for line in lines]


def _pieces(word: str, room: int) -> Iterator[str]:
    while word:
        head = _head(word, room)
        yield head
        word = word[len(head) :]


def bar(parts: Iterable[tuple[str, int]], whole: int, length: int) -> str:
    """A bar of parts of a whole, each with its sign; what is more than nothing shows, and nothing passes the end."""
    drawn = ""
    for sign, amount in parts:
        cells = max(1, round(amount * length / whole)) if whole > 0 and amount > 0 else 0
        drawn += sign * min(cells, length - len(drawn))
    return drawn + FREE * (length - len(drawn))


def bar_length(most: int | None) -> int:
    """How long bars are where lines are at most so wide."""
    return SHORT_BAR if most is not None and most < NARROW else LONG_BAR


def span(seconds: int) -> str:
    """How long something takes, in one or two units: `2d03h`, `1h05m`, `9m`, `40s`; what is over is `over`."""
    if seconds <= 0:
        return "over"
    minutes, rest = divmod(seconds, 60)
    if minutes < 1:
        return f"{rest}s"
    if minutes < 60:
        return f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h{minutes:02}m"
    return f"{hours // 24}d{hours % 24:02}h"


def cents(amount: Usd) -> str:
    """Dollars in a column: two digits, more only where cents would hide the amount."""
    return show(amount) if 0 < amount < MICRO // 100 else f"${amount / MICRO:,.2f}"


def count(number: int, what: str) -> str:
    """A number of things: `1 pod`, `3 pods`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def printable(text: str, encoding: str | None, plain: Mapping[str, str] = PLAIN) -> str:
    """The text as an output of this encoding can hold it."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        for sign, simple in plain.items():
            text = text.replace(sign, simple)
        return text.encode(encoding or "utf-8", "replace").decode(encoding or "utf-8")
    return text


def width() -> int | None:
    """How wide the terminal is; None where the output is none and `COLUMNS` says nothing either."""
    return shutil.get_terminal_size((0, 0)).columns or None


def say(*lines: str) -> None:
    """Print lines for a person."""
    for line in lines:
        click.echo(printable(line, sys.stdout.encoding))


def alarm(text: str) -> str:
    """What a person should see first: red where colour is allowed, and plain where the output is no terminal."""
    return click.style(text, fg="red", bold=True) if colour_allowed() else text


def progress(text: str = "") -> None:
    """Say on a terminal what takes long, in place of what was said before; nothing elsewhere. No text ends it."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{printable(text, sys.stderr.encoding)}", err=True, nl=False)


def progress_of(rows: int, what: str) -> None:
    """Say how far a long look at the ledger is."""
    progress(f"{rows:,} {what}")
