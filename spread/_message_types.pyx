"""Message objects for applications, with today's attributes and the historical ones.

Historical names: client protocol, section 12. They are properties beside the attributes that hold
the values.
"""

cimport cython

from spread._frames cimport TYPE_REGULAR, TYPE_SELF_DISCARD

from spread.service import Cause, MembershipKind, Service

cdef object SERVICES = {int(service): service for service in Service}


@cython.final
@cython.auto_pickle(False)
cdef class GroupId:
    """Identity of one view of a group; equal ids of one group name mean the same view."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, GroupId):
            return NotImplemented
        cdef GroupId that = <GroupId>other
        return (
            self._address == that._address
            and self._time == that._time
            and self._index == that._index
        )

    def __hash__(self) -> int:
        return hash((self._address, self._time, self._index))

    def __repr__(self) -> str:
        return f"<group_id {self._address:08X}:{self._time:08X}:{self._index:08X}>"


@cython.final
@cython.no_gc
@cython.freelist(64)
@cython.auto_pickle(False)
cdef class Message:
    """A data message as it was sent, historical attribute names included."""

    @property
    def service(self) -> Service:
        bits = self.service_type & TYPE_REGULAR
        return SERVICES.get(bits) or Service(bits)

    @property
    def self_discard(self) -> bool:
        return self.service_type & TYPE_SELF_DISCARD != 0

    @property
    def message(self) -> bytes:
        return self.payload

    @property
    def msg_type(self) -> int:
        return self.mess_type

    @property
    def endian(self) -> int:
        return 1 if self.endian_mismatch else 0

    def __repr__(self) -> str:
        return (
            f"<Message from {self.sender!r} to {self.groups!r}: {self.service.name}, "
            f"mess_type {self.mess_type}, {len(self.payload)} bytes>"
        )


@cython.final
@cython.auto_pickle(False)
cdef class Membership:
    """What happened to the membership of a group, historical attribute names included."""

    @property
    def kind(self) -> MembershipKind:
        if self.service_type & TYPE_VIEW:
            return MembershipKind.VIEW
        if self.service_type & TYPE_TRANSITION:
            return MembershipKind.TRANSITIONAL
        return MembershipKind.SELF_LEFT

    @property
    def cause(self):
        if self.kind is MembershipKind.TRANSITIONAL:
            return None
        return Cause(self.service_type & TYPE_CAUSE)

    @property
    def reason(self) -> int:
        return self.service_type & TYPE_CAUSE

    @property
    def extra(self) -> tuple[str, ...]:
        return self.vs_set

    @property
    def msg_subtype(self) -> int:
        return self.service_type & (TYPE_VIEW | TYPE_TRANSITION)

    def __repr__(self) -> str:
        cause = self.cause
        about = "" if cause is None else f", {cause.name}"
        changed = f" of {self.changed_member!r}" if self.changed_member else ""
        return (
            f"<Membership {self.kind.name} of {self.group!r}{about}{changed}: "
            f"{len(self.members)} members>"
        )
