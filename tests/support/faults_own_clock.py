"""A wall clock that jumps while processes run: libfaketime in front of the service, its monotonic clock left alone."""

from pathlib import Path

from tests.support.faults_own_stack import missing

PLACES = ("lib/*/faketime/libfaketime.so.1", "lib*/faketime/libfaketime.so.1", "local/lib/faketime/libfaketime.so.1")

SLEEP = "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"
"""Python sleeps until a moment of the monotonic clock, which libfaketime refuses when it leaves that clock alone."""


class JumpingClock:
    """The clock of a stack's web and worker; the CRM's and the test's own go on as they are."""

    def __init__(self, stack, folder):
        found = [path for place in PLACES for path in Path("/usr").glob(place)]
        if not found:
            missing("libfaketime is not installed")
        self._file = folder / "offset"
        self.jump("+0")
        (folder / "sitecustomize.py").write_text(SLEEP)
        settings = {
            "LD_PRELOAD": str(found[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
            "NO_FAKE_STAT": "1",
            "PYTHONPATH": str(folder),
        }
        shell = "; ".join(f"export {name}={value}" for name, value in settings.items())
        for name in ("web", "worker"):
            stack.commands[name] = f"{shell}; {stack.commands[name]}"

    def jump(self, offset):
        """Set the clock off by so much, such as `+1h` or `-1d`; swapped in whole, for it is read at every look."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{offset}\n")
        new.replace(self._file)
