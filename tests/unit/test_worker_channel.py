"""Messages over a socket that never waits, and a loop that waits for everything at once."""

import socket
from collections.abc import Iterator

import pytest

from headrace.worker import wire
from headrace.worker.channel import Channel
from headrace.worker.loop import Loop

Pair = tuple[Channel[wire.Stop], socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours, wire.Stop), theirs


def stop(number: int, size: int = 0) -> wire.Stop:
    return wire.Stop(attempt=str(number), reason="x" * size)


def test_messages_come_whole_however_they_are_cut(pair: Pair) -> None:
    channel, theirs = pair
    raw = wire.encode(stop(1)) + wire.encode(stop(2))
    heard: list[wire.Stop] = []
    for byte in raw:
        theirs.sendall(bytes([byte]))
        heard += channel.receive()
    assert heard == [stop(1), stop(2)]
    assert not channel.closed


def test_what_is_not_taken_is_kept_and_comes_in_order() -> None:
    loop, heard, stalls = Loop(), list[wire.Stop](), list[bool]()
    ours, theirs = socket.socketpair()

    def on_stalled(yes: bool) -> None:
        stalls.append(yes)
        loop.want_write(ours, yes)

    sending: Channel[wire.Stop] = Channel(ours, wire.Stop, on_stalled)
    taking: Channel[wire.Stop] = Channel(theirs, wire.Stop)
    loop.watch(ours, sending.flush)
    loop.watch(theirs, lambda: heard.extend(taking.receive()))
    sent = [stop(number, 500_000) for number in range(6)]
    for each in sent:
        sending.send(each)
    assert stalls == [True]
    while len(heard) < len(sent):
        loop.turn()
    assert heard == sent
    assert stalls == [True, False]
    sending.close()
    taking.close()


def test_the_last_words_are_heard_and_then_that_it_is_closed(pair: Pair) -> None:
    channel, theirs = pair
    wire.send(theirs, stop(1))
    theirs.close()
    assert channel.receive() == [stop(1)]
    assert channel.closed
    assert not channel.fault
    channel.send(stop(2))
    assert channel.receive() == []


def test_what_was_not_read_is_known_to_be_undelivered(pair: Pair) -> None:
    channel, theirs = pair
    channel.send(stop(1))
    theirs.recv(4096)
    channel.receive()
    assert not channel.undelivered
    channel.send(stop(2))
    wire.send(theirs, stop(3))
    theirs.close()
    assert channel.receive() == [stop(3)]
    assert channel.undelivered


def test_what_is_not_read_is_known_to_be_undelivered_while_the_other_end_is_open(pair: Pair) -> None:
    channel, theirs = pair
    channel.send(stop(1))
    theirs.recv(4096)
    channel.note_unread()
    assert not channel.undelivered
    channel.send(stop(2))
    channel.note_unread()
    assert channel.undelivered


def test_what_is_sent_too_late_is_undelivered(pair: Pair) -> None:
    channel, theirs = pair
    theirs.close()
    channel.receive()
    assert not channel.undelivered
    channel.send(stop(1))
    assert channel.undelivered


@pytest.mark.parametrize("rubbish", [b"\xff\xff\xff\xff", b"\0\0\0\1\xc1", b"\0\0\0\1\x01"])
def test_what_is_no_message_closes_it(pair: Pair, rubbish: bytes) -> None:
    channel, theirs = pair
    theirs.sendall(wire.encode(stop(1)) + rubbish)
    assert channel.receive() == [stop(1)]
    assert channel.closed
    assert channel.fault


def test_alarms_ring_in_their_order_unless_they_are_cancelled() -> None:
    loop, rung = Loop(), list[int]()
    loop.after(0.02, lambda: rung.append(2))
    loop.after(0.01, lambda: rung.append(1))
    loop.after(0.0, lambda: rung.append(0)).cancel()
    while len(rung) < 2:
        loop.turn()
    assert rung == [1, 2]


def test_many_cancelled_alarms_take_no_room() -> None:
    loop = Loop()
    kept = [loop.after(3600, lambda: None) for _ in range(10)]
    for _ in range(100_000):
        loop.after(3600, lambda: None).cancel()
    assert len(loop._alarms) < 3000
    assert all(each.then for each in kept)


def test_a_watch_that_ended_in_the_same_turn_is_not_called() -> None:
    loop, called = Loop(), list[str]()
    pairs = [socket.socketpair() for _ in range(2)]
    for (ours, theirs), (other, _) in zip(pairs, reversed(pairs), strict=True):
        theirs.send(b"x")
        loop.watch(ours, lambda other=other: (called.append("once"), loop.forget(other))[0])
    loop.turn()
    assert called == ["once"]
    for ends in pairs:
        for end in ends:
            end.close()
