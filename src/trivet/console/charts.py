"""Server-made SVG, each with its words: bars, intervals, a heat strip. Numbers in, markup out; no script, no library.

Every mark carries a `<title>`; the page prints the same numbers as a table beside it.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

__all__ = ["bar", "forest", "strip"]


def drawn(parts: Sequence[str]) -> Markup:
    """Marks made in this file, whose every word went through `escape`."""
    return Markup("".join(parts))  # noqa: S704


def bar(share: float, label: str, *, bad: bool = False) -> Markup:
    """One horizontal bar, 0 to 1, as wide as its cell."""
    width = max(0.0, min(1.0, share)) * 100
    kind = "bar bad" if bad else "bar"
    return Markup(
        '<svg class="chart" viewBox="0 0 100 8" preserveAspectRatio="none" role="img"><title>{}</title>'
        '<rect class="{}" x="0" y="0" width="{:.2f}" height="8" rx="1"/></svg>'
    ).format(label, kind, width)


def strip(counts: Sequence[tuple[str, int]], label: str) -> Markup:
    """A heat strip: one cell per period, empty periods crossed out so that silence is a shape, not a shade."""
    top = max((count for _, count in counts), default=0) or 1
    width = 100 / max(len(counts), 1)
    cells = []
    for number, (period, count) in enumerate(counts):
        x = number * width
        if count:
            opacity = 0.25 + 0.75 * count / top
            cells.append(
                f'<rect class="bar" x="{x:.2f}" y="0" width="{width * 0.9:.2f}" height="12" opacity="{opacity:.2f}">'
                f"<title>{escape(period)}: {count}</title></rect>"
            )
        else:
            right = x + width * 0.9
            cross = f"M{x:.2f} 0 L{right:.2f} 12 M{right:.2f} 0 L{x:.2f} 12"
            cells.append(f'<path class="axis" d="{cross}" fill="none"><title>{escape(period)}: nothing</title></path>')
    return Markup('<svg class="chart" viewBox="0 0 100 12" preserveAspectRatio="none" role="img"><title>{}</title>{}</svg>').format(
        label, drawn(cells)
    )


def forest(rows: Sequence[tuple[str, float, float, float]], label: str, unit: str) -> Markup:
    """Estimates with their intervals around zero: (name, estimate, low, high)."""
    if not rows:
        return Markup("")
    edge = max(max(abs(low), abs(high), abs(mid)) for _, mid, low, high in rows) or 1.0
    height = 34 * len(rows) + 26

    def place(value: float) -> float:
        return 300 + value / edge * 270

    parts = [f'<line class="axis" x1="300" x2="300" y1="0" y2="{height - 22}"/>']
    for number, (name, mid, low, high) in enumerate(rows):
        y = number * 34 + 20
        parts.append(
            f"<g><title>{escape(name)}: {mid:,.0f} {escape(unit)} (from {low:,.0f} to {high:,.0f})</title>"
            f'<text x="6" y="{y - 7}">{escape(name)}</text>'
            f'<line class="whisker" x1="{place(low):.1f}" x2="{place(high):.1f}" y1="{y + 5}" y2="{y + 5}"/>'
            f'<rect class="bar" x="{place(mid) - 5:.1f}" y="{y}" width="10" height="10"/></g>'
        )
    parts.append(f'<text x="300" y="{height - 6}" text-anchor="middle">0 {escape(unit)}</text>')
    return Markup('<svg class="chart" viewBox="0 0 600 {}" role="img"><title>{}</title>{}</svg>').format(height, label, drawn(parts))
