"""A deterministic simulator: daemons on a virtual clock and network, clients, and judges."""
