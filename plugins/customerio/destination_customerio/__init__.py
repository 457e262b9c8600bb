"""Customer.io (Actions) as a plugin for destination-core."""
