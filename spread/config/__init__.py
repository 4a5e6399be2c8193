"""Read `spread.conf`: from bytes to a checked `Configuration`, or to all errors in one go.

    load(path)         reads a file as the daemon of this host
    parse(data, path)  does the same with bytes at hand
    local(port)        is one daemon on the loopback interface, without a file
    local_ring(...)    is one daemon of several on the loopback interface, without a file
    search(...)        finds the file
    listens(...)       are the sockets that a daemon opens
    check(...)         is `spread --check`: the effective configuration as text or JSON

The language and all options are described on the page "Configuration" of the documentation.
"""

from spread.config.diagnostics import (
    ConfigurationErrors,
    ConfigurationMissing,
    Diagnostic,
    Stage,
)
from spread.config.hashes import ring_hash, spread_hash
from spread.config.host import HostView
from spread.config.listens import Listen, Purpose, Transport, listens, main_address
from spread.config.load import Loaded, load, local, local_ring, parse
from spread.config.model import Configuration
from spread.config.report import check
from spread.config.search import search
from spread.config.settings import Known, Setting
from spread.config.system_host import SystemHost

__all__ = [
    "Configuration",
    "ConfigurationErrors",
    "ConfigurationMissing",
    "Diagnostic",
    "HostView",
    "Known",
    "Listen",
    "Loaded",
    "Purpose",
    "Setting",
    "Stage",
    "SystemHost",
    "Transport",
    "check",
    "listens",
    "load",
    "local",
    "local_ring",
    "main_address",
    "parse",
    "ring_hash",
    "search",
    "spread_hash",
]
