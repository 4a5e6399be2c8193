"""Which daemons form a ring: failure detection, formation, merge and recovery's decisions."""
