"""The daemon's control plane: what happens per connection, membership change, and reload."""
