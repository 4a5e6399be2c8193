"""Faults that tests ask for in the environment: of the network, and of the host's sockets."""

import os
from typing import Final

from spread._faults import Faults
from spread.daemon.findings import Finding

__all__ = ["faults_finding", "wanted_faults"]

VARIABLE: Final = "SPREAD_TEST_FAULTS"


def wanted_faults() -> Faults | None:
    """Return the faults of the environment; None if it names none.

    Raises ConfigurationError for what names no faults.
    """
    return Faults(os.environ[VARIABLE]) if VARIABLE in os.environ else None


def faults_finding(faults: Faults) -> Finding:
    """Return what the log and `spread --check` say of them."""
    fields = {"variable": VARIABLE, "faults": faults.describe()}
    return Finding("faults are made on purpose", fields, is_warning=True)
