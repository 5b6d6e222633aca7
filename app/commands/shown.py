"""Tables and sentences: how the commands word what they found."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

COUNTS = ("created", "updated", "deleted", "failed", "conflicts", "skipped")
WHERE = {"here": "here", "crm": "in the CRM"}
LISTED = 100
"""Lines of a listing that a person still reads; --json has them all."""


def table(rows: Iterable[Sequence[object]], heads: Sequence[str] = ()) -> str:
    """Return rows as aligned columns, under their heads; no rows are no text."""
    lines = [[str(cell) for cell in row] for row in ([heads, *rows] if heads else rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def listing(lines: Sequence[str], what: str) -> list[str]:
    """Return the first lines of many, and how many more there are."""
    rest = len(lines) - LISTED
    return [*lines[:LISTED], *([f"… and {rest} more {what}; --json has them all."] if rest > 0 else [])]


def run(found: dict[str, Any]) -> str:
    """Return what a run did, in a sentence; and what to do, if a person has to decide."""
    told = [f"{found[name]} {name}" for name in ("pulled", "pushed")]
    told += [f"{found[name]} {name}" for name in COUNTS if found[name]]
    problem = f" ({found['error']})" if found["error"] else ""
    errors = "; ".join(f"{count} {kind}" for kind, count in found["errors"].items())
    speed = f"; {found['records_a_minute']:.0f} records a minute" if found["records_a_minute"] else ""
    lines = [f"Run {found['id']} {found['status']}{problem}: {', '.join(told)}{speed}."]
    lines += [f"Failures: {errors}."] if errors else []
    if found["status"] == "needs_approval":
        lines.append(f"Say: flask sync approve {found['id']}, or: flask sync refuse {found['id']}.")
    left = [one | {"resource": name} for name, part in found["parts"].items() for one in part["left"]]
    return "\n".join([*lines, *_left(left)])


def runs(found: list[dict[str, Any]]) -> str:
    heads = ("began", "run", "direction", "asked by", "status", "synced", "failed", "conflicts", "seconds")
    names = ("started_at", "id", "direction", "asked_by", "status", "synced", "failed", "conflicts", "seconds")
    return table([[one[name] for name in names] for one in found], heads) if found else "No runs."


def plan(found: dict[str, Any]) -> str:
    waits = found["waits"]
    lines = [writes(found["writes"])] if found["writes"] else []
    lines += ["There are more writes: --limit lists more."] if found["truncated"] else []
    for side, where in WHERE.items():
        counts = ", ".join(f"{count} {action}" for action, count in found["summary"][side].items())
        lines.append(f"{where[0].upper()}{where[1:]}: {counts}.")
    lines.append(
        f"Waits: {waits['conflicts']} conflicts for a person, {waits['not_due']} records for their next try, "
        f"{waits['parked']} deliveries for their record."
    )
    lines += [
        f"Waits: {one['deletions']} of {one['linked']} {one['resource']} would be deleted; a person has to approve."
        for one in waits["needs_approval"]
    ]
    return "\n".join(lines)


def writes(found: list[dict[str, Any]]) -> str:
    """Return writes as a table: side, action, record, and a line for each field, from → to."""
    rows: list[tuple[str, ...]] = []
    for one in found:
        first = (one["side"], one["action"], f"{one['resource']}/{one['record_id']}")
        fields = [f"{name}: {pair['from']!r} → {pair['to']!r}" for name, pair in one["fields"].items()]
        rows += [(*(first if place == 0 else ("", "", "")), line) for place, line in enumerate(fields or [""])]
    return table(rows)


def rollback_plan(found: dict[str, Any]) -> str:
    """Return what a rollback would write, counted whole and listed as far as a person reads."""
    counts = Counter(f"{one['action']} {WHERE[one['side']]}" for one in found["writes"])
    told = ", ".join(f"{count} {what}" for what, count in counts.items()) or "Nothing would be written"
    return "\n".join([*listing(writes(found["writes"]).splitlines(), "lines"), f"{told}.", *_left(found["left"])])


def _left(found: list[dict[str, Any]]) -> list[str]:
    return listing([f"Left: {one['resource']}/{one['record_id']}  {one['why']}" for one in found], "are left")


def verification(found: dict[str, Any]) -> str:
    """Return the outcome of a comparison; the names of fields, not their values."""
    lines = [
        f"{one['reason']:14}  {one['resource']}/{one['record_id'] or '-'}  {one['crm_id'] or '-'}"
        f"  {', '.join(one['fields'])}  {one['note']}"
        for one in found["differences"]
    ]
    cost = f"Calls to the CRM: {found['cost']['calls']}. Seconds: {found['cost']['seconds']}."
    repaired = [] if found["repaired"] is None else [f"Repair: {run(found['repaired'])}"]
    return "\n".join([*repaired, *listing(lines, "differ"), found["sentence"], cost])


def conflict(one: dict[str, Any]) -> str:
    outcome = f"{one['resolution']} ({one['resolved_by']})" if one["resolution"] else "open"
    return (
        f"{one['id']}  {one['created_at']}  {one['kind']:9}  {one['resource']}/{one['record_id']}  {one['field'] or ''}"
        f"  here {one['local']!r}, there {one['crm']!r} → {outcome}"
    )


def explanation(found: dict[str, Any]) -> str:
    """Return why a record is as it is; who set each field and when, not its value."""
    rows = [
        (name, f"set by {one['set_by'] or 'nobody'}", one["set_at"] or "", _standing(one))
        for name, one in found["fields"].items()
    ]
    advice = [f"To do: {found['advice']}"] if found["advice"] else []
    return "\n".join([*found["text"], *advice, "", table(rows)])


def _standing(field: dict[str, Any]) -> str:
    if not field["synced"]:
        return "stays here"
    return "waits for a person" if field["held"] else "owed to the CRM" if field["owed"] else "in step"
