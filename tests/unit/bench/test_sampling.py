"""What samples of perf amount to."""

import pytest

from bench.sampling import (
    FROM_RING,
    INTERPRETER,
    KERNEL,
    LIBRARY,
    OTHER,
    SPREAD,
    SWITCHING,
    TO_CLIENTS,
    TO_RING,
    WAITING,
    Frame,
    part_of,
    purpose_of,
    readable,
    stacks,
    summed_up,
)

MODULE = "/src/spread/_delivery.cpython-311-x86_64-linux-gnu.so"
PRINTED = f"""
\tffffffff81432ad5 rep_movs_alternative ([kernel.kallsyms])
\tffffffff8141f105 tcp_sendmsg_locked+0x12 ([kernel.kallsyms])
\tffffffff8172fab8 __sys_sendmsg ([kernel.kallsyms])
\t          101829 sendmsg (/usr/lib/x86_64-linux-gnu/libc.so.6)


\t            a2b4 __pyx_f_6spread_9_delivery_8Delivery_show ({MODULE})
\t      5200000000 [unknown] ([unknown])

"""


def kernel_stack(*symbols: str) -> list[Frame]:
    """A stack inside the kernel, innermost first."""
    return [Frame(symbol, "[kernel.kallsyms]") for symbol in symbols]


def test_stacks_are_read_as_perf_prints_them() -> None:
    first, second = stacks(PRINTED)

    assert [frame.symbol for frame in first] == [
        "rep_movs_alternative",
        "tcp_sendmsg_locked",
        "__sys_sendmsg",
        "sendmsg",
    ]
    assert second[0] == Frame("__pyx_f_6spread_9_delivery_8Delivery_show", MODULE)


def test_shares_are_those_of_all_samples() -> None:
    profile = summed_up(list(stacks(PRINTED)))

    assert profile.sample_count == 2
    assert dict(profile.parts) == {KERNEL: 0.5, SPREAD: 0.5}
    assert dict(profile.kernel) == {TO_CLIENTS: 0.5}
    assert dict(profile.modules) == {"_delivery": 0.5}
    assert ("show", SPREAD, "_delivery", 0.5) in profile.symbols


def test_no_samples_are_no_shares() -> None:
    assert summed_up([]).parts == ()


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("[kernel.kallsyms]", KERNEL),
        ("[veth]", KERNEL),
        (MODULE, SPREAD),
        ("/src/spread/daemon/fast.abi3.so", SPREAD),
        ("/usr/bin/python3.11", INTERPRETER),
        ("/usr/lib/libpython3.12.so.1.0", INTERPRETER),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", LIBRARY),
        ("[vdso]", LIBRARY),
        ("[unknown]", OTHER),
        ("/usr/sbin/spread", OTHER),
    ],
)
def test_every_file_belongs_to_a_part(file: str, part: str) -> None:
    assert part_of(file) == part


@pytest.mark.parametrize(
    ("symbols", "purpose"),
    [
        (("veth_xmit", "udp_sendmsg", "__x64_sys_sendmmsg", "do_syscall_64"), TO_RING),
        (("copy", "udp_sendmsg", "__sys_sendmsg", "do_syscall_64"), TO_RING),
        (("tcp_rcv", "tcp_sendmsg", "__sys_sendmsg", "do_syscall_64"), TO_CLIENTS),
        (("skb_copy", "__x64_sys_recvmmsg", "do_syscall_64"), FROM_RING),
        (("schedule", "__x64_sys_epoll_pwait2", "do_syscall_64"), WAITING),
        (("tick", "asm_sysvec_apic_timer_interrupt"), SWITCHING),
    ],
)
def test_kernel_time_counts_for_what_was_asked_of_it(
    symbols: tuple[str, ...], purpose: str
) -> None:
    assert purpose_of(kernel_stack(*symbols)) == purpose


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("__pyx_f_6spread_9_delivery_8Delivery_show", "show"),
        ("__pyx_f_6spread_7_window_window_find", "window_find"),
        ("crc32c_three_blocks.constprop.0", "crc32c_three_blocks"),
        ("veth_xmit", "veth_xmit"),
    ],
)
def test_names_are_those_of_the_source(symbol: str, name: str) -> None:
    assert readable(symbol) == name
