"""The Rust core on numpy arrays, for the room that compares people with models.

Shapes: ``n`` respondents or personas, ``p`` items with ``K_j`` categories, ``P = p (p - 1) / 2`` pairs in the order of
the upper triangle read row by row, ``B`` replicates, ``G`` profiles.
A replicate is a row of multiplicities: whole numbers (how often each respondent was drawn), or floating-point numbers
of at least 0 (factors of the weights, such as those of a survey design); ``multiplicities=None`` is the sample itself,
one row.
Where respondents are counted, a positive factor that is a floating-point number counts once.
``rho`` is NaN where a pair has no estimate, and ``status`` says why.
All functions give the same bits for any number of threads, and stop at Ctrl-C within a moment.
Input that breaks a contract raises :class:`demoscope.errors.DataError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from demoscope import _native
from demoscope.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

Floats: TypeAlias = NDArray[np.float64]
Statuses: TypeAlias = NDArray[np.uint8]
Copies: TypeAlias = NDArray[np.uint16]
Factors: TypeAlias = Copies | Floats
Thresholds: TypeAlias = Literal["item", "pair"]
ZeroCells: TypeAlias = Literal["keep_margins", "add_half", "add_half_all", "one_over_n", "none"]


class Correlations(NamedTuple):
    """Replicates of all pairs.

    Attributes:
        rho: Correlations (B, P) in [-1, 1]; NaN where a pair has no estimate.
        status: Why (B, P), an index of ``STATUS_NAMES``.
        flags: Bits (B, P) in the order of ``FLAG_NAMES``.
    """

    rho: Floats
    status: Statuses
    flags: Statuses


MISSING: Final = 255
"""Code of a missing answer."""

MOST_COPIES: Final = int(np.iinfo(np.uint16).max)
"""Largest whole multiplicity."""

Path: TypeAlias = Literal["best", "scalar", "baseline", "avx2", "avx512"]

OK: Final = 0
"""The likelihood has an interior maximum."""
BOUNDARY: Final = 1
"""The table equals a Frechet bound; rho is 1 or -1."""
DEGENERATE: Final = 2
"""An item of the pair has fewer than two used categories."""
NOT_CONVERGED: Final = 3
"""The search did not end."""
EXCLUDED: Final = 4
"""The pair was not asked for."""

DEBUG_BUILD: Final = _native.DEBUG_BUILD
"""Whether the extension was built without optimisation."""

STATUS_NAMES: Final = _native.STATUSES
FLAG_NAMES: Final = _native.FLAGS


def pair_indices(items: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First and second item of every pair, in the order of all arrays of pairs."""
    first, second = np.triu_indices(items, k=1)
    return first, second


def respondent_multiplicities(
    n: int,
    *,
    replicates: int,
    seed: int,
    country: str,
    purpose: str = "respondent",
    first: int = 0,
    threads: int | None = None,
) -> Copies:
    """How often every respondent is drawn in ``n`` draws with replacement, for every replicate.

    Replicate b has its own stream (ChaCha8 from ``seed``, stream number from the first eight bytes, little endian, of
    the BLAKE2b-512 digest of ``"purpose|country|b"``), so it is the same whatever the number of replicates and
    countries.

    Returns:
        Counts (replicates, n); every row sums to ``n``.
    """
    return _native.multiplicities(n, replicates, first, checked_seed(seed), purpose, country, checked_threads(threads))


def permutation(n: int, *, seed: int, purpose: str, country: str, replicate: int) -> NDArray[np.int64]:
    """The random order of ``n`` rows that belongs to one replicate (see :func:`permutations`)."""
    (order,) = permutations(n, 1, seed=seed, purpose=purpose, country=country, first=replicate, threads=1)
    return np.asarray(order, dtype=np.int64)


def permutations(
    n: int, count: int, *, seed: int, purpose: str, country: str, first: int = 0, threads: int | None = None
) -> NDArray[np.int64]:
    """Random orders of ``n`` rows, (count, n), one stream each as in :func:`respondent_multiplicities`."""
    return _native.permutations(n, count, first, checked_seed(seed), purpose, country, checked_threads(threads))


def weighted_shares(
    codes: ArrayLike,
    categories: Sequence[int],
    weights: ArrayLike | None = None,
    multiplicities: ArrayLike | None = None,
    *,
    path: Path = "best",
    threads: int | None = None,
) -> Floats:
    """Weighted category totals of every item, (B, sum of K_j), items one after the other.

    A total is the sum of weight times multiplicity over the respondents who chose the category; the totals of an item
    divided by their sum are its shares.
    """
    return _native.sampled_counts(
        _codes(codes), list(categories), _weights(weights), _factors(multiplicities), path, checked_threads(threads)
    )


def sampled_correlations(
    codes: ArrayLike,
    categories: Sequence[int],
    weights: ArrayLike | None = None,
    multiplicities: ArrayLike | None = None,
    *,
    pairs: ArrayLike | None = None,
    only_wanted: bool = False,
    thresholds: Thresholds = "item",
    zero_cells: ZeroCells = "keep_margins",
    path: Path = "best",
    threads: int | None = None,
) -> Correlations:
    """Polychoric correlations of answers given by people or drawn for personas.

    Args:
        codes: Answers (n, p), categories 0 to ``K_j - 1``, 255 for missing.
        categories: ``K_j`` of every item.
        weights: Survey weights (n), at least 0.
        multiplicities: Replicates (B, n).
        pairs: Which pairs are wanted (P); the others get NaN and ``EXCLUDED``.
        only_wanted: Leave the others out; the replicates that are left are those of a call without ``pairs`` bit for
            bit, and memory is that of the wanted pairs.
        thresholds: From all valid answers of an item, or from the complete answers of each pair.
        zero_cells: Policy for empty cells, applied to every replicate.
        path: How it is computed. ``"best"`` fits many replicates side by side with the widest vectors of the processor
            and agrees within 1e-7 with ``"scalar"``, its slow twin, which fits one after the other; ``"baseline"``,
            ``"avx2"`` and ``"avx512"`` choose the vectors.
        threads: Number of threads; by default one per core.

    Returns:
        rho, status and flags, each (B, P), or (B, number of wanted pairs) with ``only_wanted``; the replicates of a
        pair are contiguous.
    """
    array, sizes, mass, wanted = _codes(codes), list(categories), _weights(weights), _pairs(pairs)
    checked_threads(threads)

    return Correlations(
        *_native.sampled_correlations(
            array, sizes, mass, _factors(multiplicities), wanted, only_wanted, thresholds, zero_cells, path, threads
        )
    )


def influence_values(
    codes: ArrayLike,
    categories: Sequence[int],
    weights: ArrayLike | None = None,
    *,
    thresholds: Thresholds = "item",
    zero_cells: ZeroCells = "keep_margins",
    threads: int | None = None,
) -> Floats:
    """Linearised variable ``z_i = w_i IF_i / sum w`` of every respondent and pair, (n, P).

    The sum of ``z_i z_i'`` over respondents is the covariance of two pairs, and that of the products of PSU totals,
    centred within strata, is the same under a design.
    With thresholds from the items, the part of an item in the influence function counts for everybody who answered it,
    the part of the pair for those who answered both.
    A pair without an interior estimate has a column of NaN.
    Arguments are those of :func:`sampled_correlations`.
    """
    return _native.influence_values(
        _codes(codes), list(categories), _weights(weights), thresholds, zero_cells, checked_threads(threads)
    )


def exact_counts(
    probs: ArrayLike,
    categories: Sequence[int],
    profile: ArrayLike,
    weights: ArrayLike | None = None,
    multiplicities: ArrayLike | None = None,
    *,
    path: Path = "best",
    threads: int | None = None,
) -> Floats:
    """Expected category totals of every item, (B, sum of K_j); arguments as in :func:`exact_correlations`."""
    return _native.exact_counts(
        _floats(probs),
        list(categories),
        _profile(profile),
        _weights(weights),
        _factors(multiplicities),
        path,
        checked_threads(threads),
    )


def exact_correlations(
    probs: ArrayLike,
    categories: Sequence[int],
    profile: ArrayLike,
    weights: ArrayLike | None = None,
    multiplicities: ArrayLike | None = None,
    *,
    pairs: ArrayLike | None = None,
    thresholds: Thresholds = "item",
    zero_cells: ZeroCells = "keep_margins",
    path: Path = "best",
    threads: int | None = None,
) -> Correlations:
    """Polychoric correlations of exact tables, for items that are asked singly.

    The table of two items is ``sum over personas of w p_j(a) p_k(b)``: given the profile, answers are independent.

    Args:
        probs: Option probabilities (G, sum of K_j); the entries of an item sum to 1, or are all NaN where there are
        none.
        categories: ``K_j`` of every item.
        profile: Row of ``probs`` for every persona (n).
        weights: Weights of the personas (n).
        multiplicities: Replicates (B, n).
        pairs: As in :func:`sampled_correlations`.
        thresholds: As in :func:`sampled_correlations`; the two agree when no cell is missing.
        zero_cells: As in :func:`sampled_correlations`.
        path: As in :func:`sampled_correlations`.
        threads: As in :func:`sampled_correlations`.

    Returns:
        rho, status and flags, each (B, P).
    """
    table, sizes, rows = _floats(probs), list(categories), _profile(profile)
    mass, wanted = _weights(weights), _pairs(pairs)
    checked_threads(threads)

    return Correlations(
        *_native.exact_correlations(
            table, sizes, rows, mass, _factors(multiplicities), wanted, thresholds, zero_cells, path, threads
        )
    )


def demographic_correlations(
    codes: ArrayLike,
    categories: Sequence[int],
    weights: ArrayLike | None,
    cell: ArrayLike,
    multiplicities: ArrayLike | None = None,
    *,
    pairs: ArrayLike | None = None,
    zero_cells: ZeroCells = "keep_margins",
    path: Path = "best",
    threads: int | None = None,
) -> Correlations:
    """Polychoric correlations of "demographics-only humans" (reference A1).

    The table of two items counts ordered pairs of distinct persons of the same demographic cell, answer of the one to
    the first item with answer of the other to the second, scaled to the mass of the cell.
    Thresholds come from the table's own margins.
    With r = weight x multiplicity it is ``N_j(a) N_k(b) - sum of r^2 over the persons in (a, b)``.
    In a bootstrap replicate the copies of a respondent are one person: pairing her with her own copies would leak the
    association within persons back in, by about as much as permuting within cells does.
    A cell with no two distinct persons is dropped.

    Args:
        codes: Answers (n, p) as in :func:`sampled_correlations`.
        categories: ``K_j`` of every item.
        weights: Survey weights (n) or ``None``.
        cell: Demographic cell of every respondent (n), -1 where unknown.
        multiplicities: Replicates (B, n).
        pairs: As in :func:`sampled_correlations`.
        zero_cells: As in :func:`sampled_correlations`.
        path: As in :func:`sampled_correlations`.
        threads: As in :func:`sampled_correlations`.

    Returns:
        rho, status and flags, each (B, P).
    """
    array, sizes, mass, wanted = _codes(codes), list(categories), _weights(weights), _pairs(pairs)
    cells = np.ascontiguousarray(cell, dtype=np.int64)
    checked_threads(threads)

    return Correlations(
        *_native.demographic_correlations(
            array, sizes, cells, mass, _factors(multiplicities), wanted, zero_cells, path, threads
        )
    )


def divergences_batch(
    human_counts: ArrayLike, model_counts: ArrayLike, *, scores: ArrayLike, n_human: ArrayLike, n_model: ArrayLike
) -> dict[str, Floats]:
    """All measures of :func:`demoscope.divergences` for many pairs of distributions at once.

    Args:
        human_counts: Counts or shares (R, K).
        model_counts: Counts or shares (R, K).
        scores: Ascending scores of the categories (K).
        n_human: Effective number of people (R), or one for all; NaN when unknown.
        n_model: Effective number of model answers (R), or one for all; NaN when unknown.

    Returns:
        Name of the measure to its values (R).
    """
    human, model = _floats(human_counts), _floats(model_counts)
    sizes = [
        np.ascontiguousarray(np.broadcast_to(np.asarray(n, dtype=np.float64), human.shape[:1]))
        for n in (n_human, n_model)
    ]
    values = _native.divergences(human, model, _floats(scores), sizes[0], sizes[1])
    return {name: np.ascontiguousarray(values[:, column]) for column, name in enumerate(_native.DIVERGENCES)}


def checked_threads(threads: int | None) -> int | None:
    """The number of threads, which must be ``None`` or at least 1."""
    if threads is not None and threads < 1:
        raise ConfigError(f"threads must be at least 1, got {threads}")
    return threads


def checked_seed(seed: int) -> int:
    """The seed, which must fit 64 bits without sign."""
    if not 0 <= seed < 2**64:
        raise ConfigError(f"a seed lies between 0 and 2^64 - 1, got {seed}")
    return seed


def _codes(codes: ArrayLike) -> NDArray[np.uint8]:
    return np.ascontiguousarray(codes, dtype=np.uint8)


def _floats(values: ArrayLike) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)


def _weights(weights: ArrayLike | None) -> Floats | None:
    return None if weights is None else _floats(weights)


def _factors(multiplicities: ArrayLike | None) -> Factors | None:
    if multiplicities is None:
        return None
    array = np.asarray(multiplicities)
    if array.ndim != 2:
        raise DataError(f"multiplicities have 2 dimensions (replicate, respondent), these have {array.ndim}")
    if array.dtype == np.uint16 or array.dtype.kind == "b":
        return np.ascontiguousarray(array, dtype=np.uint16)
    if array.dtype.kind == "f":
        return _floats(array)
    if array.dtype.kind not in "iu":
        raise DataError(f"multiplicities are numbers, not {array.dtype}")
    outside = (array < 0) | (array > MOST_COPIES)
    if outside.any():
        replicate, respondent = np.argwhere(outside)[0].tolist()
        raise DataError(
            f"multiplicities, replicate {replicate}, respondent {respondent}: "
            f"{array[replicate, respondent]} is not between 0 and {MOST_COPIES}"
        )
    return np.ascontiguousarray(array, dtype=np.uint16)


def _pairs(pairs: ArrayLike | None) -> NDArray[np.bool_] | None:
    return None if pairs is None else np.ascontiguousarray(pairs, dtype=np.bool_)


def _profile(profile: ArrayLike) -> NDArray[np.uint32]:
    return np.ascontiguousarray(profile, dtype=np.uint32)
