import subprocess
import sys
from collections import Counter

import polars as pl
import pytest

from demoscope.errors import ConfigError, DataError
from tests.responses.small import cells_of, personas
from tests.responses.small import plan as whole_plan


def plan(*arguments, **settings):
    return cells_of(whole_plan(*arguments, **settings))


def test_personas_of_one_profile_share_a_cell():
    cells = plan(personas(each=1))
    assert [cell.key for cell in cells] == [cell.key for cell in plan(personas(each=5))]
    assert len({cell.key for cell in cells}) == len(cells)
    # 12 profiles x 2 items everywhere, 6 x 1 in country A only, and 3 items x 2 orders asked of nobody in particular.
    assert Counter(cell.way.steering for cell in cells) == {"persona": 30, "unsteered": 6}


def test_an_item_is_asked_only_where_it_was():
    assert {
        cell.audience.profile.split("town=")[1][0] for cell in plan(steerings=("persona",)) if cell.item.id == "only_a"
    } == {"A"}
    only_b = personas().filter(pl.col("country") == "B")
    assert "only_a" not in {cell.item.id for cell in plan(only_b)}


def test_neighbours_share_their_persona():
    cells = plan(steerings=("persona",))
    profiles = [cell.audience.profile for cell in cells]
    assert profiles == sorted(profiles)
    assert [cell.item.id for cell in cells[:3]] == ["trust", "vote", "only_a"]


def test_unsteered_cells_describe_nobody():
    for cell in plan(steerings=("unsteered",)):
        assert cell.audience.profile is None
        assert set(cell.request.facts) == {"item", "order", "wording", "language", "option_codes"}


def test_facts_speak_of_the_prompt():
    for cell in plan():
        shown = [int(code) for code in cell.request.facts["option_codes"].split(",")]
        assert shown == list(cell.item.codes if cell.display.order == "given" else cell.item.codes[::-1])
        first = cell.item.options[0 if cell.display.order == "given" else -1].label
        assert f"A. {first}" in cell.request.messages[-1].content
        if cell.audience.profile is not None:
            assert cell.audience.profile == f"sex={cell.request.facts['sex']}|town={cell.request.facts['town']}"


@pytest.mark.parametrize(("order", "persona", "unsteered"), [("given", 30, 3), ("reversed", 30, 3), ("both", 60, 6)])
def test_order_designs(order, persona, unsteered):
    cells = plan(order=order)
    assert Counter(cell.way.steering for cell in cells) == {"persona": persona, "unsteered": unsteered}
    assert {cell.display.order for cell in cells} == ({"given", "reversed"} if order == "both" else {order})


def test_keys_follow_everything_that_decides_an_answer():
    keys = {cell.key for cell in plan(order="given")}
    for other in (plan(order="reversed"), plan(order="given", revision="r2")):
        assert keys.isdisjoint(cell.key for cell in other)
    assert keys == {cell.key for cell in plan(order="given", seed=9)}
    assert keys > {cell.key for cell in plan(order="given", items=("vote",))}


def test_keys_are_the_same_in_every_process():
    code = "from tests.responses.test_plan import plan; print([cell.key for cell in plan()])"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert runs == {f"{[cell.key for cell in plan()]}\n".encode()}


def test_mistakes_are_named():
    with pytest.raises(ConfigError, match="did you mean 'trust'"):
        plan(items=("trsut",))
    with pytest.raises(ConfigError, match="item 'vote' is named twice"):
        plan(items=("vote", "vote"))
    with pytest.raises(ConfigError, match="steering 'persona' is named twice"):
        plan(steerings=("persona", "persona"))
    with pytest.raises(DataError, match="'profile' is missing"):
        plan(personas().drop("profile"))
