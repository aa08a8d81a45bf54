"""A warm-up asks the first open questions, once, and keeps their answers."""

from __future__ import annotations

import pytest

from demoscope.engines import Answer
from demoscope.responses import Store, collect
from demoscope.runs.measure import measure
from tests.responses.small import Listening, cells_of, personas, plan

PEOPLE = personas()


def measured(whole, engine, store, *, cells, progress=None):
    return measure(whole, engine, store, cells=cells, progress=progress)


@pytest.mark.parametrize("presentation", ["single", "interview"])
def test_the_first_of_each_steering_are_asked_and_kept(tmp_path, presentation):
    whole = plan(presentation=presentation, steerings=("persona", "unsteered"), mode="choice")
    engine, seen = Listening(), []
    with Store(tmp_path) as store:
        speeds = measured(whole, engine, store, cells=7, progress=lambda done, total: seen.append((done, total)))
        assert len(engine.asked) == len(set(engine.asked)) == 14
        assert engine.blocks[0] == 1
        assert {name: speed.cells for name, speed in speeds.items()} == {"persona": 6, "unsteered": 7}
        assert all(speed.cells_per_second > 0 for speed in speeds.values())
        assert seen == [(1, 14), (7, 14), (14, 14)]
        again = measured(whole, engine, store, cells=3)
        assert len(engine.asked) == len(set(engine.asked)) == 20
        assert {name: speed.cells for name, speed in again.items()} == {"persona": 2, "unsteered": 3}
        collect(whole, engine, store)
        assert len(engine.asked) == len(set(engine.asked)) == whole.total


def test_they_are_the_first_ones(tmp_path):
    whole, engine = plan(steerings=("persona",)), Listening()
    with Store(tmp_path) as store:
        measured(whole, engine, store, cells=5)
    assert engine.asked == [cell.key for cell in cells_of(whole)[:5]]


def test_what_is_answered_has_no_speed(tmp_path):
    whole, engine = plan(), Listening()
    with Store(tmp_path) as store:
        collect(whole, engine, store)
        asked = len(engine.asked)
        assert measured(whole, engine, store, cells=5) == {}
    assert len(engine.asked) == asked


def test_an_error_stays_open(tmp_path):
    def fail(request, number):
        return Answer(request.key, "error", reason="bad_luck") if number == 2 else None

    whole, engine = plan(steerings=("persona",)), Listening(spoil=fail)
    with Store(tmp_path) as store:
        measured(whole, engine, store, cells=4)
        third = cells_of(whole)[2].key
        assert store.outcome(third).status == "error"
        measured(whole, engine, store, cells=2)
        assert store.outcome(third).status == "valid"
