"""A user's own table of wordings, put in the place of those that a survey comes with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from demoscope.config import parse
from demoscope.errors import DataError, nearest
from demoscope.surveys.cells import cell_texts
from demoscope.surveys.files import check_columns_exist, read_table
from demoscope.surveys.item import as_integer
from demoscope.surveys.survey import Survey

if TYPE_CHECKING:
    from pathlib import Path

    from demoscope.surveys.item import Item


def with_wordings(survey: Survey, path: Path) -> Survey:
    """A survey in the words of a table.

    The table has the columns ``item``, ``code`` and ``text``: a row without a code is the question, a row with one the
    label of that option. What the table leaves out keeps its words.

    Args:
        survey: Its codes, their order and everything but words stay.
        path: CSV or Parquet file.

    Raises:
        DataError: The file cannot be read; a row names an item or option that the survey does not have, says nothing,
            or says the same thing for the second time. One line for each such row.
        ConfigError: In these words the survey breaks a rule, such as two options with one label.
    """
    table = read_table(path)
    check_columns_exist(table.columns, ("item", "code", "text"), where=path)
    said: dict[tuple[str, int | None], str] = {}
    problems = []
    known = {item.id: item for item in survey.items}
    columns = (cell_texts(table[name], where=path) for name in ("item", "code", "text"))
    for row, (name, code, text) in enumerate(zip(*columns, strict=True), start=1):
        where = f"{path}: row {row}"
        place = _place(name, code, known)
        if isinstance(place, str):
            problems.append(f"{where}: {place}")
        elif not text:
            problems.append(f"{where}: item {name!r} has no text here")
        elif place in said:
            problems.append(f"{where}: {_spoken(place)} stands in an earlier row already")
        else:
            said[place] = text
    if problems:
        raise DataError("\n".join(problems))
    items = [_reworded(item, said) for item in survey.items]
    table_of_survey = survey.model_dump(exclude_defaults=True) | {"items": items}
    return parse(Survey, table_of_survey, where=str(path))


def wording_table(survey: Survey) -> pl.DataFrame:
    """The words of a survey as the table that :func:`with_wordings` reads: ``item``, ``code``, ``text``, all text."""
    rows = []
    for item in survey.items:
        rows.append((item.id, "", item.text))
        rows += [(item.id, str(option.code), option.label) for option in item.options]
    return pl.DataFrame(rows, schema=["item", "code", "text"], orient="row")


def _place(name: str | None, code: str | None, known: dict[str, Item]) -> tuple[str, int | None] | str:
    """Item and code of a row; a sentence where there are none."""
    if name is None:
        return "no item"
    if name not in known:
        return f"no item {name!r}{nearest(name, known)}"
    if code is None:
        return name, None
    number = as_integer(code)
    if number not in known[name].codes:
        return f"item {name!r} has no option with code {code!r}; it has {', '.join(map(str, known[name].codes))}"
    return name, number


def _spoken(place: tuple[str, int | None]) -> str:
    name, code = place
    return f"the question {name!r}" if code is None else f"option {code} of {name!r}"


def _reworded(item: Item, said: dict[tuple[str, int | None], str]) -> dict[str, Any]:
    options = [
        option.model_dump() | {"label": said.get((item.id, option.code), option.label)} for option in item.options
    ]
    table = item.model_dump(exclude_defaults=True) | {"options": options}
    if (item.id, None) in said:
        # Paraphrases say in other words what the old text said; beside another one they have no place.
        table |= {"text": said[item.id, None], "paraphrases": ()}
        table["translations"] = {
            language: words.model_dump() | {"paraphrases": ()} for language, words in item.translations.items()
        }
    return table
