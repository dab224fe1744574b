"""The figures of bench.py as bars in an SVG, one block a figure, relative to the longest in it.

SPDX-License-Identifier: Apache-2.0
"""

import statistics
from xml.sax.saxutils import escape

COLOURS = ["#a02060", "#8c8c8c", "#c4c4c4", "#4f7fbf", "#1f4f8f"]
BAR, GAP, LEFT, WIDTH = 14, 26, 330, 900


def svg(values, names):
    """`values`: {(what, N, watcher): [value of each run]}."""
    blocks = list(dict.fromkeys((what, n) for what, n, _ in values))
    y, parts = 30, []
    for what, n in blocks:
        medians = [(w, statistics.median(values[what, n, w])) for w in names
                   if (what, n, w) in values]
        longest = max((m for _, m in medians), default=0) or 1
        parts.append(f'<text x="10" y="{y + 10}">{escape(what)}{f", N = {n:,}" if n > 1 else ""}</text>')
        for watcher, median in medians:
            width = (WIDTH - LEFT - 170) * median / longest
            colour = COLOURS[names.index(watcher) % len(COLOURS)]
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 2}" '
                         f'fill="{colour}"/>')
            parts.append(f'<text x="{LEFT + width + 5:.1f}" y="{y + 10}">{median:.4g} '
                         f'{escape(watcher)}</text>')
            y += BAR
        y += GAP - BAR
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 10}" '
            'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" '
            'fill="white"/>' + "\n".join(parts) + "</svg>\n")
