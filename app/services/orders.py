"""What somebody may ask of a run: its direction, and how large its batches are."""

from app.sync.runs import Direction

DIRECTION_OF: dict[str, Direction] = {"both": "both", "push": "push", "pull": "pull", "bidirectional": "both"}
LARGEST_BATCH = 1000
