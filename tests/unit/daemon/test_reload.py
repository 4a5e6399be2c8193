"""Reading the configuration again: what comes of it, without a daemon."""

from collections.abc import Sequence

import pytest

from spread.config import Known
from spread.config.diagnostics import ConfigurationMissing
from spread.config.model import EventPriority, EventType, Options
from spread.daemon.access import Permit
from spread.daemon.auth import Authentication
from spread.daemon.handshake import HandshakeSettings
from spread.daemon.reload import ANSWERS_KEPT, Plan, Reloader, Sources
from spread.errors import ConfigurationError
from tests.unit.config.hosts import ScriptedHost
from tests.unit.config.reading import read

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


class Log:
    def __init__(self) -> None:
        self.events: list[tuple[str, Sequence[str], dict[str, object]]] = []

    def event(
        self,
        types: EventType,
        priority: EventPriority,
        wording: str,
        /,
        *,
        lines: Sequence[str] = (),
        **fields: object,
    ) -> None:
        del types, priority
        self.events.append((wording, lines, fields))


class Bench:
    """A reloader of the daemon alpha, and what it hands over."""

    def __init__(self, *, has_file: bool = True) -> None:
        self.file = File()
        self.log = Log()
        self.plans: list[Plan] = []
        self.access_error = ""
        self.defect: Exception | None = None
        self.is_busy = False
        sources = Sources(self.file, ScriptedHost(), Known(), self.handshake)
        configuration = read(BASE, name="alpha", host=ScriptedHost()).configuration
        self.reloader = Reloader(
            configuration,
            sources if has_file else None,
            log=self.log,
            put_in_force=self.put_in_force,
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
        self.plans.append(plan)


def test_unchanged_file_is_put_in_force_without_changes() -> None:
    bench = Bench()

    outcome = bench.reloader.reload("somebody")

    assert outcome.done
    assert outcome.changes == ()
    assert outcome.hash_before == outcome.hash_after
    wording, _, fields = bench.log.events[-1]
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
    ((wording, lines, _),) = bench.log.events
    assert wording == "configuration not reloaded, the running one stays in force"
    assert reason in lines[0]


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


def test_question_that_comes_again_has_the_same_answer() -> None:
    bench = Bench()
    bench.file.text = "Window = 90\n" + BASE

    answers = [bench.reloader.reload_once(7, "somebody") for _ in range(2)]

    assert answers[0] is answers[1]
    assert len(bench.plans) == 1


def test_another_asker_with_the_same_number_has_an_answer_of_its_own() -> None:
    bench = Bench()

    for asker in ("10.0.0.1", "10.0.0.2"):
        bench.reloader.reload_once(7, asker)

    assert len(bench.plans) == 2


def test_what_nobody_foresaw_leaves_all_as_it_is_and_is_told_each_time() -> None:
    bench = Bench()
    bench.defect = ModuleNotFoundError("No module named 'x'")

    outcomes = [bench.reloader.reload("somebody") for _ in range(2)]
    preview = bench.reloader.preview()

    assert [each.errors for each in (*outcomes, preview)] == [
        ("ModuleNotFoundError: No module named 'x'",)
    ] * 3
    assert bench.plans == []
    assert [event[0] for event in bench.log.events] == [
        "configuration not reloaded, the running one stays in force"
    ] * 2


def test_answers_that_are_kept_are_bounded() -> None:
    bench = Bench()
    for nonce in range(ANSWERS_KEPT + 1):
        bench.reloader.reload_once(nonce, "somebody")

    bench.reloader.reload_once(0, "somebody")

    assert len(bench.plans) == ANSWERS_KEPT + 2


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
