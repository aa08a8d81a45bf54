"""Money: what is unknown stays unknown."""

from __future__ import annotations

import pytest

from demoscope.errors import ConfigError
from demoscope.runs.prices import Price, cost, read_prices

FULL = Price(
    model="m",
    input_per_million=2.0,
    cached_input_per_million=0.5,
    output_per_million=8.0,
    batch_discount=0.5,
    currency="EUR",
)


def test_tokens_times_price():
    spent = cost(FULL, prompt_tokens=3_000_000, output_tokens=500_000, shared=0.6)
    assert spent is not None
    assert spent.most == pytest.approx(0.5 * (3 * 2.0 + 0.5 * 8.0))
    assert spent.cached == pytest.approx(0.5 * (1.8 * 0.5 + 1.2 * 2.0 + 0.5 * 8.0))
    assert spent.currency == "EUR"


@pytest.mark.parametrize(("price", "prompt_tokens", "output_tokens"), [(None, 1, 1), (FULL, None, 1), (FULL, 1, None)])
def test_what_is_unknown_is_never_free(price, prompt_tokens, output_tokens):
    assert cost(price, prompt_tokens=prompt_tokens, output_tokens=output_tokens, shared=0.5) is None


def test_without_a_share_or_a_price_of_cached_tokens_there_is_one_cost():
    assert cost(FULL, prompt_tokens=1, output_tokens=1, shared=None).cached is None
    plain = FULL.model_copy(update={"cached_input_per_million": None})
    assert cost(plain, prompt_tokens=1, output_tokens=1, shared=0.5).cached is None


TABLE = '[[prices]]\nmodel = "m"\ninput_per_million = 1\noutput_per_million = 2\ncurrency = "USD"\n'


def test_a_table_of_prices(tmp_path):
    path = tmp_path / "prices.toml"
    path.write_text(TABLE, encoding="utf-8")
    assert read_prices(path) == {
        "m": Price(model="m", input_per_million=1, output_per_million=2, currency="USD", batch_discount=0)
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TABLE + TABLE, "model 'm' has two prices"),
        (TABLE.replace("output_per", "outptu_per"), "did you mean 'output_per_million'?"),
        (TABLE.replace("= 1", "= -1"), "input_per_million"),
        (TABLE.replace("= 1", "= nan"), "input_per_million"),
        (TABLE + "batch_discount = 1", "batch_discount"),
        (TABLE.replace('currency = "USD"', ""), "key 'prices.0.currency' is missing"),
        ("", "key 'prices' is missing"),
    ],
)
def test_wrong_tables_are_named(tmp_path, text, words):
    path = tmp_path / "prices.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"prices\.toml: ") as error:
        read_prices(path)
    assert words in str(error.value)
