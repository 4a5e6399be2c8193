"""Seeing a ring: the monitor protocol, what daemons report, health, and the faces that show it."""
