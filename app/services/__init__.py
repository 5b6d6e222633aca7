"""Use cases: each function is one transaction, and what may follow it."""
