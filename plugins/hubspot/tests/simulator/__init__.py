"""A HubSpot account for tests: real sockets, documented shapes, nothing of the plugin in it.

Sources: developers.hubspot.com ("OAuth", "Objects", "Properties", "Lists", "Custom events", "Error
handling", "API usage guidelines") and HubSpot's public API specifications.
"""

from plugins.hubspot.tests.simulator.server import HubSpot

__all__ = ["HubSpot"]
