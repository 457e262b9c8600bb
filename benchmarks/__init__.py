"""Measure the engine beside the open half of the hosted one, in one interleaved run."""
