"""Reading the configuration again: what comes of it, without a daemon."""

import pytest

from spread.config import Known
from spread.config.diagnostics import ConfigurationMissing
from spread.config.model import Options
from spread.daemon.access import Permit
from spread.daemon.auth import Authentication
from spread.daemon.handshake import HandshakeSettings
from spread.daemon.reload import PartlyInForceError, Plan, Reloader, Sources
from spread.errors import ConfigurationError
from tests.unit.config.hosts import ScriptedHost
from tests.unit.config.reading import read
from tests.unit.daemon.event_list import EventList

BASE = """
Spread_Segment 10.0.0.255:4803 {
    alpha 10.0.0.1
    beta 10.0.0.2
}
"""


class File:
    path = "spread.conf"

    def __init__(self) -> None:
        self.text: str | None = BASE

    def read(self) -> bytes:
        if self.text is None:
            raise ConfigurationMissing(self.path, "No such file", "make it")
        return self.text.encode()


class Bench:
    """A reloader of the daemon alpha, and what it hands over."""

    def __init__(self, text: str = BASE, *, has_file: bool = True) -> None:
        self.file = File()
        self.log = EventList()
        self.plans: list[Plan] = []
        self.access_error = ""
        self.defect: Exception | None = None
        self.is_busy = False
        self.failure = ""
        sources = Sources(self.file, ScriptedHost(), Known(), self.handshake)
        loaded = read(text, name="alpha", host=ScriptedHost())
        self.file.text = text
        self.reloader = Reloader(
            loaded.configuration,
            sources if has_file else None,
            log=self.log,
            put_in_force=self.put_in_force,
            warnings=map(str, loaded.warnings),
        )

    def handshake(self, options: Options) -> HandshakeSettings:
        if self.defect is not None:
            raise self.defect
        if self.access_error:
            raise ConfigurationError(self.access_error)
        return HandshakeSettings(
            daemon_name=b"alpha",
            authentication=Authentication((), ()),
            policy=Permit(),
            message_size_max=options.max_message_size,
        )

    def put_in_force(self, plan: Plan) -> None:
        if self.is_busy:
            raise ConfigurationError("too much to do")
        if self.failure:
            raise PartlyInForceError(self.failure)
        self.plans.append(plan)


def test_unchanged_file_is_put_in_force_without_changes() -> None:
    bench = Bench()

    outcome = bench.reloader.reload("somebody")

    assert outcome.done
    assert outcome.changes == ()
    assert outcome.hash_before == outcome.hash_after
    wording, fields = bench.log.events[-1]
    assert (wording, fields["asked_by"]) == ("configuration reloaded", "somebody")


def test_next_reload_compares_with_what_the_last_has_put_in_force() -> None:
    bench = Bench()
    bench.file.text = "Window = 90\n" + BASE

    first = bench.reloader.reload("somebody")
    second = bench.reloader.reload("somebody")

    assert [each.subject for each in first.changes] == ["Window"]
    assert second.changes == ()
    assert len(bench.plans) == 2


def test_preview_hands_nothing_over_and_logs_nothing() -> None:
    bench = Bench()
    bench.file.text = BASE.replace("    beta", "    gamma 10.0.0.3\n    beta")

    preview = bench.reloader.preview()

    assert not preview.done
    assert [each.kind for each in preview.changes] == ["network"]
    assert preview.ring_hash_before != preview.ring_hash_after
    assert bench.plans == []
    assert bench.log.events == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Windw = 90\n" + BASE, "spread.conf:1:1"),
        (None, "No such file"),
        (BASE.replace("4803", "4900"), "port of alpha would change from 4803 to 4900"),
        (BASE.replace("alpha", "delta"), "alpha"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(text: str | None, reason: str) -> None:
    bench = Bench()
    bench.file.text = text

    outcome = bench.reloader.reload("somebody")
    preview = bench.reloader.preview()

    assert not outcome.done
    assert reason in outcome.errors[0]
    assert preview.errors == outcome.errors
    assert bench.plans == []
    (told,) = bench.log.told
    assert told.wording == "configuration not reloaded, the running one stays in force"
    assert reason in told.lines[0]


def test_wrong_access_file_is_a_refusal() -> None:
    bench = Bench()
    bench.access_error = "spread.access_ip:2: no address"

    outcome = bench.reloader.reload("somebody")

    assert outcome.errors == ("spread.access_ip:2: no address",)
    assert bench.plans == []


def test_plan_that_is_not_taken_is_not_in_force() -> None:
    bench = Bench()
    bench.file.text = "Window = 90\n" + BASE
    bench.is_busy = True

    refused = bench.reloader.reload("somebody")
    bench.is_busy = False
    done = bench.reloader.reload("somebody")

    assert refused.errors == ("too much to do",)
    assert [each.subject for each in done.changes] == ["Window"]


def test_what_nobody_foresaw_leaves_all_as_it_is_and_is_told_each_time() -> None:
    bench = Bench()
    bench.defect = ModuleNotFoundError("No module named 'x'")

    outcomes = [bench.reloader.reload("somebody") for _ in range(2)]
    preview = bench.reloader.preview()

    assert [each.errors for each in (*outcomes, preview)] == [
        ("ModuleNotFoundError: No module named 'x'",)
    ] * 3
    assert bench.plans == []
    assert bench.log.wordings == ["configuration not reloaded, the running one stays in force"] * 2


def test_daemon_without_a_file_says_so() -> None:
    bench = Bench(has_file=False)

    assert "without a configuration file" in bench.reloader.reload("a signal").errors[0]
    assert "without a configuration file" in bench.reloader.preview().errors[0]


def test_company_comes_back_to_a_segment_that_had_it_at_the_start() -> None:
    bench = Bench()
    bench.file.text = BASE.replace("    beta 10.0.0.2\n", "")
    alone = bench.reloader.reload("somebody")
    bench.file.text = BASE

    again = bench.reloader.reload("somebody")

    assert alone.done
    assert again.done


def test_refused_file_leaves_the_running_configuration_with_its_hash() -> None:
    bench = Bench()
    bench.file.text = BASE.replace("4803", "4900")

    preview = bench.reloader.preview()

    assert preview.hash_after == preview.hash_before
    assert preview.ring_hash_after == preview.ring_hash_before


def test_only_warnings_are_told_that_the_running_configuration_has_not() -> None:
    warned = "DangerousMonitor = true\n" + BASE
    bench = Bench(warned)

    same = bench.reloader.preview()
    bench.file.text = BASE
    bench.reloader.reload("somebody")
    bench.file.text = warned
    other = bench.reloader.preview()

    assert same.warnings == ()
    assert len(other.warnings) == 1
    assert "DangerousMonitor" in other.warnings[0]


def test_what_fails_when_it_is_put_in_force_is_not_called_done() -> None:
    bench = Bench()
    bench.file.text = "Window = 90\n" + BASE
    bench.failure = "OSError: no room"

    outcome = bench.reloader.reload("somebody")

    assert (outcome.done, outcome.is_partial) == (False, True)
    assert outcome.errors == ("OSError: no room",)
    (told,) = bench.log.told
    assert told.wording == "configuration in force only in part, restart this daemon"
    assert told.lines == ("  OSError: no room",)


def test_after_a_failure_between_two_networks_whatever_comes_next_gives_numbers_anew() -> None:
    bench = Bench()
    bench.file.text = BASE.replace("    beta", "    gamma 10.0.0.3\n    beta")
    bench.failure = "OSError: no room"
    bench.reloader.reload("somebody")
    bench.failure = ""
    bench.file.text = BASE

    for _ in range(2):
        bench.reloader.reload("somebody")

    assert [each.changes.network for each in bench.plans] == [(), ()]
    assert [each.relocates for each in bench.plans] == [True, False]


def test_a_failure_that_has_to_do_with_no_network_moves_nobody_later() -> None:
    bench = Bench()
    bench.file.text = "Window = 90\n" + BASE
    bench.failure = "OSError: no room"
    bench.reloader.reload("somebody")
    bench.failure = ""

    bench.reloader.reload("somebody")

    assert [each.relocates for each in bench.plans] == [False]
