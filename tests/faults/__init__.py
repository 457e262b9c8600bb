"""Faults that the delivery has to survive; `python -m tests.faults` runs them and shows figures.

Every fault is a module with a ``FAULT``: it breaks the real `destinations serve` or `run` while an
oracle, a process of its own, sends events, plays the destinations and judges at the end.
"""
