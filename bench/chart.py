# SPDX-License-Identifier: MulanPSL-2.0
"""The chart of bench/report.py: one bar a workload on a logarithmic scale, from QEMU's time to bixi's; a diamond
shows the host's own."""
import math
from xml.sax.saxutils import escape

LEFT, WIDTH, LINE, TOP = 190, 640, 18, 76
FASTER, SLOWER, NATIVE = "#2b7a4b", "#c2571a", "#3b5b92"


def text(x, y, string, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{escape(string)}</text>'


def ticks(low, high):
    """1, 2 and 5 times the powers of ten from low to high."""
    for exponent in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for digit in (1, 2, 5):
            if low <= digit * 10.0**exponent <= high:
                yield digit * 10.0**exponent


def bar(y, place, name, ratio, native):
    one, end = place(1), place(ratio)
    parts = [text(LEFT - 8, y + 12, name, 'text-anchor="end"'),
             f'<rect x="{min(one, end):.1f}" y="{y + 3}" width="{abs(end - one):.1f}" height="{LINE - 6}" '
             f'fill="{FASTER if ratio < 1 else SLOWER}"/>',
             text(LEFT + WIDTH + 8, y + 12, f"{ratio:.3g}")]
    if native:
        x = place(native)
        parts.append(f'<path d="M{x - 4:.1f} {y + 9} l4 -5 l4 5 l-4 5 z" fill="{NATIVE}"/>')
    return parts


def draw(groups):
    """groups: (title, [(workload, bixi/QEMU, native/QEMU or None)]) in order; returns the SVG's text."""
    values = [v for _, bars in groups for _, ratio, native in bars for v in (ratio, native) if v]
    low, high = min([0.5, *values]) / 1.1, max([2, *values]) * 1.1

    def place(value):
        return LEFT + WIDTH * math.log(value / low) / math.log(high / low)

    height = TOP + sum(LINE * (len(bars) + 1) + 8 for _, bars in groups) + 20
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 70} {height}" '
             'font-family="sans-serif" font-size="12" fill="#222">',
             '<rect width="100%" height="100%" fill="#fff"/>',
             text(16, 26, "Bixi's time / QEMU's time (medians, logarithmic scale)",
                  'font-size="16" font-weight="bold"'),
             text(16, 46, "Bars to the left of 1: Bixi is faster; to the right: slower. Diamond: this machine itself.")]
    for value in ticks(low, high):
        x, strong = place(value), value == 1
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height - 12}" '
                     f'stroke="{"#222" if strong else "#ddd"}"/>')
        parts.append(text(x, TOP - 10, f"{value:g}", 'text-anchor="middle" fill="#666"'))
    y = TOP
    for title, bars in groups:
        parts.append(text(16, y + 13, title, 'font-weight="bold"'))
        y += LINE
        for name, ratio, native in bars:
            parts += bar(y, place, name, ratio, native)
            y += LINE
        y += 8
    return "\n".join([*parts, "</svg>", ""])
