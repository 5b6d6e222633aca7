"""What the garbage collector is told when a process is ready: what it has made by then stays for as long as it lives.

Records come in by the thousand and go again without a cycle among them; looking for some after every 700 objects, and
now and then among all that the libraries have made, took a fifth of the time of a pull (docs/performance.md).
"""

import gc

YOUNG = 20_000
"""New objects after which the collector looks among them; Python's own number is 700."""


def settle() -> None:
    """Leave alone what exists by now, and look at what is new less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
