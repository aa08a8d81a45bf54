"""Items asked alone in modes that give one answer at a time."""

from collections import Counter

import pytest

from demoscope.errors import ConfigError
from demoscope.responses import Store, collect
from tests.responses.small import Listening, cells_of, personas, plan

PEOPLE = personas(towns=2, each=3)


def drawn_plan(draws=2, **settings):
    return plan(PEOPLE, mode="choice", draws=draws, **settings)


def test_every_persona_and_draw_is_a_cell_with_noise_of_its_own():
    cells = cells_of(drawn_plan())
    # 24 personas x 2 items and 12 x 1, twice, under two steerings.
    assert len(cells) == drawn_plan().total == (24 * 2 + 12) * 2 * 2
    assert len({cell.key for cell in cells}) == len(cells)
    assert len({cell.request.seed for cell in cells}) == len(cells)
    assert all(0 <= cell.request.seed < 2**63 for cell in cells)


def test_more_draws_leave_the_first_ones_as_they_are():
    few, many = ({cell.key for cell in cells_of(drawn_plan(draws=draws))} for draws in (2, 5))
    assert few < many


def test_another_seed_or_temperature_draws_anew():
    keys = {cell.key for cell in cells_of(drawn_plan(order="given"))}
    for other in ({"seed": 2}, {"temperature": 0.5}, {"max_tokens": 5}):
        assert keys.isdisjoint(cell.key for cell in cells_of(drawn_plan(order="given", **other)))


def test_answers_reach_their_personas(tmp_path):
    asked = drawn_plan()
    with Store(tmp_path) as store:
        collect(asked, Listening(), store)
        table, cells = asked.responses(store), store.cells()
    assert table.height == cells.height
    assert table["draw"].unique().sort().to_list() == [0, 1]
    assert table["probs"].null_count() == table.height
    codes = dict(zip(cells["cell"], cells["code"], strict=True))
    assert [codes[cell] for cell in table["cell"]] == table["code"].to_list()
    assert table["persona_id"].unique(maintain_order=True).to_list() == PEOPLE["persona_id"].to_list()


def test_displays_take_turns_over_draws():
    cells = cells_of(drawn_plan(draws=2, steerings=("unsteered",), items=("trust",)))
    orders = Counter((cell.audience.persona_id, cell.display.order) for cell in cells)
    assert set(orders.values()) == {1}
    assert len(orders) == 48


def test_adapters_answer_for_their_group():
    adapters = {"men": {"path": "m", "when": {"sex": "a man"}}, "women": {"path": "w", "when": {"sex": "a woman"}}}
    cells = cells_of(plan(PEOPLE, adapters=adapters, steerings=("adapter", "adapter+persona"), order="given"))
    shared = [cell for cell in cells if cell.way.steering == "adapter"]
    assert Counter((cell.audience.adapter, cell.item.id) for cell in shared) == {
        (name, item): 1 for name in adapters for item in ("trust", "vote", "only_a")
    }
    for cell in cells:
        assert cell.request.adapter == {"men": "m", "women": "w"}[cell.audience.adapter]
        if cell.way.steering == "adapter+persona":
            assert cell.request.facts["sex"] == {"men": "a man", "women": "a woman"}[cell.audience.adapter]
    first_woman = next(row for row, cell in enumerate(cells) if cell.audience.adapter == "women")
    assert all(cell.audience.adapter == "women" for cell in cells[first_woman : len(shared)])


def test_adapted_answers_reach_the_members_of_the_group(tmp_path):
    adapters = {"men": {"path": "m", "when": {"sex": "a man"}}, "women": {"path": "w", "when": {"sex": "a woman"}}}
    asked = plan(PEOPLE, adapters=adapters, steerings=("adapter",), order="given")
    with Store(tmp_path) as store:
        collect(asked, Listening(), store)
        table = asked.responses(store)
    assert table.filter(draw=-1).height == 24 * 2 + 12
    groups = table.join(PEOPLE.select("persona_id", "sex"), on="persona_id").select("adapter", "sex").unique()
    assert sorted(groups.rows()) == [("men", "a man"), ("women", "a woman")]


@pytest.mark.parametrize(
    ("adapters", "message"),
    [
        ({}, r"needs \[models.adapters\]"),
        ({"men": {"path": "m", "when": {"sex": "a man"}}}, "fits no adapter"),
        ({"a": {"path": "m"}, "b": {"path": "n"}}, "fits adapters 'a' and 'b'"),
        ({"a": {"path": "m", "when": {"sx": "a man"}}}, "did you mean 'sex'"),
    ],
)
def test_adapters_that_do_not_fit_are_refused(adapters, message):
    with pytest.raises(ConfigError, match=message):
        plan(PEOPLE, adapters=adapters, steerings=("adapter",))
