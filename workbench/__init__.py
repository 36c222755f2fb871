"""The bench on which the real Hummingbot client is installed, run against the simulated venue and compared with it."""
