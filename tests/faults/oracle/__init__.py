"""The oracle: outside of what is broken, it knows what was promised and what arrived.

``Oracle`` starts its process and talks with it; the process sends events to `destinations serve`,
writes down every 2xx in a file of its own, plays the destinations, and judges at the end.
"""

from tests.faults.oracle.handle import Oracle

__all__ = ["Oracle"]
