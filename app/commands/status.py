"""`flask sync status`: the health of the sync as a table."""

from typing import Any

from app.commands.shown import table


def text(found: dict[str, Any]) -> str:
    """Return the state of the CRM and the schedule, and a column for each resource."""
    resources = found["resources"]
    columns = [_column(one) for one in resources.values()]
    rows = [[name, *(column[name] for column in columns)] for name in columns[0]]
    verdict = "The sync is healthy." if found["healthy"] else "The sync needs a look."
    problems = [problem for one in resources.values() for problem in one["problems"]]
    above = [verdict, *problems, _crm(found["crm"]), _schedule(found["schedule"])]
    return "\n".join([*above, "", table(rows, ["", *resources])])


def _crm(crm: dict[str, Any]) -> str:
    answers = "answers" if crm["reachable"] else "does not answer"
    paused = f"; paused for {crm['paused_for']:.0f} s" if crm["paused_for"] else ""
    return f"CRM {crm['url']} {answers}; circuit {crm['circuit']}{paused}; {_room(crm['rate_limit'])}."


def _room(limit: dict[str, Any]) -> str:
    if limit["limit"] is None:
        return "no rate limit known"
    anew = "" if limit["resets_in"] is None else f", anew in {limit['resets_in']:.0f} s"
    return f"{limit['left']} of {limit['limit']} calls left{anew}"


def _schedule(schedule: dict[str, Any]) -> str:
    if schedule["paused"]:
        return f"The schedule is paused since {schedule['since']} by {schedule['by']}."
    return f"It pulls every {schedule['interval_minutes']:g} minutes."


def _column(one: dict[str, Any]) -> dict[str, str]:
    last, totals = one["last_run"], one["totals"]
    done = ", ".join(f"{count} {name}" for name, count in totals.items() if count and name != "runs")
    rate = "-" if one["success_rate"] is None else f"{one['success_rate']:.1%} of {totals['runs']} runs"
    return {
        "healthy": "yes" if one["healthy"] else "no",
        "records": ", ".join(f"{count} {status}" for status, count in one["records"].items()) or "none",
        "last run": "never" if last is None else f"{last['finished_at']} {last['status']}",
        "last success": one["last_success"] or "never",
        "behind, push": f"{one['behind_seconds']['push']:.0f} s, {one['owed']} owed",
        "behind, pull": f"{one['behind_seconds']['pull']:.0f} s, {one['parked']} parked",
        "success rate": rate,
        "totals": done or "nothing",
        "conflicts open": str(one["conflicts_open"]),
        "last pull": one["last_pull"] or "never",
        "next pull": one["next_pull"] or "paused",
    }
