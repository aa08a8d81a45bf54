"""Data frames of R, through the package rdata.

A factor comes as the labels of its levels, for R keeps no other code; a vector that was labelled by haven comes as
its codes, with labels.
Tagged missing values of haven become the texts ``.a`` to ``.z``, a plain NA an empty cell.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from demoscope.errors import DataError, MissingPartError
from demoscope.surveys.cells import cell_texts
from demoscope.surveys.files.source import Source
from demoscope.surveys.files.statistics import INSTALL
from demoscope.surveys.item import repeated

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

_NA_INTEGER: Final = -(2**31)
_LATIN1: Final = 1 << 2


def open_r(path: Path) -> Source:
    """Open an ``.rds``, ``.rda`` or ``.RData`` file with one data frame.

    Raises:
        DataError: It is none, is damaged, or holds no or several data frames.
        MissingPartError: rdata is not installed.
    """
    frame = _data_frame(path)
    attributes = _attributes(frame)
    columns = _strings(attributes["names"]) if "names" in attributes else []
    names = [name or "" for name in columns]
    if len(names) != len(frame.value) or not names:
        raise DataError(f"{path}: a data frame without names of its columns")
    if twice := repeated(names):
        raise DataError(f"{path}: column {twice[0]!r} occurs {names.count(twice[0])} times")
    vectors = dict(zip(names, frame.value, strict=True))
    described = {name: _attributes(vector) for name, vector in vectors.items()}
    factors = [name for name, about in described.items() if "levels" in about]

    def cells(wanted: Sequence[str], integers: Collection[str]) -> pl.DataFrame:  # noqa: ARG001 - types are the file's
        read = [_column(name, vectors[name], described[name], where=path) for name in wanted]
        if len({column.len() for column in read}) > 1:
            raise DataError(f"{path}: damaged file: columns have unequal lengths")
        return pl.DataFrame(read)

    note = (
        f"{len(factors)} of {len(names)} columns of {path.name} are factors of R ({', '.join(factors[:3])}"
        f"{', ...' * (len(factors) > 3)}): their cells are the labels, the file has no codes for them"
    )
    return Source(
        path,
        tuple(names),
        cells,
        labels={name: labels for name, about in described.items() if (labels := _labels(about))},
        titles={name: title for name, about in described.items() if (title := _title(about))},
        user_missing={name: codes for name, about in described.items() if (codes := _user_missing(about))},
        notes=(note,) if factors else (),
        factors=frozenset(factors),
    )


def _data_frame(path: Path) -> Any:  # noqa: ANN401 - an object of R
    try:
        import rdata
    except ImportError as error:
        raise MissingPartError(f"{path}: {path.suffix} files need rdata ({error}): {INSTALL}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = rdata.parser.parse_file(path).object
    except Exception as error:  # noqa: BLE001 - a parser of foreign bytes fails in many ways
        raise DataError(f"{path}: not a file of R, or a damaged one: {str(error) or type(error).__name__}") from None
    if _kind(parsed) == "VEC" and _is_data_frame(parsed):
        return parsed
    frames = {name: value for name, value in _pairs(parsed) if _is_data_frame(value)}
    if len(frames) != 1:
        held = ", ".join(frames) or ", ".join(name for name, _ in _pairs(parsed)) or _kind(parsed)
        raise DataError(f"{path}: one data frame is expected in it, it holds {len(frames)}: {held}")
    return next(iter(frames.values()))


def _kind(value: Any) -> str:  # noqa: ANN401 - an object of R
    return str(value.info.type.name)


def _followed(value: Any) -> Any:  # noqa: ANN401 - an object of R
    """The object to which a reference refers."""
    while value is not None and value.referenced_object is not None:
        value = value.referenced_object
    return value


def _pairs(pairlist: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 - an object of R
    pairs = []
    while pairlist is not None and _kind(pairlist) in ("LIST", "ATTRLIST"):
        value, rest = pairlist.value
        tag = _followed(pairlist.tag)
        pairs.append((_text(tag.value) or "" if tag is not None else "", _followed(value)))
        pairlist = rest
    return pairs


def _attributes(value: Any) -> dict[str, Any]:  # noqa: ANN401 - an object of R
    return dict(_pairs(value.attributes))


def _is_data_frame(value: Any) -> bool:  # noqa: ANN401 - an object of R
    return _kind(value) == "VEC" and "data.frame" in _classes(_attributes(value))


def _classes(attributes: dict[str, Any]) -> list[str | None]:
    return _strings(attributes["class"]) if "class" in attributes else []


def _text(char: Any) -> str | None:  # noqa: ANN401 - an object of R
    """Text of a CHARSXP; ``None`` for NA."""
    if char.value is None:
        return None
    if char.info.gp & _LATIN1:
        return str(char.value.decode("latin-1"))
    try:
        return str(char.value.decode("utf-8"))
    except UnicodeDecodeError:
        return str(char.value.decode("latin-1"))


def _strings(vector: Any) -> list[str | None]:  # noqa: ANN401 - an object of R
    return [_text(char) for char in vector.value]


def _column(name: str, vector: Any, attributes: dict[str, Any], *, where: object) -> pl.Series:  # noqa: ANN401
    kind = _kind(vector)
    if kind == "STR":
        return pl.Series(name, _strings(vector), dtype=pl.String)
    if kind not in ("INT", "LGL", "REAL"):
        raise DataError(f"{where}: column {name!r} is a {kind} of R, expected numbers, text or a factor")
    if kind == "REAL":
        return _reals(name, np.asarray(vector.value, dtype=np.float64))
    values = np.asarray(vector.value).astype(np.int64)  # of a masked array, what lies under the mask too
    absent = np.asarray(getattr(vector.value, "mask", values == _NA_INTEGER)) | (values == _NA_INTEGER)
    if "levels" in attributes:
        levels = pl.Series(name, _strings(attributes["levels"]), dtype=pl.String)
        if ((values[~absent] < 1) | (values[~absent] > levels.len())).any():
            raise DataError(f"{where}: column {name!r}: damaged factor: a cell lies outside its levels")
        return levels.gather(pl.Series(values - 1).set(pl.Series(absent), None))
    return pl.Series(name, values).set(pl.Series(absent), None).cast(pl.Int32)


def _reals(name: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> pl.Series:
    """Numbers; texts where some are missing for a reason that haven wrote into the bits of a NaN."""
    column = pl.Series(name, values).fill_nan(None)
    tags = np.where(np.isnan(values), (values.view(np.uint64) >> np.uint64(32)) & np.uint64(0xFF), 0)
    tagged = (tags >= ord("a")) & (tags <= ord("z"))
    if not tagged.any():
        return column
    letters = pl.Series([f".{chr(tag)}" if is_tag else None for tag, is_tag in zip(tags, tagged, strict=True)])
    return cell_texts(column, where=name).fill_null(letters).alias(name)


def _labels(attributes: dict[str, Any]) -> dict[str, str]:
    """Text of a code to label; for a factor, whose cells are labels, a label to itself."""
    if "levels" in attributes:
        return {level: level for level in _strings(attributes["levels"]) if level is not None}
    vector = attributes.get("labels")
    if vector is None or "names" not in _attributes(vector):
        return {}
    names = _strings(_attributes(vector)["names"])
    return {code: name for code, name in zip(_code_texts(vector), names, strict=True) if code and name}


def _title(attributes: dict[str, Any]) -> str | None:
    vector = attributes.get("label")
    return _strings(vector)[0] if vector is not None and _kind(vector) == "STR" and len(vector.value) else None


def _user_missing(attributes: dict[str, Any]) -> list[str]:
    codes = [code for code in _code_texts(attributes["na_values"]) if code] if "na_values" in attributes else []
    if "na_range" in attributes:
        low, high = _code_texts(attributes["na_range"])
        codes.append(f"{low}..{high}")
    return codes


def _code_texts(vector: Any) -> list[str | None]:  # noqa: ANN401 - an object of R
    return cell_texts(_column("codes", vector, {}, where="labels"), where="labels").to_list()
