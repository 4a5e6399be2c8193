"""Rings over other links: unicast only, and one that loses, doubles, delays and mixes up."""

from pathlib import Path

from tests.netns.rings import Ring, lan

CLIENTS = 6
SOME = 400

LOSSY = "loss=0.05,dup=0.02,reorder=0.05,delay_ms=0:2,seed=7"


def crash_and_split(ring: Ring, seed: int) -> None:
    """Let a ring of three go through a crash, a restart, a split and a merge, and judge it."""
    with ring.stage() as stage:
        stage.talk(CLIENTS, seed=seed)
        stage.until_delivered(SOME)
        ring.daemons[0].kill()
        stage.until_rings([1, 2])
        stage.until_delivered(SOME)
        ring.daemons[0].start()
        stage.until_rings([0, 1, 2])

        ring.split([0], [1, 2])
        stage.until_rings([0], [1, 2])
        stage.until_delivered(SOME)
        ring.merge()

        stage.finish()


def test_a_ring_without_multicast_survives_crash_and_split(tmp_path: Path) -> None:
    with lan(tmp_path, 3, options=["Multicast = no"]) as ring:
        for daemon in ring.daemons:
            ring.switch.set_multicast(daemon.host.name, passes=False)

        crash_and_split(ring, 70)


def test_a_ring_on_a_bad_network_survives_crash_and_split(tmp_path: Path) -> None:
    with lan(tmp_path, 3, environment={"SPREAD_TEST_FAULTS": LOSSY}) as ring:
        crash_and_split(ring, 72)

        assert all(daemon.find("faults are made on purpose") for daemon in ring.daemons)
