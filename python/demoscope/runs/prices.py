"""Prices that somebody else charges for tokens, and what a run comes to at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from demoscope.config import Settings, parse, read_toml
from demoscope.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


class Price(Settings):
    """One ``[[prices]]`` table.

    Attributes:
        model: Name of the model in the run.
        input_per_million: Price of a million tokens of prompts, in units of ``currency``.
        cached_input_per_million: Price of a million of those that the provider has read just before.
        output_per_million: Price of a million tokens that the model writes.
        batch_discount: Part of the price that is let off for questions that may wait, 0.5 for half.
        currency: Its name, such as ``"USD"``.
    """

    model: str = Field(min_length=1)
    input_per_million: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    cached_input_per_million: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    output_per_million: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    batch_discount: Annotated[float, Field(ge=0, lt=1)] = 0.0
    currency: str = Field(min_length=1)


class _PriceTable(Settings):
    prices: tuple[Price, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Cost:
    """What some questions cost.

    Attributes:
        most: Where every token is paid in full.
        cached: Where every prefix that a prompt shares with the one before it is paid as cached; ``None`` if unknown.
        currency: Its name.
    """

    most: float
    cached: float | None
    currency: str


def read_prices(path: Path) -> dict[str, Price]:
    """Prices of models by name.

    Raises:
        ConfigError: The file cannot be read, has a wrong key, or names a model twice.
    """
    table = parse(_PriceTable, read_toml(path), where=str(path))
    prices: dict[str, Price] = {}
    for price in table.prices:
        if price.model in prices:
            raise ConfigError(f"{path}: model {price.model!r} has two prices")
        prices[price.model] = price
    return prices


def cost(
    price: Price | None, *, prompt_tokens: int | None, output_tokens: int | None, shared: float | None
) -> Cost | None:
    """Tokens times price.

    Args:
        price: That of the model; ``None`` if unknown.
        prompt_tokens: Tokens of all prompts.
        output_tokens: Tokens of all answers.
        shared: Share of the prompts' tokens that stand in the prompt before as well, in [0, 1].

    Returns:
        ``None`` where the price or a number of tokens is unknown.
    """
    if price is None or prompt_tokens is None or output_tokens is None:
        return None
    paid = (1 - price.batch_discount) / 1e6
    output = output_tokens * price.output_per_million
    cached = None
    if price.cached_input_per_million is not None and shared is not None:
        each = shared * price.cached_input_per_million + (1 - shared) * price.input_per_million
        cached = paid * (prompt_tokens * each + output)
    return Cost(paid * (prompt_tokens * price.input_per_million + output), cached, price.currency)
