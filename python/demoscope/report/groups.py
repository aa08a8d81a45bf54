"""One model by groups of people: whether it knows how they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demoscope.report import words
from demoscope.report.canvas import render
from demoscope.report.forest import Axis, Mark, Row, forest
from demoscope.report.tables import gap_summary_table, gaps_table, group_of
from demoscope.report.worst import Worst, worst_gaps
from demoscope.schema import ALL

if TYPE_CHECKING:
    from markupsafe import Markup

    from demoscope.report.names import Names
    from demoscope.report.panel import Panel


def groups(panel: Panel, *, names: Names) -> Markup:
    """Summary by attribute, and the groups whose gaps the model misses most."""
    if not panel.gap_slopes:
        text = "No groups of people were compared: both sides need the same attributes of persons."
        return render("single.html.j2", text=text)
    worst = worst_gaps(panel.gaps)
    return render(
        "groups.html.j2",
        countries=any(row["country"] == ALL for row in panel.gaps),
        summary=gap_summary_table(panel.gap_slopes, names=names),
        figure=_plot(panel, worst, names) if worst else None,
        table=gaps_table(worst, names=names, countries=len(panel.countries)) if worst else None,
    )


def _plot(panel: Panel, worst: list[Worst], names: Names) -> Markup:
    return forest(
        [_row(found, names) for found in worst],
        axis=Axis(low=-0.5, high=0.5, lowest=-3.0, highest=3.0, lines=(0.0,)),
        key=f"{panel.key}-gaps",
        title=f"Groups with the largest difference ({panel.name})",
        desc="Gaps of people and of the model, in standard deviations of people.",
        tall=True,
    )


def _row(found: Worst, names: Names) -> Row:
    row = found.row
    return Row(
        label=f"{group_of(row, names)}, {names.item(row['item'])}",
        marks=(Mark.of("human", row, "human"), Mark.of("model", row, "model_gap", ends="model")),
        text=f"{words.score(row['human'])} | {words.score(row['model_gap'])}",
    )
