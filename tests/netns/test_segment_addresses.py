"""Segments whose address is a multicast group or the broadcast address of their network."""

from pathlib import Path

import pytest

from bench.switch import Plug, Switch
from tests.netns.daemons import Daemon, configuration, segment
from tests.netns.rings import Ring

LISTED = " {{ {address} }}"  # What follows a daemon's address.
SOME = 200  # Events of clients: enough to be in the middle of something.


# A multicast group with all interfaces is what the other tests have.
@pytest.mark.parametrize(
    ("address", "interfaces"),
    [("239.255.1.1", LISTED), ("10.1.0.255", ""), ("10.1.0.255", LISTED)],
    ids=["multicast-listed", "broadcast-all", "broadcast-listed"],
)
def test_a_segment_of_either_kind_survives_a_crash_and_a_return(
    tmp_path: Path, address: str, interfaces: str
) -> None:
    with Switch(["main"]) as switch:
        hosts = [
            switch.add_host(f"h{number}", Plug("eth0", f"10.1.0.{number}/24", "main"))
            for number in (1, 2, 3)
        ]
        places = {
            host.name: host.address + interfaces.format(address=host.address) for host in hosts
        }
        text = configuration(segment(places, address=address))
        daemons = [
            Daemon(number, host.name, host, tmp_path / host.name, text, host.address)
            for number, host in enumerate(hosts)
        ]
        ring = Ring(switch, text, tmp_path, daemons)
        try:
            with ring.stage() as stage:
                stage.talk(6)
                stage.until_delivered(SOME)
                daemons[2].kill()
                stage.until_rings([0, 1])
                stage.until_delivered(SOME)
                daemons[2].start()
                stage.until_rings([0, 1, 2])

                stage.finish()
        finally:
            for daemon in daemons:
                daemon.close()
