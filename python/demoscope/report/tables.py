"""Score tables in words."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from demoscope.report import words
from demoscope.report.canvas import render
from demoscope.schema import ALL
from demoscope.scores.tables import REFERENCE_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from markupsafe import Markup

    from demoscope.report.names import Names
    from demoscope.report.panel import Panel, Record
    from demoscope.report.worst import Worst


@dataclass(frozen=True)
class _Line:
    cells: tuple[str, ...]
    strong: bool = False


def table(
    caption: str,
    columns: Sequence[str],
    lines: Iterable[Sequence[str]],
    *,
    strong: int = 0,
    text: int = 1,
    notes: Sequence[str] = (),
) -> Markup:
    """Lay out a table in its own scrolling box.

    Args:
        caption: What it shows.
        columns: Heads, the first one of the row heads.
        lines: Cells, as many per line as there are columns.
        strong: Number of summary lines at the top.
        text: Number of columns from the left that hold words; the others hold numbers.
        notes: Sentences below, for example why a value is not defined.
    """
    rows = [_Line(tuple(cells), number < strong) for number, cells in enumerate(lines)]
    return render("table.html.j2", caption=caption, columns=columns, rows=rows, text=text, notes=notes)


def averages_table(lines: Iterable[tuple[str, Record]], *, caption: str, head: str, strong: int = 0) -> Markup:
    """Marginal scores; ``lines`` are names and rows."""
    lines = list(lines)
    return table(
        caption,
        (
            head,
            "Worth interviews",
            "Distance per item",
            "If perfect",
            "Cramer distance",
            "Items",
            "Label mass",
            "Invalid",
            "Order effect",
            "Explained by group: people",
            "model",
        ),
        (
            (
                name,
                words.interviews(row, most=row["n_human"]),
                words.score(row["distance"]),
                words.score(row["distance_floor"]),
                words.with_interval(row, "cramer"),
                words.count(row["items"]),
                words.score(row["label_mass"]),
                words.share(row["invalid_rate"]),
                words.score(row["order_effect"]),
                words.share(row["eta2_human"]),
                words.share(row["eta2_model"]),
            )
            for name, row in lines
        ),
        strong=strong,
        notes=_average_notes([row for _, row in lines]),
    )


def _average_notes(rows: list[Record]) -> list[str]:
    notes = []
    if any(row["country"] == ALL for row in rows):
        notes.append("Over all countries, an item counts once for each country.")
    if any(words.finite(row["distance"]) is None for row in rows):
        notes.append("A distance is not defined where one side answered no item.")
    if any(words.finite(row["label_mass"]) is None for row in rows):
        notes.append("Label mass is not defined for answers that did not come with probabilities.")
    if any(words.finite(row["order_effect"]) is None for row in rows):
        notes.append(
            "There is no order effect of items asked in one order of options only, or of answers drawn one at a time."
        )
    if any(words.finite(row["eta2_model"]) is None for row in rows):
        notes.append("Shares explained by group are not defined where no attribute of persons is known.")
    return notes


def structure_table(
    lines: Iterable[tuple[str, Record]], *, caption: str, head: str, names: Names, strong: int = 0
) -> Markup:
    """Structure scores; R2 stands beside similarity and constraint."""
    lines = list(lines)
    return table(
        caption,
        (
            head,
            "Structure R2",
            "Similarity",
            "Constraint",
            "Worth interviews",
            "If items were independent",
            "SRMR",
            "Slope",
            "Pairs estimable",
            "Permuted profiles, p",
        ),
        (
            (
                name,
                words.with_interval(row, "structure_r2"),
                words.with_interval(row, "similarity"),
                words.with_interval(row, "constraint"),
                words.interviews(row, most=row["n_human"]),
                _plain_interviews(row["interviews_independence"]),
                words.with_interval(row, "srmr"),
                words.with_interval(row, "slope"),
                f"{words.count(row['pairs_estimable'])} of {words.count(row['pairs'])}",
                words.p_value(row["permuted_p"]),
            )
            for name, row in lines
        ),
        strong=strong,
        notes=_structure_notes(lines, names),
    )


def _plain_interviews(value: object) -> str:
    number = words.finite(value)
    return words.UNDEFINED if number is None else words.interview_count(number)


def _degenerate(items: Sequence[str], names: Names) -> str:
    found = [names.item(item) for item in dict.fromkeys(items)]
    return words.listed(found) if len(found) <= 12 else f"{len(found)} items"


def _structure_notes(lines: list[tuple[str, Record]], names: Names) -> list[str]:
    rows = [row for _, row in lines]
    notes = []
    if any(row["country"] == ALL for row in rows):
        notes.append("Over all countries, a pair counts once for each country.")
    if any(words.finite(row["structure_r2"]) is None for row in rows):
        notes.append("Structure R2 is not defined where the human correlations cannot be told from zero.")
    if any(words.finite(row["similarity"]) is None for row in rows):
        notes.append("Similarity is not defined where the model's own correlations cannot be told from zero.")
    if any(words.finite(row["permuted_p"]) is None for row in rows):
        notes.append("There is no p value where answers came without probabilities or with fewer than three profiles.")
    still = [(name, row["degenerate_items"]) for name, row in lines if row["degenerate_items"]]
    if still:
        notes.append(
            "Items without enough variation in the model's answers, whose pairs count as zero structure: "
            + "; ".join(f"{name}: {_degenerate(items, names)}" for name, items in still)
            + "."
        )
    return notes


def references_table(rows: Sequence[Record], *, caption: str, countries: bool) -> Markup:
    """Scores of references, over all countries or in each."""
    heads = (
        "Reference",
        *(("Country", "Taken from") if countries else ()),
        "Structure R2",
        "Similarity",
        "Constraint",
        "Structure worth interviews",
        "Cramer distance",
        "Averages worth interviews",
    )
    lines = [
        (
            reference_name(row["reference"]),
            *((words.country_name(row["country"]), _source(row["other"])) if countries else ()),
            words.with_interval(row, "structure_r2"),
            words.with_interval(row, "similarity"),
            words.with_interval(row, "constraint"),
            words.interviews(row, "structure_interviews"),
            words.with_interval(row, "cramer"),
            words.interviews(row, "marginal_interviews"),
        )
        for row in rows
        if (row["country"] == ALL) != countries
    ]
    notes = []
    if any(line[-2] == words.UNDEFINED for line in lines):
        notes.append("Averages are not scored where a reference has the human distributions by construction.")
    return table(caption, heads, lines, text=3 if countries else 1, notes=notes)


def reference_name(reference: str) -> str:
    """Name of a reference in words."""
    return words.sentence(REFERENCE_WORDS.get(reference, words.clean(reference)))


def _source(other: object) -> str:
    return words.clean(other) if other else ""


def pairs_table(worst: Sequence[Worst], *, names: Names, countries: int) -> Markup:
    """The worst pairs with all intervals."""
    return table(
        "Pairs of items with the largest difference whose interval excludes 0",
        ("Pair", "Country", "People", "Model", "Difference", "Clear in countries"),
        (
            (
                pair_name(found.row, names),
                words.clean(found.row["country"]),
                words.with_interval(found.row, "human"),
                model_correlation(found.row),
                words.with_interval(found.row, "difference"),
                f"{found.clear} of {countries}",
            )
            for found in worst
        ),
        text=2,
    )


def pair_name(row: Record, names: Names) -> str:
    """Name of a pair of items."""
    return f"{names.item(row['item_a'])} \N{MULTIPLICATION SIGN} {names.item(row['item_b'])}"


def model_correlation(row: Record) -> str:
    """The model's correlation with its interval; a pair without one counts as 0."""
    if words.finite(row["model_rho"]) is None:
        return "0 (not estimable)"
    return words.with_interval(row, "model_rho", ends="model")


def gaps_table(worst: Sequence[Worst], *, names: Names, countries: int) -> Markup:
    """The worst groups with all intervals."""
    return table(
        "Groups whose model gap is farthest from the human one, intervals apart",
        ("Group", "Item", "Country", "People", "Model", "Apart in countries"),
        (
            (
                group_of(found.row, names),
                names.item(found.row["item"]),
                words.country_name(found.row["country"]),
                words.with_interval(found.row, "human"),
                words.with_interval(found.row, "model_gap", ends="model"),
                "" if found.row["country"] == ALL else f"{found.clear} of {countries}",
            )
            for found in worst
        ),
        text=3,
    )


def group_of(row: Record, names: Names) -> str:
    """Name of a group of people."""
    return f"{names.attribute(row['attribute'])}: {words.clean(row['level'])}"


def gap_summary_table(rows: Sequence[Record], *, names: Names) -> Markup:
    """Slope with its interval and agreement in sign per attribute."""
    notes = []
    if any(words.finite(row["slope"]) is None for row in rows):
        notes.append("A slope is not defined where the human gaps cannot be told from zero.")
    return table(
        "Gaps of the model against gaps of people, by attribute",
        ("Attribute", "Slope", "Same direction", "Gaps"),
        (
            (
                names.attribute(row["attribute"]),
                words.with_interval(row, "slope"),
                f"{row['same_sign']} of {row['clear']} clear ones",
                words.count(row["gaps"]),
            )
            for row in rows
        ),
        notes=notes,
    )


def dependence_table(lines: Iterable[tuple[str, Record]]) -> Markup:
    """Both parts of the correlations; ``lines`` are names and rows."""
    lines = list(lines)
    notes = []
    if len(lines) > 1 and any(row["country"] == ALL for _, row in lines):
        notes.append("Over all countries, a pair counts once for each country.")
    if any(row["source"] == "exact" for _, row in lines):
        notes.append("Option probabilities say nothing of what draws share, so there is no part within them.")
    return table(
        "Typical correlation of two items, between and within personas",
        ("Country", "Between", "Within (W)", "W = 0, p", "Variation between personas", "Personas", "Draws", "Pairs"),
        (
            (
                name,
                words.with_interval(row, "between"),
                words.with_interval(row, "within") if row["source"] == "drawn" else "",
                words.p_value(row["within_p"]) if row["source"] == "drawn" else "",
                words.with_interval(row, "icc"),
                words.count(row["personas"]),
                words.count(row["draws"]) if row["source"] == "drawn" else "",
                words.count(row["pairs"]),
            )
            for name, row in lines
        ),
        strong=sum(row["country"] == ALL for _, row in lines),
        notes=notes,
    )


def icc_table(lines: Sequence[tuple[str, Sequence[float]]]) -> Markup | None:
    """Share of the variance of each item that lies between personas; ``lines`` are items and shares by country."""
    if not lines:
        return None
    return table(
        "Share of the variation of an item that lies between personas",
        ("Item", "Mean", "Lowest country", "Highest country"),
        ((name, *(words.score(x) for x in (fmean(shares), min(shares), max(shares)))) for name, shares in lines),
    )


def panel_lines(panels: Sequence[Panel], which: str) -> list[tuple[str, Record]]:
    """Names and summary rows of all models that have one."""
    found = [(panel.short, panel.all_averages if which == "averages" else panel.all_structure) for panel in panels]
    return [(name, row) for name, row in found if row]


def country_lines(panel: Panel, rows: Sequence[Record]) -> list[tuple[str, Record]]:
    """Names and rows of the countries of one model, the summary first."""
    ordered = sorted(rows, key=lambda row: row["country"] != ALL)
    return [(panel.label(row["country"]), row) for row in ordered]
