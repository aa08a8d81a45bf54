import time
from collections import defaultdict

import numpy as np
import polars as pl
import pytest

from demoscope.engines import Answer
from demoscope.errors import ConfigError, DataError
from demoscope.responses import Store, collect
from demoscope.responses.audiences import group_personas, who_is_asked
from demoscope.responses.draw import draw_answers
from demoscope.responses.table import scored_table, sorted_table
from demoscope.schema import RESPONSES
from demoscope.steering import STEERINGS
from tests.responses.small import SURVEY, Listening, personas, plan

PEOPLE = personas()


def response_table(cells, people, *, draws, seed):
    """The table of both steerings, as a plan makes it."""
    parts = []
    for name in ("persona", "unsteered"):
        groups = group_personas(people, steering=STEERINGS[name](), adapters={}, language=lambda country: "en")
        mine = cells.filter(pl.col("steering") == name)
        parts.append(scored_table(mine, who_is_asked(groups), survey=SURVEY, draws=draws, seed=seed))
    return sorted_table(pl.concat(parts), people, survey=SURVEY)


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    def spoil(request, number):
        return Answer(request.key, "invalid", reason="no_label_mass", label_mass=0.0) if number % 7 == 3 else None

    with Store(tmp_path_factory.mktemp("store")) as store:
        collect(plan(order="balanced"), Listening(spoil=spoil), store)
        return store.cells()


@pytest.fixture(scope="module")
def table(cells):
    return response_table(cells, PEOPLE, draws=5, seed=3)


def slow_table(cells, people, *, draws, seed):
    """The same rows, one persona, item and draw at a time."""
    rows = set()
    for person in people.iter_rows(named=True):
        orders = defaultdict(list)
        for cell in cells.sort("order").iter_rows(named=True):
            asked_in = SURVEY.item(cell["item"]).asked_in
            if cell["profile"] in (None, person["profile"]) and (asked_in is None or person["country"] in asked_in):
                orders[cell["steering"], cell["item"]].append(cell)
        for (steering, item), asked in orders.items():
            head = (steering, person["country"], person["persona_id"], item)
            rows |= {(*head, cell["order"], -1, cell["status"], None, tuple(cell["probs"] or ())) for cell in asked}
            coin = 0
            if len(asked) == 2:
                coin = one_draw([0.5, 0.5], f"{person['persona_id']}|{item}|first order", 0, seed)
            for draw in range(draws):
                cell = asked[(draw + coin) % len(asked)]
                code = None
                if cell["status"] == "valid":
                    stream = f"{person['persona_id']}|{item}|{cell['order']}"
                    code = SURVEY.item(item).codes[one_draw(cell["probs"], stream, draw, seed)]
                rows.add((*head, cell["order"], draw, cell["status"], code, ()))
    return rows


def one_draw(probs, stream, number, seed):
    return int(draw_answers(np.array([probs]), np.zeros(1, np.int64), [stream], seed=seed, first=number, draws=1)[0, 0])


def test_the_table_equals_its_slow_twin(cells, table):
    columns = ["steering", "country", "persona_id", "item", "order", "draw", "status", "code", "probs"]
    assert {(*row[:-1], tuple(row[-1] or ())) for row in table.select(columns).iter_rows()} == slow_table(
        cells, PEOPLE, draws=5, seed=3
    )
    assert table.height == len(table.unique(["steering", "persona_id", "item", "order", "draw"]))


def test_columns_and_order_are_those_of_the_schema(table):
    assert {name: str(dtype) for name, dtype in table.schema.items()} == RESPONSES
    assert list(table.schema) == list(RESPONSES)
    one = table.filter(pl.col("persona_id") == "p-Am00", pl.col("steering") == "persona")
    assert one["item"].unique(maintain_order=True).to_list() == ["trust", "vote", "only_a"]
    assert one.filter(item="trust")["draw"].to_list() == [-1, 0, 1, 2, 3, 4]


def test_nothing_is_dropped(table):
    counts = table.group_by("persona_id", "steering", "item").agg(draws=(pl.col("draw") >= 0).sum())
    assert counts["draws"].unique().to_list() == [5]
    # 24 personas x 2 steerings x 2 items, and 12 x 2 x 1 in country A only.
    assert counts.height == 24 * 2 * 2 + 12 * 2
    bad = table.filter(pl.col("status") != "valid")
    assert bad.height > 0
    assert bad["reason"].unique().to_list() == ["no_label_mass"]
    assert bad["code"].null_count() == bad["probs"].null_count() == bad.height


def test_a_cell_asked_in_both_orders_gives_both_and_takes_turns(table):
    unsteered = table.filter(pl.col("steering") == "unsteered", pl.col("item") == "trust")
    assert unsteered.filter(draw=-1).group_by("order").len()["len"].to_list() == [24, 24]
    for person in unsteered.filter(pl.col("draw") >= 0).partition_by("persona_id"):
        orders = person.sort("draw")["order"].to_list()
        assert orders in (["given", "reversed"] * 2 + ["given"], ["reversed", "given"] * 2 + ["reversed"])
    first = unsteered.filter(draw=0)["order"]
    assert 4 <= (first == "given").sum() <= 20


def test_more_draws_leave_the_first_ones_as_they_are(cells, table):
    more = response_table(cells, PEOPLE, draws=40, seed=3)
    assert more.filter(pl.col("draw") < 5).equals(table)
    assert response_table(cells, PEOPLE, draws=0, seed=3).equals(table.filter(pl.col("draw") < 0))


def test_draws_do_not_depend_on_who_else_is_there(cells, table):
    few = PEOPLE[5:8]
    alone = response_table(cells, few, draws=5, seed=3)
    assert alone.equals(table.filter(pl.col("persona_id").is_in(few["persona_id"].implode())))
    assert response_table(cells.reverse(), PEOPLE, draws=5, seed=3).equals(table)


def test_draws_follow_the_probabilities(tmp_path):
    many = personas(towns=1, each=2000)
    asked = plan(many, items=("trust",), order="both", steerings=("unsteered",))
    with Store(tmp_path) as store:
        collect(asked, Listening(), store)
        cells = store.cells()
    drawn = response_table(cells, many, draws=1, seed=5).filter(draw=0)
    expected = np.mean(cells["probs"].to_list(), axis=0)
    shares = [(drawn["code"] == code).mean() for code in (1, 2, 3)]
    # 8,000 answers: five standard errors are at most 0.028.
    assert shares == pytest.approx(expected, abs=0.028)


def test_twins_are_refused(cells):
    other = cells[:1].with_columns(cell=pl.lit("0"), revision=pl.lit("r2"))
    with pytest.raises(DataError, match="same question of model 'rule'"):
        response_table(pl.concat([cells, other]), PEOPLE, draws=1, seed=1)


def test_strange_cells_are_refused(cells):
    with pytest.raises(DataError, match="'probs' is missing"):
        response_table(cells.drop("probs"), PEOPLE, draws=1, seed=1)
    with pytest.raises(ConfigError, match="no item 'tru'"):
        response_table(cells.with_columns(item=pl.lit("tru"), profile=pl.col("cell")), PEOPLE, draws=1, seed=1)


def test_a_plan_without_answers_gives_an_empty_table(cells):
    empty = response_table(cells.clear(), PEOPLE, draws=2, seed=1)
    assert empty.height == 0
    assert list(empty.schema) == list(RESPONSES)


def test_thousands_of_personas_take_no_time(cells):
    many = personas(towns=3, each=200)
    start = time.process_time()
    table = response_table(cells, many, draws=1, seed=1)
    assert table.height == 2400 * 2 * 2 + 2400 * 2 * 3 + 1200 * (2 + 3)
    assert time.process_time() - start < 2
