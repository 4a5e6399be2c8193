"""All defects: at least one for each guarantee."""

from typing import Final

from tests.sim.defects.compiled_rules import COMPILED
from tests.sim.defects.defect import Defect
from tests.sim.defects.group_rules import GROUP_RULES
from tests.sim.defects.network_rules import NETWORK_RULES

__all__ = ["DEFECTS"]

DEFECTS: Final[tuple[Defect, ...]] = (*COMPILED, *GROUP_RULES, *NETWORK_RULES)
