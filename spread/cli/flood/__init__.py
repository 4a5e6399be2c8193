"""Parts of `spflooder`."""
