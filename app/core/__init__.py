"""How a resource is declared and what every other folder stands on."""
