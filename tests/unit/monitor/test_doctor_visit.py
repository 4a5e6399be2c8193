"""The questions of a doctor, over real sockets, to daemons that are played."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from spread.monitor.doctor_evidence import Entry
from spread.monitor.doctor_visit import Asker
from spread.monitor.queries import decode_query, encode_reply
from spread.monitor.udp import open_socket

HOME = "127.0.0.1"
END = b"end"


class PlayedRelay:
    """A daemon that has got answers of others, and tells so many of them in a reply."""

    def __init__(self, answers: dict[int, Any], at_once: int) -> None:
        self._answers = answers
        self._at_once = at_once
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((HOME, 0))
        self.port: int = self._socket.getsockname()[1]

    def run(self) -> None:
        with self._socket:
            while (received := self._socket.recvfrom(65535))[0] != END:
                data, place = received
                query = decode_query(data)
                text = json.dumps(self._answer(dict(query.arguments))).encode()
                for each in encode_reply(query, text, HOME):
                    self._socket.sendto(each, place)

    def _answer(self, order: dict[str, Any]) -> dict[str, Any]:
        if order["do"] == "pass":
            return {}
        fresh = [each for each in self._answers if each not in order["known"]]
        told = {str(each): self._answers[each] for each in fresh[: self._at_once]}
        return {"answers": told, "left": fresh[self._at_once :]}


@contextmanager
def asker_through(relay: PlayedRelay) -> Iterator[Asker]:
    """Have a doctor ask this relay, which is daemon 0 of eight."""
    entries = tuple(Entry(f"d{each}", HOME, relay.port) for each in range(8))
    thread = Thread(target=relay.run)
    thread.start()
    try:
        with Asker(entries, open_socket()) as asker:
            yield asker
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stop:
            stop.sendto(END, (HOME, relay.port))
        thread.join()


def test_answers_that_a_relay_tells_in_several_replies_are_all_fetched() -> None:
    answers = {number: {"x": number} for number in range(1, 6)}

    with asker_through(PlayedRelay(answers, at_once=2)) as asker:
        found = asker.find_relays(list(answers), [0], {"do": "facts"})

    assert {number: json.loads(text) for number, text in found.items()} == answers
    assert asker.relays == dict.fromkeys(answers, 0)


def test_a_relay_that_always_says_there_is_more_is_not_asked_for_ever() -> None:
    with asker_through(PlayedRelay({1: {}, 2: {}}, at_once=0)) as asker:
        found = asker.find_relays([1, 2], [0], {"do": "facts"})

    assert found == {}
