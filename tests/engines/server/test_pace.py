"""How many calls are in flight, and how an iterator of answers begins, pauses and ends."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from demoscope.engines.base import Answer
from demoscope.engines.server.answers import answers_of
from demoscope.engines.server.pace import LONGEST_BACKOFF, START, Pace, backoff_secs
from tests.engines.server.faulty_server import Call, FaultyServer, Wire, says, stalls
from tests.engines.server.test_faults import FINE, block, make

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_limit_starts_low_and_doubles_with_each_round_until_the_first_refusal() -> None:
    pace = Pace(most=16)
    assert pace.limit == START == 2
    for expected in (4, 8, 16, 16):
        for _ in range(int(pace.limit)):
            pace.succeeded()
        assert pace.limit == expected


def test_after_a_refusal_it_halves_and_grows_by_one_each_round() -> None:
    pace = Pace(most=100)
    pace.limit = 40.0
    pace.refused(1, retry_after=None)
    assert pace.limit == 20.0
    for _ in range(20):
        pace.succeeded()
    assert pace.limit == pytest.approx(21.0, abs=0.05)


def test_refusals_of_one_round_halve_once() -> None:
    pace = Pace(most=64)
    pace.limit = 64.0

    async def refuse_all() -> None:
        async def one() -> None:
            async with pace.slot() as started:
                await asyncio.sleep(0)
                pace.refused(started, retry_after=None)

        await asyncio.gather(*(one() for _ in range(10)))

    asyncio.run(refuse_all())
    assert pace.limit == 32.0
    asyncio.run(refuse_all())
    assert pace.limit == 16.0


def test_the_limit_never_falls_below_one() -> None:
    pace = Pace(most=8)
    for started in range(1, 20):
        pace._started = started
        pace.refused(started, retry_after=None)
    assert pace.limit == 1.0


def test_a_cancelled_wait_hands_its_turn_on() -> None:
    async def story() -> list[str]:
        pace, done = Pace(most=1), []

        async def one(name: str) -> None:
            async with pace.slot():
                await asyncio.sleep(0.01)
                done.append(name)

        tasks = [asyncio.create_task(one(name)) for name in "abcd"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return done

    assert asyncio.run(asyncio.wait_for(story(), 5)) == ["a", "c", "d"]


def test_waits_between_attempts_are_random_below_a_bound_that_doubles() -> None:
    for attempt, bound in ((1, 0.5), (2, 1.0), (5, 8.0), (40, LONGEST_BACKOFF)):
        waits = [backoff_secs(attempt, base=0.5) for _ in range(300)]
        assert 0 <= min(waits) < 0.1 * bound
        assert 0.9 * bound < max(waits) <= bound


def slowly(seconds: float, act: Callable[[Wire, Call], None]) -> Callable[[Wire, Call], None]:
    def wait(wire: Wire, call: Call) -> None:
        time.sleep(seconds)
        act(wire, call)

    return wait


def test_calls_in_flight_fall_where_the_server_refuses_and_grow_again() -> None:
    limits: list[float] = []

    def act(wire: Wire, call: Call) -> None:
        limits.append(engine._health.pace.limit)
        refused = 60 <= len(limits) < 66
        time.sleep(0.002)
        (says(429, b"") if refused else FINE)(wire, call)

    with FaultyServer(act) as server:
        engine = make(server.url, concurrency=24, retries=20)
        assert {answer.status for answer in engine.ask(block(200))} == {"valid"}
        assert len(server.calls) == 206
    assert limits[0] == START
    assert limits[58] == 24
    lowest = min(limits[60:100])
    assert lowest < 16
    assert limits[-1] > lowest
    assert max(server.peaks) <= 24


def test_the_limit_is_kept_from_block_to_block_and_never_passed() -> None:
    with FaultyServer(slowly(0.01, FINE)) as server:
        engine = make(server.url, concurrency=5)
        list(engine.ask(block(12)))
        first = len(server.peaks)
        list(engine.ask(block(12)))
    assert server.peaks[0] == 1
    assert max(server.peaks) == 5
    assert max(server.peaks[first : first + 5]) > START


def test_retry_after_holds_all_calls_back() -> None:
    def act(wire: Wire, call: Call) -> None:
        (says(429, b"", retry_after="1") if len(server.calls) == 1 else slowly(0.05, FINE))(wire, call)

    with FaultyServer(act) as server:
        assert {answer.status for answer in make(server.url).ask(block(6))} == {"valid"}
        start = server.calls[0].at
        later = [call.at - start for call in server.calls[2:]]  # the second was in flight already
    assert len(later) == 5
    assert 0.95 < min(later) < 3


def test_answers_come_as_they_are_ready() -> None:
    release = threading.Event()

    def act(wire: Wire, call: Call) -> None:
        if "request-0 " in call.asked:
            release.wait(10)
        FINE(wire, call)

    with FaultyServer(act) as server:
        answers = make(server.url).ask(block(4))
        early = [next(answers).key for _ in range(3)]
        release.set()
        assert "k0" not in early
        assert [answer.key for answer in answers] == ["k0"]


def test_the_calls_go_on_while_the_caller_is_busy() -> None:
    with FaultyServer(FINE) as server:
        answers = make(server.url).ask(block(6))
        next(answers)
        deadline = time.monotonic() + 5
        while len(server.calls) < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(server.calls) == 6
        assert len(list(answers)) == 5


def test_it_works_inside_a_running_event_loop() -> None:
    async def in_a_notebook(url: str) -> int:
        return len(list(make(url).ask(block(3))))

    with FaultyServer(FINE) as server:
        assert asyncio.run(in_a_notebook(server.url)) == 3


def only_first_answers(wire: Wire, call: Call) -> None:
    (FINE if "request-0 " in call.asked else stalls)(wire, call)


def no_threads_left() -> bool:
    return not any(thread.name == "demoscope-calls" for thread in threading.enumerate())


def test_closing_the_iterator_cancels_what_is_in_flight() -> None:
    with FaultyServer(only_first_answers) as server:
        engine = make(server.url, timeout_secs=60)
        answers = engine.ask(block())
        assert next(answers).key == "k0"
        start = time.monotonic()
        answers.close()  # type: ignore[attr-defined]
        assert time.monotonic() - start < 2
        assert no_threads_left()
        sent = engine.calls
        time.sleep(0.05)
        assert engine.calls == sent < 8


def test_ctrl_c_cancels_what_is_in_flight() -> None:
    with FaultyServer(only_first_answers) as server:
        answers = make(server.url, timeout_secs=60).ask(block())
        assert next(answers).key == "k0"
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            next(answers)
        assert time.monotonic() - start < 3
    assert no_threads_left()


def test_an_iterator_that_was_never_started_calls_nobody() -> None:
    with FaultyServer(FINE) as server:
        make(server.url).ask(block())
        assert list(make(server.url).ask([])) == []
    assert server.visits == []


def test_a_bug_in_the_job_is_raised_where_answers_are_awaited() -> None:
    async def job(emit: Callable[[Answer], None]) -> None:
        emit(Answer("k", "valid"))
        raise ZeroDivisionError("a bug")

    answers = answers_of(job)
    assert next(answers).key == "k"
    with pytest.raises(ZeroDivisionError, match="a bug"):
        next(answers)
