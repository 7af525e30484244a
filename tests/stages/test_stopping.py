"""Being asked to stop, by real signals to this process."""

import os
import signal

import pytest

from sirtui.stages.stopping import Stopped, Stopping


@pytest.fixture
def stopping():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    installed = Stopping()
    installed.install()
    yield installed
    for number, handler in before.items():
        signal.signal(number, handler)


def ask(number=signal.SIGTERM):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_by_default_it_stops_at_once(stopping, number):
    """With the signal's number; whatever comes later is ignored."""
    with pytest.raises(Stopped) as caught:
        ask(number)
    assert caught.value.args == (number,)
    assert stopping.asked()
    ask(signal.SIGINT)
    ask(signal.SIGTERM)


def in_a_block(stopping, *numbers):
    """Asked politely, one signal after the other; how many it lived through, and what ended it."""
    lived = 0
    try:
        with stopping.politely():
            for number in numbers:
                ask(number)
                lived += stopping.asked()
    except Stopped as stopped:
        return lived, stopped.args[0]
    return lived, 0


def test_politely_it_ends_with_the_block(stopping):
    """The block hears of it and goes on; leaving it stops."""
    assert in_a_block(stopping, signal.SIGTERM) == (1, signal.SIGTERM)


def test_a_second_signal_does_not_wait(stopping):
    """Whoever asks twice means it."""
    assert in_a_block(stopping, signal.SIGTERM, signal.SIGINT) == (1, signal.SIGINT)


def test_without_a_signal_nothing_happens(stopping):
    """And after the block it is as before it."""
    assert in_a_block(stopping) == (0, 0)
    assert not stopping.asked()
    with pytest.raises(Stopped):
        ask()


def test_an_error_in_the_block_goes_first(stopping):
    """A full disk while the last checkpoint is written is what there is to tell."""

    def saving():
        with stopping.politely():
            ask()
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        saving()
