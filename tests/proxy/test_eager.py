"""The loop of the proxy: it looks before it sleeps where messages follow each other, and sleeps where they are rare."""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Iterator

import pytest

from toolguard.proxy import eager

Ready = list[tuple[selectors.SelectorKey, int]]


class Looks(selectors.DefaultSelector):
    """Counts how often it is asked, and with which timeouts."""

    def __init__(self) -> None:
        super().__init__()
        self.timeouts: list[float | None] = []

    def select(self, timeout: float | None = None) -> Ready:
        self.timeouts.append(timeout)
        return super().select(timeout)


class Counted(eager.EagerSelector, Looks):
    """The eager one on top of the counting one."""


class Clock:
    """A clock that every look moves on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.step = eager.LOOK_SECONDS / 8

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock


@pytest.fixture
def selector(clock: Clock) -> Iterator[Counted]:
    selector = Counted()
    yield selector
    selector.close()


@pytest.fixture
def pair(selector: Counted) -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    selector.register(ours, selectors.EVENT_READ)
    yield ours, theirs
    ours.close()
    theirs.close()


Pair = tuple[socket.socket, socket.socket]


def test_what_is_there_is_taken_without_a_wait(selector: Counted, pair: Pair) -> None:
    pair[1].send(b"x")

    assert len(selector.select(None)) == 1
    assert selector.timeouts == [0]


def test_a_first_wait_sleeps_at_once(selector: Counted, pair: Pair) -> None:
    assert selector.select(0.001) == []
    assert selector.timeouts == [0, 0.001]


def test_a_wait_after_a_short_one_looks_before_it_sleeps(selector: Counted, pair: Pair) -> None:
    selector.select(0.001)  # short, by this clock
    selector.timeouts.clear()

    assert selector.select(0.001) == []
    assert selector.timeouts[:-1] == [0] * (len(selector.timeouts) - 1)
    assert len(selector.timeouts) > 4
    assert selector.timeouts[-1] == 0.001


def test_a_wait_after_a_long_one_sleeps_at_once(selector: Counted, pair: Pair, clock: Clock) -> None:
    selector.select(0.001)
    clock.step = 3 * eager.LOOK_SECONDS
    selector.select(0.001)
    selector.timeouts.clear()

    assert selector.select(0.001) == []
    assert selector.timeouts == [0, 0.001]


def test_a_message_that_comes_during_the_look_is_taken_without_a_sleep(
    selector: Counted, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    selector.select(0.001)
    selector.timeouts.clear()
    monkeypatch.setattr(os, "sched_yield", lambda: pair[1].send(b"x"))

    assert len(selector.select(None)) == 1
    assert set(selector.timeouts) == {0}


@pytest.mark.parametrize("timeout", [0, -1])
def test_a_look_that_was_asked_for_stays_one_look(selector: Counted, pair: Pair, timeout: float) -> None:
    selector.select(0.001)
    selector.timeouts.clear()

    assert selector.select(timeout) == []
    assert selector.timeouts == [0]
