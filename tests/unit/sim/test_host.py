"""A simulated host does to its clients what a real one does."""

from spread.service import AGREED_MESS
from tests.sim.arena import GROUP, Arena, delivered


def test_a_client_that_reads_again_while_its_daemon_stands_still_is_written_to_later() -> None:
    arena = Arena(2)
    talker, reader = arena.clients_everywhere(GROUP)
    reader.connection.stop_reading()
    message = talker.multicast(AGREED_MESS, [GROUP])
    arena.run(20)

    arena.world.pause(1)
    reader.connection.read_again()
    arena.world.resume(1)

    assert delivered(reader) == [message.identity]
