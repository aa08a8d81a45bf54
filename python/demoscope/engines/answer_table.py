"""A file that says how often each option is chosen, by whom."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from demoscope.config import read_toml
from demoscope.errors import ConfigError, DataError, EngineError, nearest
from demoscope.surveys import read_table
from demoscope.surveys.item import as_integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

Group: TypeAlias = tuple[tuple[str, str], ...]
"""Attributes that a rule asks for, sorted by name; empty for a rule that fits everybody."""

SUM_TOLERANCE: Final = 1e-6
"""Probabilities of one item and group must sum to 1 up to this; they are then divided by their sum."""

_OWN_COLUMNS: Final = ("item", "code", "probability")


class AnswerTable:
    """Probabilities of codes by item and, where given, by attributes.

    CSV and Parquet files have the columns ``item``, ``code``, ``probability`` and one for each attribute; an empty cell
    of an attribute means that the row fits all its values.
    TOML files have ``[[rows]]`` with ``item``, ``probs = {CODE = PROBABILITY, ...}`` and attributes as further keys.
    Of several rows that fit a request, those that ask for most attributes answer it.

    Args:
        path: The file.

    Raises:
        ConfigError: The TOML file cannot be read.
        DataError: A row breaks the rules; the message names file, row and column.

    Attributes:
        attributes: Names of all attributes that some row asks for, sorted.
        digest: BLAKE2b of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        rows = _toml_rows(path) if path.suffix.lower() == ".toml" else _table_rows(path)
        self._rules = _rules(rows, path)
        self.attributes = sorted({name for rules in self._rules.values() for group in rules for name, _ in group})
        self.digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()

    def probabilities(self, item: str, facts: Mapping[str, str], codes: Sequence[int]) -> tuple[float, ...] | None:
        """How often each option is chosen.

        Args:
            item: The item.
            facts: Name of each shown attribute to its value.
            codes: Codes of the options; a code without a row has probability 0.

        Returns:
            One probability for each of ``codes``, or ``None`` where no row fits.

        Raises:
            EngineError: A row has a code that is not an option, or two groups fit equally well.
        """
        rules = self._rules.get(item, {})
        fitting = [group for group in rules if all(facts.get(name) == value for name, value in group)]
        most = max(map(len, fitting), default=0)
        best = [group for group in fitting if len(group) == most]
        if not best:
            return None
        if len(best) > 1:
            raise EngineError(f"{self._path}: item {item!r}: rows for {_words(best[0])} and {_words(best[1])} both fit")
        shares = rules[best[0]]
        if unknown := sorted(shares.keys() - set(codes)):
            raise EngineError(
                f"{self._path}: item {item!r}: code {unknown[0]} is not one of its options {sorted(codes)}"
            )
        return tuple(shares.get(code, 0.0) for code in codes)


def _rules(rows: Iterable[tuple[str, str, Group, int, float]], path: Path) -> dict[str, dict[Group, dict[int, float]]]:
    rules: dict[str, dict[Group, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for where, item, group, code, probability in rows:
        if not (math.isfinite(probability) and probability >= 0):
            raise DataError(f"{path}: {where}: probability {probability} is not a number from 0 to 1")
        if code in rules[item][group]:
            raise DataError(f"{path}: {where}: item {item!r}, code {code} has a probability already")
        rules[item][group][code] = probability
    for item, groups in rules.items():
        for group, shares in groups.items():
            total = math.fsum(shares.values())
            if abs(total - 1.0) > SUM_TOLERANCE:
                raise DataError(f"{path}: item {item!r}, {_words(group)}: probabilities sum to {total:g}, not to 1")
            groups[group] = {code: share / total for code, share in shares.items()}
    if not rules:
        raise DataError(f"{path}: there are no rows")
    return {item: dict(groups) for item, groups in rules.items()}


def _words(group: Group) -> str:
    return ", ".join(f"{name}={value}" for name, value in group) or "everybody"


def _group(attributes: Mapping[str, Any]) -> Group:
    return tuple(sorted((name, str(value)) for name, value in attributes.items() if value not in (None, "")))


def _table_rows(path: Path) -> Iterable[tuple[str, str, Group, int, float]]:
    frame = read_table(path)
    for column in _OWN_COLUMNS:
        if column not in frame.columns:
            raise DataError(f"{path}: no column {column!r}{nearest(column, frame.columns)}")
    for number, row in enumerate(frame.iter_rows(named=True), start=1):
        item, code, probability = (row.pop(column) for column in _OWN_COLUMNS)
        where = f"row {number}"
        yield where, str(item), _group(row), _code(code, f"{path}: {where}"), _number(probability, f"{path}: {where}")


def _toml_rows(path: Path) -> Iterable[tuple[str, str, Group, int, float]]:
    table = read_toml(path)
    if unknown := sorted(table.keys() - {"rows"}):
        raise ConfigError(f"{path}: unknown key {unknown[0]!r}{nearest(unknown[0], ['rows'])}")
    for number, row in enumerate(table.get("rows", []), start=1):
        where = f"{path}: rows, entry {number}"
        if not isinstance(row, dict) or not isinstance(row.get("probs"), dict) or not isinstance(row.get("item"), str):
            raise DataError(f"{where}: needs `item` and `probs = {{CODE = PROBABILITY, ...}}`")
        rest = {name: value for name, value in row.items() if name not in {"item", "probs"}}
        for code, probability in row["probs"].items():
            yield f"rows, entry {number}", row["item"], _group(rest), _code(code, where), _number(probability, where)


def _code(value: Any, where: str) -> int:  # noqa: ANN401 - a cell of a file
    code = as_integer(str(value))
    if code is None:
        raise DataError(f"{where}: code {value!r} is not an integer")
    return code


def _number(value: Any, where: str) -> float:  # noqa: ANN401 - a cell of a file
    try:
        return float(value)
    except (TypeError, ValueError):
        raise DataError(f"{where}: probability {value!r} is not a number") from None
