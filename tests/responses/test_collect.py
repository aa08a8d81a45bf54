import pytest

from demoscope.engines import Answer, Capabilities
from demoscope.errors import EngineError
from demoscope.responses import Store, collect
from tests.responses.small import Listening, cells_of, personas, plan

PLAN = plan()
CELLS = cells_of(PLAN)


def content(folder):
    with Store(folder) as store:
        return store.manifest.content_hash


@pytest.fixture
def whole(tmp_path):
    with Store(tmp_path / "whole") as store:
        collect(PLAN, Listening(), store)
    return content(tmp_path / "whole")


def test_everything_is_asked_once(tmp_path):
    engine, seen = Listening(), []
    with Store(tmp_path) as store:
        summary = collect(PLAN, engine, store, progress=lambda done, total: seen.append((done, total)))
        assert engine.asked == [cell.key for cell in CELLS]
        # How often answers are synced depends on the disk; what is counted has been.
        assert (seen[0], seen[-1]) == ((0, 36), (36, 36))
        assert seen == sorted(set(seen))
        assert all(total == 36 for _, total in seen)
        assert (summary.cells, summary.asked, summary.reused, summary.errors) == (36, 36, 0, 0)
        assert summary.counts == {"valid": 36}
        assert summary.label_mass == 0.5
        again = collect(PLAN, engine, store, progress=lambda done, total: seen.append((done, total)))
        assert (again.asked, again.reused, again.counts) == (0, 36, summary.counts)
    assert len(engine.asked) == 36
    assert seen[-1] == (36, 36)


def test_only_what_is_missing_is_asked(tmp_path):
    with Store(tmp_path) as store:
        collect(plan(items=("trust",)), Listening(), store)
        engine = Listening()
        collect(plan(personas(towns=4)), engine, store)
        known = {cell.key for cell in cells_of(plan(items=("trust",)))}
        assert set(engine.asked) == {cell.key for cell in cells_of(plan(personas(towns=4)))} - known


def test_the_summary_is_of_the_plan_not_of_the_store(tmp_path):
    with Store(tmp_path) as store:
        collect(PLAN, Listening(), store)
        assert collect(plan(items=("vote",)), Listening(), store).counts == {"valid": 14}


def test_errors_are_asked_again_and_leave_no_trace(tmp_path, whole):
    def tired(request, number):
        return Answer(request.key, "error", reason="tired") if number % 5 == 0 else None

    with Store(tmp_path / "r") as store:
        first = collect(PLAN, Listening(spoil=tired), store)
        assert first.counts == {"error: tired": 8, "valid": 28}
        assert first.errors == 8
        second = collect(PLAN, Listening(), store)
        assert (second.asked, second.errors) == (8, 0)
    assert content(tmp_path / "r") == whole


@pytest.mark.parametrize("moment", [0, 1, 3, 4, 21, 35])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, EngineError("the engine died"), ZeroDivisionError])
def test_answers_before_an_interruption_are_kept(tmp_path, whole, moment, stop):
    def interrupt(request, number):
        if number == moment:
            raise stop

    with Store(tmp_path / "r") as store, pytest.raises(stop if isinstance(stop, type) else type(stop)):
        collect(PLAN, Listening(spoil=interrupt), store)
    engine = Listening()
    with Store(tmp_path / "r") as store:
        assert store.manifest.parts == ()
        summary = collect(PLAN, engine, store)
    assert summary.reused == moment
    assert engine.asked == [cell.key for cell in CELLS[moment:]]
    assert content(tmp_path / "r") == whole


def test_blocks_are_those_of_the_engine(tmp_path):
    engine = Listening(block=10)
    with Store(tmp_path) as store:
        collect(PLAN, engine, store)
    assert engine.blocks == [10, 10, 10, 6]


def test_an_engine_that_answers_wrongly_is_stopped(tmp_path):
    with Store(tmp_path) as store:
        with pytest.raises(EngineError, match="'stranger', which was not asked"):
            collect(PLAN, Listening(spoil=lambda request, number: Answer("stranger", "valid")), store)
        with pytest.raises(EngineError, match="was not asked or is answered already"):
            collect(PLAN, Listening(spoil=lambda request, number: Answer(CELLS[0].key, "error")), store)

    class Silent(Listening):
        def ask(self, requests):
            yield from list(super().ask(requests))[1:]

    with Store(tmp_path / "silent") as store, pytest.raises(EngineError, match="left 1 of 4 requests"):
        collect(PLAN, Silent(), store)


def test_an_engine_that_lacks_the_mode_is_refused_before_it_is_asked(tmp_path):
    engine = Listening()
    engine.capabilities = Capabilities(modes=())
    with Store(tmp_path) as store, pytest.raises(EngineError, match="mode 'logprobs'"):
        collect(PLAN, engine, store)
    assert engine.asked == []


def test_a_distribution_that_is_none_never_looks_like_an_opinion(tmp_path):
    engine = Listening(spoil=lambda request, number: Answer(request.key, "valid", probs=(0.5,)))
    with Store(tmp_path) as store:
        assert collect(PLAN, engine, store).counts == {"error: bad_probabilities": 36}
