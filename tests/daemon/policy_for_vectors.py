"""The access control policy under which the reject vectors were recorded.

It refuses a join of the group `nojoin`, a leave of the group `noleave`, and every message of type
666. A daemon finds it as it finds any policy: `publish` puts it into a directory as an installed
distribution, which the daemon sees when that directory is on its PYTHONPATH and its configuration
says `AccessControlPolicy = "VECTORS"`. This file stands alone, since a copy of it is published.
"""

# ruff: noqa: ARG002 - most answers do not depend on the whole question.

import shutil
from collections.abc import Sequence
from pathlib import Path

POLICY_NAME = "VECTORS"
REFUSED_TYPE = 666

_METADATA = "Metadata-Version: 2.1\nName: spread-policy-for-vectors\nVersion: 1.0\n"
_ENTRY_POINTS = f"[spread.policy]\n{POLICY_NAME} = policy_for_vectors:VectorPolicy\n"


class VectorPolicy:
    """Refuse what the vectors show refused, and nothing else."""

    name = POLICY_NAME
    checks_requests = True

    def open_connection(self, private_name: bytes) -> bool:
        return True

    def join_group(self, private_group: bytes, group: bytes) -> bool:
        return group != b"nojoin"

    def leave_group(self, private_group: bytes, group: bytes) -> bool:
        return group != b"noleave"

    def send_to_private_groups(
        self,
        private_group: bytes,
        targets: Sequence[bytes],
        service: int,
        message_type: int,
    ) -> bool:
        return message_type != REFUSED_TYPE

    def send_to_groups(
        self,
        private_group: bytes,
        targets: Sequence[bytes],
        service: int,
        message_type: int,
    ) -> bool:
        return message_type != REFUSED_TYPE


def publish(directory: Path) -> None:
    """Make `directory` hold the policy as an installed distribution."""
    shutil.copy(__file__, directory / "policy_for_vectors.py")
    metadata = directory / "spread_policy_for_vectors-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(_METADATA)
    (metadata / "entry_points.txt").write_text(_ENTRY_POINTS)
