"""Segment-style Actions destinations as a Python engine."""
