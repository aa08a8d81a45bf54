"""All models and references side by side: tables, forest plots and the Taylor diagram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from demoscope.report import words
from demoscope.report.canvas import render
from demoscope.report.forest import Axis, Mark, Row, forest
from demoscope.report.tables import averages_table, panel_lines, reference_name, references_table, structure_table
from demoscope.report.taylor import Point, taylor
from demoscope.schema import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from markupsafe import Markup

    from demoscope.report.names import Names
    from demoscope.report.panel import Panel, Record


@dataclass(frozen=True)
class Measure:
    """One structure score as a forest plot.

    Attributes:
        name: Column.
        title: Name in words.
        reading: What 0 and 1 mean.
        chance: Column with the 95 % quantile under permuted profiles (A6), "" if the table has none.
        axis: Axis of its plots.
    """

    name: str
    title: str
    reading: str
    chance: str
    axis: Axis


MEASURES: Final = (
    Measure(
        name="structure_r2",
        title="Structure R2",
        reading="0 is independent items, 1 the human structure.",
        chance="permuted_r2_q95",
        axis=Axis(lowest=-1.0, highest=1.5),
    ),
    Measure(
        name="similarity",
        title="Similarity",
        reading="0 is no common pattern, 1 the human pattern.",
        chance="permuted_similarity_q95",
        axis=Axis(lowest=-1.0, highest=1.5),
    ),
    Measure(
        name="constraint",
        title="Constraint",
        reading="0 is no structure, 1 as strong as in people.",
        chance="",
        axis=Axis(lowest=0.0, highest=2.5),
    ),
)

SHORT_REFERENCES: Final = {
    "independence": "A0 independent",
    "demographics": "A1 demographics",
    "split_half": "A2 split half",
    "nearest_country": "A3 nearest country",
    "other_countries": "A3 other countries",
}


def scoreboard(panels: Sequence[Panel], *, references: Sequence[Record], names: Names) -> Markup:
    """The section that compares models and references over all countries."""
    summary = [row for row in references if row["country"] == ALL]
    averages, structure = panel_lines(panels, "averages"), panel_lines(panels, "structure")
    return render(
        "scoreboard.html.j2",
        averages=averages_table(averages, caption="Averages: distributions of single items", head="Answers of")
        if averages
        else None,
        structure=structure_table(structure, caption="Structure: how items go together", head="Answers of", names=names)
        if structure
        else None,
        references=references_table(summary, caption="References, scored like a model", countries=False)
        if summary
        else None,
        by_country=references_table(references, caption="References by country", countries=True)
        if len({row["country"] for row in references}) > 2
        else None,
        forests=measure_forests(
            {measure: _rows(panels, summary, measure) for measure in MEASURES}, key="all", whose="models and references"
        ),
        taylor=_taylor(panels, summary),
    )


def measure_forests(rows: Mapping[Measure, Sequence[Row]], *, key: str, whose: str) -> list[tuple[str, Markup]]:
    """Title and forest plot of every measure that has rows.

    Args:
        rows: Rows by measure.
        key: Prefix of ids, unique on the page.
        whose: Whose scores these are.
    """
    return [
        (
            measure.title,
            forest(
                lines,
                axis=measure.axis,
                key=f"{key}-{measure.name}",
                title=f"{measure.title} of {whose}",
                desc=measure.reading,
            ),
        )
        for measure, lines in rows.items()
        if lines
    ]


def _rows(panels: Sequence[Panel], references: Sequence[Record], measure: Measure) -> list[Row]:
    rows = [
        score_row(panel.short, panel.all_structure, measure, strong=True) for panel in panels if panel.all_structure
    ]
    for number, row in enumerate(references):
        label = SHORT_REFERENCES.get(row["reference"], words.clean(row["reference"]))
        mark = Mark.of("reference", row, measure.name)
        rows.append(Row(label, (mark,), words.with_interval(row, measure.name), apart=number == 0))
    return rows


def score_row(
    label: str,
    row: Record,
    measure: Measure,
    *,
    strong: bool = False,
    apart: bool = False,
    extra: tuple[Mark, ...] = (),
) -> Row:
    """One model in one row: chance and other marks behind, its estimate in front."""
    chance = words.finite(row.get(measure.chance)) if measure.chance else None
    marks = (Mark("chance", chance), *extra, Mark.of("model", row, measure.name))
    return Row(label, marks, words.with_interval(row, measure.name), strong=strong, apart=apart)


@dataclass(frozen=True)
class _Diagram:
    figure: Markup
    points: Sequence[Point]
    absent: Sequence[str]


def _taylor(panels: Sequence[Panel], references: Sequence[Record]) -> _Diagram | None:
    """The diagram where there is something to compare: two models or more."""
    if len(panels) < 2:
        return None
    rows: list[tuple[Literal["model", "reference"], str, Record]] = [
        ("model", panel.short, panel.all_structure) for panel in panels
    ]
    rows += [
        ("reference", reference_name(row["reference"]), row)
        for row in references
        if row["reference"] not in ("independence", "split_half")
    ]
    points, absent = [], []
    for kind, label, row in rows:
        similarity, constraint = words.finite(row.get("similarity")), words.finite(row.get("constraint"))
        if similarity is None or constraint is None:
            absent.append(label)
        else:
            points.append(Point(label, kind, similarity, constraint))
    return _Diagram(taylor(points, key="taylor"), points, absent) if points else None
