"""Replicates of pairs of items reduced band by band, so that they need not all be in memory at once.

A *band* is a set of pairs whose replicates are computed, reduced and dropped together.
Shapes: ``B`` replicates, ``P`` pairs, ``W`` pairs of a band; the replicates of a pair are contiguous.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from demoscope import _native
from demoscope.errors import ConfigError, nearest
from demoscope.stats.kernels import FLAG_NAMES, STATUS_NAMES, Floats, pair_indices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from demoscope.stats.kernels import Statuses

BAND_BYTES: Final = 64 * 2**20
"""Replicates of a band, with statuses and flags, take at most this many bytes (or are those of a single pair)."""

OUTCOME_BYTES: Final = 10
"""A correlation, a status and flags."""

TALLY_NAMES: Final = (*(name for name in STATUS_NAMES if name != "excluded"), *FLAG_NAMES)
"""Columns of :func:`tally`."""

TILE_ITEMS: Final = 8
"""The kernels share work between pairs of two ranges of this many items."""


@dataclass(frozen=True, slots=True)
class Moments:
    """What the replicates of every pair come to.

    Attributes:
        mean: Mean of the defined replicates (P); NaN without any.
        sd: Their standard deviation (P), divisor m - 1; NaN with fewer than 2.
        defined: Their number m (P).
        deviations: For a jackknife the sum of scale x squared deviation from the full sample (P), NaN where a replicate
            is undefined; ``None`` for a bootstrap.
    """

    mean: Floats
    sd: Floats
    defined: NDArray[np.int64]
    deviations: Floats | None


@dataclass(frozen=True, slots=True)
class Jackknife:
    """From where, and how much, deviations count.

    Attributes:
        centres: Estimates of the full sample (P).
        scales: Factor of every replicate (B).
    """

    centres: Floats
    scales: Floats

    def of(self, pairs: NDArray[np.intp]) -> Jackknife:
        """The same for some pairs."""
        return Jackknife(np.ascontiguousarray(self.centres[pairs]), self.scales)


def moments(rho: Floats, jackknife: Jackknife | None = None, *, threads: int | None = None) -> Moments:
    """Moments of replicates (B, P); those that are not finite are undefined."""
    rows = _rows(rho)
    deviations = None
    if jackknife is not None:
        deviations = _native.replicate_deviations(rows, jackknife.centres, jackknife.scales, threads)
    return Moments(*_native.replicate_moments(rows, threads), deviations)


def quantiles(rho: Floats, levels: Sequence[float], *, threads: int | None = None) -> Floats:
    """Quantiles (P, L) of the defined replicates (B, P) by linear interpolation (Hyndman & Fan 1996, type 7).

    They are those of ``numpy.quantile``, and NaN with fewer than 2 defined replicates.
    """
    return _native.replicate_quantiles(_rows(rho), np.array(levels, dtype=np.float64), threads)


def covariance(
    rho: Floats, pairs: NDArray[np.intp], jackknife: Jackknife | None = None, *, threads: int | None = None
) -> Floats:
    """Covariance matrix (q, q) of some pairs of replicates (B, P).

    Without ``jackknife`` it is that of the replicates in which all q are defined, divisor m - 1; with it the sum of
    scale x product of deviations.
    It is NaN with fewer than 2 such replicates, and for a jackknife where one is undefined.
    """
    centres = None if jackknife is None else jackknife.centres
    scales = None if jackknife is None else jackknife.scales
    return _native.replicate_covariance(_rows(rho), pairs.tolist(), centres, scales, threads)


def tally(status: Statuses, flags: Statuses, *, threads: int | None = None) -> NDArray[np.int64]:
    """Number of replicates (P, len(TALLY_NAMES)) of every status and with every flag; arguments are (B, P)."""
    return _native.replicate_tally(np.ascontiguousarray(status.T), np.ascontiguousarray(flags.T), threads)


def checked_levels(levels: Sequence[float]) -> list[float]:
    """The levels of quantiles.

    Raises:
        ConfigError: One is not between 0 and 1, or is there twice.
    """
    found = [float(level) for level in levels]
    for level in found:
        if not 0.0 <= level <= 1.0:
            raise ConfigError(f"levels= lie between 0 and 1, got {level}")
    if len(set(found)) < len(found):
        raise ConfigError(f"levels= names a level twice: {found}")
    return found


def block_pairs(items: Sequence[str], blocks: Mapping[str, Sequence[str]]) -> dict[str, NDArray[np.intp]]:
    """Pairs of every block of items, in the order of the frame of pairs.

    Raises:
        ConfigError: A block has fewer than 2 items, an unknown one, or one twice; the message names the block.
    """
    position = {item: index for index, item in enumerate(items)}
    first, second = pair_indices(len(items))
    found = {}
    for name, members in blocks.items():
        where = f"covariances, block {name!r}"
        if isinstance(members, str):
            raise ConfigError(f"{where}: a list of items is needed, not the text {members!r}")
        for item in members:
            if item not in position:
                raise ConfigError(f"{where}: {item!r} is not an item{nearest(item, items)}")
        if len(set(members)) < len(members):
            raise ConfigError(f"{where} names an item twice: {list(members)}")
        if len(members) < 2:
            raise ConfigError(f"{where}: at least 2 items are needed, got {list(members)}")
        inside = np.zeros(len(items), dtype=np.bool_)
        inside[[position[item] for item in members]] = True
        found[name] = np.flatnonzero(inside[first] & inside[second])
    return found


@dataclass(frozen=True, slots=True)
class Band:
    """Pairs that are computed together.

    Attributes:
        pairs: Numbers of the pairs (W), ascending.
        blocks: Names of the blocks whose covariance matrix is computed here.
    """

    pairs: NDArray[np.intp]
    blocks: tuple[str, ...] = ()


def band_width(count: int, batch: int) -> int:
    """Number of pairs of a band, at least 1.

    Args:
        count: Number of replicates.
        batch: Number of replicates that are computed at a time; when this is not all of them, the correlations of all
            replicates are collected beside the outcomes of one batch.
    """
    per_pair = OUTCOME_BYTES * count if count <= batch else 8 * count + OUTCOME_BYTES * batch
    return max(1, BAND_BYTES // max(1, per_pair))


def plan_bands(items: int, blocks: Mapping[str, NDArray[np.intp]], width: int) -> list[Band]:
    """Bands of at most ``width`` pairs that hold every pair, and every block whole.

    Blocks come first, several in one band where they fit; pairs of blocks that overlap can be in more than one band.
    The others follow in the order in which the kernels share work.

    Raises:
        ConfigError: A block alone is larger than a band; the message names it.
    """
    first, second = pair_indices(items)
    bands: list[Band] = []
    waiting = Band(np.empty(0, dtype=np.intp))
    for name, pairs in blocks.items():
        if len(pairs) > width:
            raise ConfigError(
                f"covariances, block {name!r}: its {len(pairs)} pairs are more than the {width} whose replicates fit "
                f"{BAND_BYTES // 2**20} MiB; take fewer items or replicates, or keep='replicates'"
            )
        joint = np.union1d(waiting.pairs, pairs)
        if len(joint) > width:
            bands.append(waiting)
            waiting = Band(pairs, (name,))
        else:
            waiting = Band(joint, (*waiting.blocks, name))
    left = np.ones(len(first), dtype=np.bool_)
    for band in (*bands, waiting):
        left[band.pairs] = False
    rest = np.flatnonzero(left)
    a, b = first[rest], second[rest]
    rest = rest[np.lexsort((b, a, b // TILE_ITEMS, a // TILE_ITEMS))]
    room = width - len(waiting.pairs)
    bands.append(Band(np.sort(np.concatenate([waiting.pairs, rest[:room]])), waiting.blocks))
    bands += [Band(np.sort(rest[start : start + width])) for start in range(room, len(rest), width)]
    return bands


def quantile_name(level: float) -> str:
    """Column of a level, such as ``q0.025``."""
    return f"q{level!r}"


def _rows(rho: Floats) -> Floats:
    return np.ascontiguousarray(rho.T)
