"""A world in one process: the real service over a simulated CRM, network and clock, played from a seed."""
