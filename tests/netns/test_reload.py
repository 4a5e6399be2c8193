"""Daemons that come into a configuration, and go out of it, while clients of the others talk.

The hosts are on one switch, with multicast. What clients saw is judged by all guarantees: a reload
is to them a partition that heals.
"""

import signal
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from tests.netns.daemons import Daemon, configuration, segment
from tests.netns.rings import Ring, lan
from tests.netns.stage import Stage

CLIENTS = 8
SOME = 400  # Events of clients: enough to be in the middle of something.


def text_with(ring: Ring, numbers: Iterable[int]) -> str:
    """Return a configuration with these daemons of the ring."""
    daemons = [ring.daemons[number] for number in numbers]
    return configuration(segment({each.name: each.address for each in daemons}))


def reload(daemon: Daemon, text: str) -> None:
    daemon.text = text
    (daemon.directory / "spread.conf").write_text(text)
    daemon.process.send_signal(signal.SIGHUP)


def test_clients_that_talk_while_daemons_come_and_go_keep_every_guarantee(tmp_path: Path) -> None:
    added, others = 0, (1, 2, 3)
    with lan(tmp_path, 4, starts=False) as ring, closing(Stage(ring.daemons)) as stage:
        for number in others:
            ring.daemons[number].text = text_with(ring, others)
            ring.daemons[number].start()
        stage.until_rings(others)
        stayed = [stage.client(number, f"stay{number}", "tea", "milk") for number in others]
        ring.daemons[added].start()
        stage.until(lambda: ring.daemons[added].ring, "a ring of the daemon that is added")
        stage.talk(CLIENTS)
        stage.until_delivered(SOME)

        # One after the other a daemon comes in, and all the others have other numbers.
        for number in others:
            reload(ring.daemons[number], ring.text)
            stage.until_delivered(SOME // 4)
        stage.until_rings(range(4))
        stage.until_delivered(SOME)
        # All at once it goes out, and goes on alone, and comes in again.
        for text, ringed in ((text_with(ring, others), others), (ring.text, range(4))):
            for number in others:
                reload(ring.daemons[number], text)
            stage.until_rings(ringed)
            stage.until_delivered(SOME)

        stage.finish()
        assert all(client.is_open for client in stayed)
