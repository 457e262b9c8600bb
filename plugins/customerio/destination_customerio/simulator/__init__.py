"""A faithful Customer.io Track API on loopback: validation, limits, effects and scripted faults.

async with Simulator(region="us", site_id="site", api_key="key") as simulator:
    ...  # send requests to simulator.url
    assert simulator.state.person(id="42")
"""

from destination_customerio.simulator.faults import Fault
from destination_customerio.simulator.rules import Rules
from destination_customerio.simulator.server import Simulator
from destination_customerio.simulator.state import State

__all__ = ["Fault", "Rules", "Simulator", "State"]
