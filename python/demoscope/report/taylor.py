"""Taylor diagram: similarity as angle, constraint as radius, people at (1, 0) and independent items at the origin.

The squared distance of a point to the people is 1 - structure R2 (Taylor 2001, for uncentred correlations).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from demoscope.report.canvas import WIDTH, render
from demoscope.report.words import score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

_LARGEST_RADIUS: Final = 2.0
_PAD: Final = 26


@dataclass(frozen=True)
class Point:
    """One model or reference.

    Attributes:
        label: Its name.
        kind: Whose it is.
        similarity: Cosine with the human correlations; estimates beyond -1 and 1 are drawn at them.
        constraint: Strength relative to people, at least 0; drawn at the rim where it is beyond the diagram.
    """

    label: str
    kind: Literal["model", "reference"]
    similarity: float
    constraint: float


@dataclass(frozen=True)
class _Drawn:
    number: int
    kind: str
    words: str
    x: float
    y: float


def taylor(points: Sequence[Point], *, key: str) -> Markup:
    """Draw the diagram; points are numbered from 1 in the order given."""
    radius = min(_LARGEST_RADIUS, max(1.25, *(1.1 * point.constraint for point in points)))
    both_sides = any(point.similarity < 0 for point in points)
    unit = (WIDTH - 2 * _PAD) / ((2 if both_sides else 1) * radius)
    origin_x = WIDTH / 2 if both_sides else float(_PAD)
    origin_y = radius * unit + 16

    def place(similarity: float, length: float) -> tuple[float, float]:
        cosine = max(-1.0, min(1.0, similarity))
        return origin_x + unit * length * cosine, origin_y - unit * length * math.sqrt(1 - cosine * cosine)

    drawn = [
        _Drawn(number, point.kind, _words(point), *place(point.similarity, min(radius, point.constraint)))
        for number, point in enumerate(points, start=1)
    ]
    spokes = [-0.9, -0.6, -0.3, 0, 0.3, 0.6, 0.8, 0.9, 0.95] if both_sides else [0, 0.3, 0.6, 0.8, 0.9, 0.95]
    return render(
        "taylor.svg.j2",
        key=key,
        title="Similarity and constraint of models and references",
        desc=" ".join(["People stand at similarity 1, constraint 1.", *(f"{mark.words}." for mark in drawn)]),
        width=WIDTH,
        height=origin_y + 34,
        x=origin_x,
        y=origin_y,
        unit=unit,
        rim=radius * unit,
        left=origin_x - (radius * unit if both_sides else 0),
        human=place(1, 1),
        arcs=[(step, step * unit) for step in (0.5, 1.0, 1.5, 2.0) if step <= radius],
        skill=[(r2, unit * math.sqrt(1 - r2)) for r2 in (0.0, 0.5, 0.8)],
        spokes=[(score(s).rstrip("0").rstrip("."), place(s, radius), place(s, radius + 11 / unit)) for s in spokes],
        points=drawn,
    )


def _words(point: Point) -> str:
    return f"{point.label}: similarity {score(point.similarity)}, constraint {score(point.constraint)}"
