"""A bar chart of costs as an SVG file, written by hand; as PNG where a library that can do it is there."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from html import escape
from pathlib import Path
from typing import Any

import click

from runpod_mcp.cli.tables import cents, cut
from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.money import MICRO, Usd, show, total
from runpod_mcp.pods.words import clean

Bars = Sequence[tuple[str, Usd]]
"""Names and amounts, in the order in which they are drawn; days as 2026-11-23."""

WIDTH, HEIGHT = 960, 440
LEFT, RIGHT, TOP, BOTTOM = 84, 32, 92, 64
ROW, NAMES = 34, 300
MOST_ROWS = 30
MOST_DAYS = 92
"""More days than these are drawn as months."""
LABELLED, LABEL, WIDEST_BAR = 16, 62, 96
INK, SOFT, GRID, FILL = "#1b1f2a", "#5b6472", "#e3e6ec", "#4a57d6"
PNG_LIBRARY = "resvg_py"

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img"
  font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="13" fill="{ink}">
<title>{title}</title>
<rect width="{width}" height="{height}" fill="#ffffff"/>
<text x="{left}" y="38" font-size="19" font-weight="600">{title}</text>
<text x="{left}" y="62" fill="{soft}">{below}</text>
"""


def check_plot(path: str) -> None:
    """Refuse a kind of file that cannot be written, before any work is done.

    Raises:
        click.BadParameter: it ends neither in .svg nor in .png.
        Failure: it ends in .png, and nothing here can make one.
    """
    if Path(path).suffix.lower() not in (".svg", ".png"):
        raise click.BadParameter("name a file that ends in .svg or .png.", param_hint="--plot")
    if Path(path).suffix.lower() == ".png":
        _png_library()


def write_plot(path: Path, title: str, bars: Bars, *, by_day: bool) -> None:
    """Write a chart.

    Raises:
        Failure: the file cannot be written.
    """
    drawn = (columns(title, bars) if by_day else rows(title, bars)).encode()
    if path.suffix.lower() == ".png":
        drawn = bytes(_png_library().svg_to_bytes(svg_string=drawn.decode(), zoom=2))
    try:
        path.write_bytes(drawn)
    except OSError as error:
        raise Failure(
            Code.SETTINGS_BROKEN, f"{path} cannot be written ({error.strerror}).", field="--plot"
        ) from error


def columns(title: str, bars: Bars) -> str:
    """Upright bars, one a day; a month, where there are many days. Days without any cost are there too."""
    days = list(_every_day(bars))
    what = "per UTC day"
    if len(days) > MOST_DAYS:
        days, what = list(_by_month(days)), "per UTC month"
    inner, floor = WIDTH - LEFT - RIGHT, HEIGHT - BOTTOM
    step, top = _ticks(max((usd for _, usd in days), default=Usd(0)))
    parts = [_head(title, f"{_total(bars)} US dollars {what}.", HEIGHT)]
    for tick in range(0, top + 1, step):
        y = floor - (floor - TOP) * tick / top
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y, GRID if tick else INK))
        parts.append(_text(LEFT - 10, y + 4, _dollars(tick, step), SOFT, "end"))
    slot = inner / max(1, len(days))
    wide = min(slot * 0.72, WIDEST_BAR)
    every = -(-len(days) * LABEL // inner) if days else 1
    for place, (name, usd) in enumerate(days):
        middle, high = LEFT + slot * (place + 0.5), (floor - TOP) * usd / top
        parts.append(_rect(middle - wide / 2, floor - high, wide, high, f"{name}: {show(usd)}"))
        if usd and len(days) <= LABELLED:
            parts.append(_text(middle, floor - high - 7, cents(usd), INK, "middle"))
        if place % every == 0:
            parts.append(_text(middle, floor + 20, name[5:] if len(name) > 7 else name, SOFT, "middle"))
    label = _span(days)
    parts.append(_text(LEFT + inner / 2, HEIGHT - 18, label, SOFT, "middle"))
    return "".join(parts) + "</svg>\n"


def rows(title: str, bars: Bars) -> str:
    """Lying bars, the dearest first; what is beyond thirty of them is one more."""
    shown = [*bars[:MOST_ROWS]]
    if rest := bars[MOST_ROWS:]:
        shown.append((f"{len(rest)} more", total(usd for _, usd in rest)))
    floor = TOP + ROW * max(1, len(shown))
    inner, height = WIDTH - NAMES - RIGHT - 76, floor + BOTTOM
    step, top = _ticks(max((usd for _, usd in shown), default=Usd(0)))
    parts = [_head(title, f"{_total(bars)} US dollars.", height, LEFT // 2)]
    for tick in range(0, top + 1, step):
        x = NAMES + inner * tick / top
        parts.append(_line(x, TOP - 8, x, floor, GRID if tick else INK))
        parts.append(_text(x, floor + 20, _dollars(tick, step), SOFT, "middle"))
    for place, (name, usd) in enumerate(shown):
        y, long = TOP + ROW * place, inner * usd / top
        parts.append(_text(NAMES - 12, y + ROW / 2, cut(name, 34), INK, "end"))
        parts.append(_rect(NAMES, y + 3, long, ROW - 14, f"{name}: {show(usd)}"))
        parts.append(_text(NAMES + long + 8, y + ROW / 2, cents(usd), INK, "start"))
    parts.append(_text(NAMES + inner / 2, height - 18, "US dollars", SOFT, "middle"))
    return "".join(parts) + "</svg>\n"


def _total(bars: Bars) -> str:
    return f"{cents(total(usd for _, usd in bars))} in all." if bars else "Nothing was spent."


def _every_day(bars: Bars) -> Iterator[tuple[str, Usd]]:
    costs = dict(bars)
    if not costs:
        return
    day, last = date.fromisoformat(min(costs)), date.fromisoformat(max(costs))
    while day <= last:
        yield day.isoformat(), costs.get(day.isoformat(), Usd(0))
        day += timedelta(days=1)


def _by_month(days: Bars) -> Iterator[tuple[str, Usd]]:
    for month in dict.fromkeys(name[:7] for name, _ in days):
        yield month, total(usd for name, usd in days if name[:7] == month)


def _span(days: Bars) -> str:
    if not days:
        return ""
    first, last = days[0][0], days[-1][0]
    return first if first == last else f"{first} to {last}"


def _ticks(most: int) -> tuple[int, int]:
    """The step between grid lines and the last one, in micro-dollars: four to six round steps above the largest."""
    step = 1
    while step * 5 < most:
        step = next(step * by for by in (2, 5, 10) if step * by * 5 >= most or by == 10)
    step = step if most else MICRO
    return step, max(step, -(-most // step) * step)


def _dollars(tick: int, step: int) -> str:
    digits = 0 if step >= MICRO else 2 if step >= MICRO // 100 else 6
    return f"${tick / MICRO:,.{digits}f}"


def _head(title: str, below: str, height: int, left: int = LEFT) -> str:
    return _HEAD.format(
        width=WIDTH, height=height, left=left, title=_safe(title), below=_safe(below), ink=INK, soft=SOFT
    )


def _safe(text: str) -> str:
    return escape(clean(text, 300))


def _text(x: float, y: float, text: str, fill: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}">{_safe(text)}</text>\n'


def _line(x1: float, y1: float, x2: float, y2: float, stroke: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"/>\n'


def _rect(x: float, y: float, width: float, height: float, says: str) -> str:
    shape = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2"'
    return f'<rect {shape} fill="{FILL}"><title>{_safe(says)}</title></rect>\n'


def _png_library() -> Any:
    try:
        return importlib.import_module(PNG_LIBRARY)
    except ImportError as error:
        raise Failure(
            Code.SETTINGS_BROKEN,
            "A PNG needs the Python package resvg-py, which is not here (runpod-mcp[png] brings it); name a file that ends in .svg.",
            Retry.CHANGED,
            field="--plot",
        ) from error
