"""The programs: `spread`, `spmonitor`, `spuser`, `spflooder`."""
