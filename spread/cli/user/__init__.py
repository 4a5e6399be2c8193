"""Parts of `spuser`."""
