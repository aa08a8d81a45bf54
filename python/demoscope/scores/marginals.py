"""Marginal scores: how far each item's distribution lies from the human one, against its noise floor.

All sampling variances come from the replicates of the difference F - G of the two cumulative distributions.
That is right in every design: drawn answers or exact probabilities, matched or independent personas, weights or none.
For drawn, independent, unweighted answers it equals the closed form of independent multinomials up to simulation error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from demoscope.scores.sides import CodedSide, ExactSide, blocks, effective_size
from demoscope.scores.structure import Estimate, percentiles, root, worth
from demoscope.stats import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from demoscope.scores.sides import Floats, Sampled
    from demoscope.surveys import Item

COLLAPSE_LIMIT = 0.95
ALPHA = 0.05


@dataclass(frozen=True)
class ItemMarginal:
    """One item in one country.

    Attributes:
        measures: Plug-in measures by name, as in :func:`demoscope.divergences`.
        measure: Name of the headline measure: ``"w1"`` for ordered items, ``"tv"`` otherwise.
        distance: The headline measure with its envelope interval.
        floor: Its expectation if the model were perfect.
        equality_p: p value of the test that both sides share one distribution.
        cramer2_u: Unbiased squared Cramer distance (nominal items: half the squared Euclidean distance), may be
            negative.
        cramer2_u_b: Its replicates, noise removed twice, shape (B,).
        one_interview: Sampling error of one human interview in units of ``cramer2_u``.
        human, model: Shares per category, shape (K,).
        human_low, human_high: 95 % percentile interval of the human shares, shape (K,).
    """

    measures: dict[str, float]
    measure: str
    distance: Estimate
    floor: float
    equality_p: float
    cramer2_u: float
    cramer2_u_b: Floats
    one_interview: float
    human: Floats
    model: Floats
    human_low: Floats
    human_high: Floats

    @property
    def collapsed(self) -> bool:
        """Whether the model gives nearly always one answer where people do not."""
        return bool(self.model.max() >= COLLAPSE_LIMIT > self.human.max())


def item_marginals(
    human: Sampled, model: Sampled, items: tuple[Item, ...], *, null_totals: tuple[Floats, Floats] | None
) -> list[ItemMarginal | None]:
    """Score the marginal distribution of every item of one country.

    Args:
        human: Human side.
        model: Model side, replicates paired with the human ones.
        items: Declarations, in the order of the sides' items.
        null_totals: Category totals of both sides under exchange of the side labels, from :func:`exchanged_totals`;
            ``None`` takes the recentred replicates as the null distribution instead.

    Returns:
        One entry per item; ``None`` where a side has no valid answer at all.
    """
    return [
        _item_marginal(human, model, item, block, null_totals=null_totals)
        for item, block in zip(items, blocks(human.categories), strict=True)
    ]


def _item_marginal(
    human: Sampled, model: Sampled, item: Item, block: slice, *, null_totals: tuple[Floats, Floats] | None
) -> ItemMarginal | None:
    totals_h, totals_m = human.totals[:, block], model.totals[:, block]
    if not (totals_h[0].sum() > 0 and totals_m[0].sum() > 0):
        return None
    p, q = _shares(totals_h), _shares(totals_m)
    gaps = _gaps(item)
    correction = human.correction
    if item.ordered:
        difference = np.cumsum(p, axis=1)[:, :-1] - np.cumsum(q, axis=1)[:, :-1]
        spread = np.cumsum(p[0])[:-1]
    else:
        # Half the squared Euclidean distance: for two categories it is the Cramer distance.
        difference, gaps, spread = p - q, np.full(p.shape[1], 0.5), p[0]
    variance = np.nanvar(difference[1:], axis=0, ddof=1) * correction
    noise = float((gaps * variance).sum())
    distances = (gaps * np.abs(difference)).sum(axis=1)
    squares = (gaps * np.square(difference)).sum(axis=1)
    if null_totals is None:
        null = (gaps * np.abs(difference[1:] - difference[0])).sum(axis=1)
    else:
        null = _null_distances(null_totals[0][:, block], null_totals[1][:, block], gaps=gaps, ordered=item.ordered)
    p_value = _p_value(distances[0], null)
    n_h = totals_h[0].sum() / human.side.weights.mean()
    return ItemMarginal(
        measures=_plug_in(totals_h[:1], totals_m[:1], item),
        measure="w1" if item.ordered else "tv",
        distance=Estimate(float(distances[0]), *_envelope(distances[0], distances[1:], p_value=p_value)),
        floor=float((gaps * np.sqrt(2 * variance / np.pi)).sum()),
        equality_p=p_value,
        cramer2_u=float(squares[0] - noise),
        cramer2_u_b=squares[1:] - 2 * noise,
        one_interview=float((gaps * spread * (1 - spread)).sum()) * n_h / max(n_h - 1, 1.0) * _design_effect(human),
        human=p[0],
        model=q[0],
        human_low=np.nanpercentile(p[1:], 2.5, axis=0),
        human_high=np.nanpercentile(p[1:], 97.5, axis=0),
    )


@dataclass(frozen=True)
class Averages:
    """Marginal scores of one country, or of all.

    Attributes:
        items: Number of items (times countries for the sum).
        distance: Mean headline distance.
        floor: Mean of its floors.
        cramer: sqrt(max(0, mean cramer2_u)), the primary marginal score.
        interviews: "Worth N interviews" on averages.
        censored: Whether that was cut off at the number of respondents.
    """

    items: int
    distance: float
    floor: float
    cramer: Estimate
    interviews: Estimate
    censored: bool


def averages(marginals: list[ItemMarginal], *, n_human: float) -> Averages:
    """Average items (of one country, or of all countries with equal numbers of replicates).

    Args:
        marginals: Items that both sides answered.
        n_human: Number of respondents, where "worth N interviews" is cut off.
    """
    nan = float("nan")
    if not marginals:
        return Averages(0, nan, nan, Estimate(nan, nan, nan), Estimate(nan, nan, nan), censored=False)
    cramer2 = float(np.mean([item.cramer2_u for item in marginals]))
    cramer2_b = np.mean([item.cramer2_u_b for item in marginals], axis=0)
    interviews, censored = worth(
        float(np.mean([item.one_interview for item in marginals])), cramer2, cramer2_b, n_human=n_human
    )
    return Averages(
        items=len(marginals),
        distance=float(np.mean([item.distance.value for item in marginals])),
        floor=float(np.mean([item.floor for item in marginals])),
        cramer=Estimate(float(root(cramer2)), *percentiles(root(cramer2_b))),
        interviews=interviews,
        censored=censored,
    )


def exchanged_totals(
    human: CodedSide, model: CodedSide | ExactSide, *, source: NDArray[np.int64] | None, exchanges: NDArray[np.bool_]
) -> tuple[Floats, Floats] | None:
    """Category totals of both sides after exchanging side labels at random: what equality would look like.

    Matched personas swap sides with their respondent, item by item where that respondent answered.
    Independent personas are pooled with the respondents and dealt anew.

    Args:
        human: Respondents.
        model: Personas.
        source: Row of the respondent behind each persona, shape (m,), or ``None`` if independent.
        exchanges: Which units change sides in each of R exchanges: shape (R, m) if matched, else (R, n + m) with
            exactly m set in each row.

    Returns:
        Two arrays (R, sum K), or ``None`` where personas are independent and carry probabilities: their vectors are
        less dispersed than answers, so the labels are not exchangeable.
    """
    stay, swap = (~exchanges).astype(np.uint16), exchanges.astype(np.uint16)
    if source is not None:
        paired = human.take(source)
        human_parts, model_parts = [], []
        for j in range(len(human.categories)):
            answered = paired.codes[:, j] != kernels.MISSING
            mine, theirs = _one_item(paired, j), _one_item(model, j)
            human_parts.append(mine.counts(stay, keep=answered) + theirs.counts(swap, keep=answered))
            model_parts.append(mine.counts(swap, keep=answered) + theirs.counts(stay, keep=answered))
        return np.concatenate(human_parts, axis=1), np.concatenate(model_parts, axis=1)
    if isinstance(model, ExactSide):
        return None
    pooled = CodedSide(
        codes=np.concatenate([human.codes, model.codes]),
        categories=human.categories,
        weights=np.concatenate([human.weights / human.weights.mean(), model.weights / model.weights.mean()]),
        persons=human.persons + model.persons,
    )
    return pooled.counts(stay), pooled.counts(swap)


def _one_item(side: CodedSide | ExactSide, j: int) -> CodedSide | ExactSide:
    block = blocks(side.categories)[j]
    if isinstance(side, ExactSide):
        probs = np.ascontiguousarray(side.probs[:, block])
        return ExactSide(probs, (side.categories[j],), side.profile, side.weights, side.persons)
    codes = np.ascontiguousarray(side.codes[:, j : j + 1])
    return CodedSide(codes, (side.categories[j],), side.weights, side.persons)


def _null_distances(human: Floats, model: Floats, *, gaps: Floats, ordered: bool) -> Floats:
    difference = _shares(human) - _shares(model)
    if ordered:
        difference = np.cumsum(difference, axis=1)[:, :-1]
    distances: Floats = (gaps * np.abs(difference)).sum(axis=1)
    return distances


def _p_value(observed: float, null: Floats) -> float:
    null = null[np.isfinite(null)]
    # A distance recomputed in another order of summation must not count as smaller than itself.
    return float((1 + (null >= observed * (1 - 1e-12)).sum()) / (1 + len(null)))


def _envelope(distance: float, replicates: Floats, *, p_value: float) -> tuple[float, float]:
    """Hull of the percentile and the basic interval; reaches down to 0 unless equality is rejected.

    Plain percentile intervals of a distance never reach 0, even for equal distributions.
    """
    low, high = percentiles(replicates)
    lower = 0.0 if p_value > ALPHA else max(0.0, min(low, 2 * distance - high))
    return lower, max(high, 2 * distance - low)


def _plug_in(human: Floats, model: Floats, item: Item) -> dict[str, float]:
    batch = kernels.divergences_batch(
        human, model, scores=np.asarray(item.scores), n_human=human.sum(axis=1), n_model=model.sum(axis=1)
    )
    return {name: float(values[0]) for name, values in batch.items()}


def _shares(totals: Floats) -> Floats:
    with np.errstate(invalid="ignore"):
        shares: Floats = totals / totals.sum(axis=1, keepdims=True)
    return shares


def _gaps(item: Item) -> Floats:
    scores = np.asarray(item.scores, dtype=np.float64)
    width = scores[-1] - scores[0]
    return np.diff(scores) / width if width > 0 else np.zeros(len(scores) - 1)


def _design_effect(human: Sampled) -> float:
    """Weights make an interview worth less: n / n_eff."""
    return human.side.n / effective_size(human.side.weights)
