"""Where the dependence of a model's answers comes from: from who is asked, or from the conversation.

Over personas s and draws d, with y the scores of the options that were answered, for items j and k:

    T_jk = Cov(y_sdj, y_sdk)     the same draw: what one simulated survey shows
    B_jk = Cov(y_sdj, y_sd'k)    different draws of one persona: what lies between personas (unbiased)
    W_jk = T_jk - B_jk           what the answers of one draw share beyond their persona

Items asked alone are separate answers given the prompt, so W is 0 off the diagonal; where it is not, something leaks
from prompt to prompt or draws share their noise.
In a conversation W is the dependence that earlier answers create.
All are divided by sqrt(T_jj T_kk), so that T is a correlation and B_jj / T_jj the share of an item's variance that lies
between personas (intraclass correlation, ICC).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import polars as pl

from demoscope.errors import DataError
from demoscope.scores.answers import is_response_table
from demoscope.scores.sides import ExactSide, blocks, effective_size, pairs_of
from demoscope.scores.structure import Estimate, percentiles, root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from demoscope.scores.sides import Floats, Mask, Sampled
    from demoscope.surveys import Item

FEWEST_DRAWS = 2
"""Without a second draw, what is between personas cannot be told from what is within one."""


@dataclass(frozen=True)
class Squares:
    """Mean square of correlations that may all be zero, free of sampling noise.

    Attributes:
        value: Mean square of the estimates minus their mean sampling variance v.
        replicates: Mean squares of the replicates minus 2 v, shape (B,), see :mod:`.structure`.
        plain: Mean square of the estimates.
        noise: Mean squares of the replicates about the estimates: what noise alone makes of ``plain``, shape (B,).
    """

    value: float
    replicates: Floats
    plain: float
    noise: Floats


@dataclass(frozen=True)
class Decomposition:
    """One model in one country, ordered items with enough variation and their pairs.

    Attributes:
        country: Where.
        source: ``"drawn"``, or ``"exact"`` from option probabilities, which say nothing of ``within``.
        draws: Number of draws behind it; 0 where it is exact.
        personas: Number of personas.
        items: Identifiers of the p items.
        first, second: Positions of the items of each of P pairs.
        icc: B_jj / T_jj, shape (1 + B, p): the full sample in row 0, replicates below.
        total, between, within: Correlation of each pair and its parts, with ends of intervals, shape (3, P).
        squares_between, squares_within: Over all pairs; ``None`` without pairs, or where nothing is said of them.
    """

    country: str
    source: Literal["drawn", "exact"]
    draws: int
    personas: int
    items: tuple[str, ...]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    icc: Floats
    total: Floats
    between: Floats
    within: Floats
    squares_between: Squares | None
    squares_within: Squares | None


@dataclass(frozen=True)
class Dependence:
    """Decompositions in a few numbers, over one country or several.

    Attributes:
        icc: Mean share of the variance of items that lies between personas.
        between, within: Typical size (root mean square) of both parts of a correlation, free of noise.
        within_square: Mean square of the part within; its interval reaches below 0 where it is not told from 0.
        within_p: Probability of a mean square as large by noise alone, where W = 0.
    """

    icc: Estimate
    between: Estimate
    within: Estimate
    within_square: Estimate
    within_p: float


def decompositions(
    frame: pl.DataFrame, model: Sampled, items: Sequence[Item], *, country: str, pairs: Mask, person: str | None
) -> tuple[Decomposition, ...]:
    """Split the covariances of one model's answers in one country.

    Missing answers are left out pair by pair.

    Args:
        frame: Its response table.
        model: The same answers with replicates of personas, which are used here too.
        items: Declarations, in the order of the side.
        country: Name of the country.
        pairs: Pairs that may be scored at all, shape (P,).
        person: Column of personas.

    Returns:
        From drawn answers, and from option probabilities where there are any; nothing where there are fewer than two
        draws or fewer than three personas.

    Raises:
        DataError: A code that an item does not declare, or two answers to one item in one draw.
    """
    side = model.side
    if person is None or side.n < 3 or not is_response_table(frame) or not {"draw", "code"} <= set(frame.columns):
        return ()
    chosen = [j for j, item in enumerate(items) if item.ordered and not model.degenerate[j]]
    values = _drawn_scores(frame, [items[j] for j in chosen], side.persons, person=person)  # type: ignore[attr-defined]
    if values.shape[1] < FEWEST_DRAWS:
        return ()
    usable = np.zeros((len(items), len(items)), dtype=np.bool_)
    usable[pairs_of(len(items))] = pairs
    resample = Resample.of(model)
    sources: list[tuple[Literal["drawn", "exact"], int, _Answers]] = [("drawn", values.shape[1], _Drawn(values))]
    if isinstance(side, ExactSide):
        sources.append(("exact", 0, _Exact.of(side, items, chosen)))
    return tuple(
        _decompose(
            answers,
            resample,
            country=country,
            source=source,
            draws=draws,
            items=tuple(items[j].id for j in chosen),
            usable=usable[np.ix_(chosen, chosen)],
        )
        for source, draws, answers in sources
    )


def dependence(parts: Sequence[Decomposition]) -> Dependence:
    """Means over countries, those without a defined pair left out of the means over pairs."""
    defined = [part.icc[:, np.isfinite(part.icc[0])] for part in parts]
    icc = [values.mean(axis=1) for values in defined if values.shape[1]]
    between, within = (
        [square for part in parts if (square := getattr(part, name)) is not None]
        for name in ("squares_between", "squares_within")
    )
    square = _mean_square(within)
    return Dependence(
        icc=_estimate(np.mean(icc, axis=0)) if icc else _UNDEFINED,
        between=_rooted(_mean_square(between)),
        within=_rooted(square),
        within_square=square,
        within_p=_p_value(within),
    )


class _Answers(Protocol):
    """Answers of n personas to p items, as deviations from the means of the items."""

    def covariances(self, j: int, others: NDArray[np.int64], resample: Resample) -> tuple[Floats, Floats]:
        """T and B of item j with others, full sample in row 0 and replicates below, each (1 + B, len(others))."""
        ...


@dataclass(frozen=True)
class Resample:
    """Personas with their replicates.

    Attributes:
        times: How often each persona counts: once in row 0, the full sample, and drawn anew below, shape (1 + B, n).
        weights: Weight of each persona, mean 1, shape (n,).
        n_effective: Effective number of personas.
        correction: See :class:`demoscope.scores.sides.Sampled`.
    """

    times: Floats
    weights: Floats
    n_effective: float
    correction: float

    @classmethod
    def of(cls, model: Sampled) -> Resample:
        """Those of a side with its replicates."""
        own = model.side.weights / model.side.weights.mean()
        times: Floats = np.vstack([np.ones(len(own)), model.multiplicities])
        return cls(times, own, effective_size(own), model.correction)

    def sums(self, values: Floats) -> Floats:
        """Weighted sums over personas, shape (1 + B, K); ``values`` has shape (n, K).

        Terms are rounded to a grid so coarse that every sum is exact and so fine (2^-52 of the largest sum there can
        be) that nothing is lost; so the order in which a BLAS adds, which its threads change, does not matter.
        Factors of a design are no whole numbers; there the order of summation is fixed instead.
        """
        terms = self.weights[:, None] * values
        _, exponent = np.frexp(np.abs(terms).max(initial=0.0) * self.times.sum(axis=1).max())
        rounded = np.ldexp(np.rint(np.ldexp(terms, 52 - exponent)), exponent - 52)
        whole = bool((self.times == np.rint(self.times)).all())
        found: Floats = self.times @ rounded if whole else np.einsum("bn,nk->bk", self.times, rounded)
        return found

    def mean(self, sums: Floats, counts: Floats) -> Floats:
        """Weighted means over personas of what each adds up over its draws.

        Args:
            sums: Shape (n, K).
            counts: How many were added up, shape (n, K), or fewer columns, each for as many neighbours of ``sums``.
        """
        masses = np.repeat(self.sums(counts), sums.shape[1] // counts.shape[1], axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            means: Floats = self.sums(sums) / masses
        return means

    def unbiased(self, covariance: Floats, *, of_mean: Floats) -> Floats:
        """Add what centring at estimated means took away: ``of_mean`` / n, itself estimated with them.

        Replicates are centred at the means of the full sample and get the same amount.
        """
        corrected: Floats = covariance + of_mean[0] / (self.n_effective - 1)
        return corrected


class _Drawn:
    """Drawn answers.

    Args:
        values: Scores, shape (n, D, p), NaN = missing.
    """

    def __init__(self, values: Floats) -> None:
        known = np.isfinite(values)
        self._values = values
        self._known = known.astype(np.float64)
        self._complete = bool(known.all())
        self._draws = values.shape[1]
        self._centred: Floats | None = None

    def covariances(self, j: int, others: NDArray[np.int64], resample: Resample) -> tuple[Floats, Floats]:
        """See :class:`_Answers`."""
        sums = np.hstack(_products(self._deviations(resample), j, others))
        # Where nobody missed an answer, all pairs of items have the counts of the first one.
        counts = np.hstack(_products(self._known, j, others[:1] if self._complete else others))
        total, between = np.split(resample.mean(sums, counts), 2, axis=1)
        of_mean = (total + (self._draws - 1) * between) / self._draws
        return resample.unbiased(total, of_mean=of_mean), resample.unbiased(between, of_mean=of_mean)

    def _deviations(self, resample: Resample) -> Floats:
        if self._centred is None:
            own = resample.weights[:, None, None] * self._known
            with np.errstate(invalid="ignore"):
                means = (own * np.nan_to_num(self._values)).sum(axis=(0, 1)) / own.sum(axis=(0, 1))
            self._centred = np.where(self._known > 0, self._values - means, 0.0)
        return self._centred


@dataclass(frozen=True)
class _Exact:
    """Expected answers, of as many draws as one likes.

    Attributes:
        expected: Mean score of each persona, as a deviation from that of all, shape (n, p); 0 where unknown.
        spread: Variance of each persona's answers, shape (n, p); 0 where unknown.
        known: 1 where the probabilities are known, shape (n, p).
    """

    expected: Floats
    spread: Floats
    known: Floats

    @classmethod
    def of(cls, side: ExactSide, items: Sequence[Item], chosen: Sequence[int]) -> _Exact:
        columns = blocks(side.categories)
        expected, spread = np.empty((2, side.n, len(chosen)))
        for column, j in enumerate(chosen):
            probs, scores = side.probs[side.profile, columns[j]], np.asarray(items[j].scores, dtype=np.float64)
            expected[:, column] = (probs * scores).sum(axis=1)
            spread[:, column] = (probs * np.square(scores)).sum(axis=1) - np.square(expected[:, column])
        known = np.isfinite(expected)
        own = side.weights[:, None] * known
        with np.errstate(invalid="ignore"):
            means = (own * np.nan_to_num(expected)).sum(axis=0) / own.sum(axis=0)
        return cls(np.where(known, expected - means, 0.0), np.where(known, spread, 0.0), known.astype(np.float64))

    def covariances(self, j: int, others: NDArray[np.int64], resample: Resample) -> tuple[Floats, Floats]:
        """See :class:`_Answers`; off the diagonal both are the same."""
        products, counts = (x[:, [j]] * x[:, others] for x in (self.expected, self.known))
        plain = resample.mean(products, counts)
        between = resample.unbiased(plain, of_mean=plain)
        own = np.where(others == j, resample.mean(self.spread[:, others], self.known[:, others]), 0.0)
        return between + own, between


def _products(x: Floats, j: int, others: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """For each persona the sum of x_dj x_dk over draws, and of x_dj x_d'k over ordered pairs of different draws."""
    mine, theirs = x[:, :, j], x[:, :, others]
    same: Floats = np.einsum("sd,sdk->sk", mine, theirs)
    every: Floats = mine.sum(axis=1)[:, None] * theirs.sum(axis=1)
    return same, every - same


def _decompose(
    answers: _Answers,
    resample: Resample,
    *,
    country: str,
    source: Literal["drawn", "exact"],
    draws: int,
    items: tuple[str, ...],
    usable: Mask,
) -> Decomposition:
    rows, p = len(resample.times), len(items)
    deviation, icc = np.empty((2, rows, p))
    for j in range(p):
        total, between = answers.covariances(j, np.array([j]), resample)
        with np.errstate(invalid="ignore", divide="ignore"):
            deviation[:, j], icc[:, j] = np.sqrt(total[:, 0]), between[:, 0] / total[:, 0]
    parts = {name: _Accumulator(resample.correction, rows - 1) for name in ("total", "between", "within")}
    first, second = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for j in range(p):
        others = np.flatnonzero(usable[j])
        if not len(others):
            continue
        total, between = answers.covariances(j, others, resample)
        scale = deviation[:, [j]] * deviation[:, others]
        with np.errstate(invalid="ignore", divide="ignore"):
            total, between = total / scale, between / scale
        defined = np.isfinite(total[0]) & np.isfinite(between[0])
        second.append(others[defined])
        first.append(np.full(len(second[-1]), j, dtype=np.int64))
        for name, values in (("total", total), ("between", between), ("within", total - between)):
            parts[name].add(values[:, defined])
    return Decomposition(
        country=country,
        source=source,
        draws=draws,
        personas=len(resample.weights),
        items=items,
        first=np.concatenate(first),
        second=np.concatenate(second),
        icc=_filled(icc),
        total=parts["total"].estimates(),
        between=parts["between"].estimates(),
        within=parts["within"].estimates(),
        squares_between=parts["between"].squares(),
        squares_within=parts["within"].squares() if source == "drawn" else None,
    )


class _Accumulator:
    """Estimates, intervals and mean squares of many pairs, a few at a time, so that no replicate of a pair is kept."""

    def __init__(self, correction: float, replicates: int) -> None:
        self._correction = correction
        self._estimates: list[Floats] = []
        self._squares, self._noise = np.zeros((2, replicates))
        self._variance = 0.0

    def add(self, values: Floats) -> None:
        """Full sample in row 0, replicates below; where a resample is not defined the full sample stands in."""
        values = _filled(values)
        estimate, replicates = values[0], values[1:]
        self._estimates.append(np.vstack([estimate, np.percentile(replicates, [2.5, 97.5], axis=0)]))
        self._variance += float(replicates.var(axis=0, ddof=1).sum()) * self._correction
        self._squares += np.square(replicates).sum(axis=1)
        self._noise += np.square(replicates - estimate).sum(axis=1) * self._correction

    def estimates(self) -> Floats:
        """Estimates and both ends of their intervals, shape (3, P)."""
        return np.hstack([np.empty((3, 0)), *self._estimates])

    def squares(self) -> Squares | None:
        """Mean squares over all pairs, ``None`` if there are none."""
        estimates = self.estimates()[0]
        count = len(estimates)
        if not count:
            return None
        plain, v = float(np.square(estimates).mean()), self._variance / count
        return Squares(plain - v, self._squares / count - 2 * v, plain, self._noise / count)


def _drawn_scores(frame: pl.DataFrame, items: Sequence[Item], persons: Sequence[str], *, person: str) -> Floats:
    """Scores of drawn answers, shape (n, D, p), NaN where there is no valid answer."""
    drawn = frame.filter(pl.col("draw") >= 0).select(pl.col(person).cast(pl.String), "item", "draw", "code")
    numbers = {draw: d for d, draw in enumerate(sorted(drawn["draw"].unique()))}
    values = np.full((len(persons), len(numbers), len(items)), np.nan)
    rows = pl.DataFrame({person: persons}, schema={person: pl.String}).with_row_index("row")
    drawn = drawn.join(rows, on=person)
    for column, item in enumerate(items):
        given = drawn.filter(pl.col("item") == item.id, pl.col("code").is_not_null())
        if given.select("row", "draw").is_duplicated().any():
            twice = given.filter(given.select("row", "draw").is_duplicated()).row(0, named=True)
            raise DataError(f"answers: persona {twice[person]!r} answers item {item.id!r} more than once in one draw")
        scores = dict(zip(item.codes, item.scores, strict=True))
        codes = given["code"].to_list()
        if unknown := [code for code in codes if code not in scores]:
            raise DataError(f"answers: item {item.id!r}: code {unknown[0]} is none of {list(item.codes)}")
        places = [numbers[draw] for draw in given["draw"]]
        values[given["row"].to_numpy(), places, column] = [scores[code] for code in codes]
    return values


def _filled(values: Floats) -> Floats:
    filled: Floats = np.where(np.isfinite(values), values, values[0])
    return filled


_UNDEFINED = Estimate(float("nan"), float("nan"), float("nan"))


def _estimate(values: Floats) -> Estimate:
    return Estimate(float(values[0]), *percentiles(values[1:]))


def _mean_square(squares: Sequence[Squares]) -> Estimate:
    if not squares:
        return _UNDEFINED
    value = float(np.mean([square.value for square in squares]))
    return Estimate(value, *percentiles(np.mean([square.replicates for square in squares], axis=0)))


def _rooted(square: Estimate) -> Estimate:
    return Estimate(*(float(root(x)) for x in (square.value, square.low, square.high)))


def _p_value(squares: Sequence[Squares]) -> float:
    if not squares:
        return float("nan")
    plain = np.mean([square.plain for square in squares])
    noise = np.mean([square.noise for square in squares], axis=0)
    return float((1 + (noise >= plain).sum()) / (1 + len(noise)))
