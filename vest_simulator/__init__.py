"""A simulator of the Vest Markets perpetual exchange: the v2 protocol over real HTTP and WebSockets."""
from vest_simulator.admin.client import AdminClient, AdminError
from vest_simulator.config import RateLimits, SimulatorConfig, Switches
from vest_simulator.engine.specs import DEFAULT_SYMBOLS, SymbolSpec
from vest_simulator.simulator import VestSimulator
from vest_simulator.venue.credentials import Credentials

__all__ = ["AdminClient", "AdminError", "Credentials", "DEFAULT_SYMBOLS", "RateLimits", "SimulatorConfig", "Switches",
           "SymbolSpec", "VestSimulator"]
