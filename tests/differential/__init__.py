"""The hosted engine's open half and ours, asked the same: how to run it is in CONTRIBUTING.md."""
