"""Rules of interactions: the latest one says when a client was last spoken to, and when that is due again."""

from collections.abc import Sequence

from app.core.record import Fields
from app.core.rules import Effect, Rules, Seen


def follow(seen: Seen) -> Sequence[Effect]:
    """Move the client's last and next contact; an interaction that is taken out leaves them where they are."""
    said = seen.after
    if said is None:
        return []
    day = said["occurred_at"][:10]

    def change(client: Fields) -> Fields:
        first = client["first_contact"]
        moved = {"first_contact": day} if first is None or day < first else {}
        if day < (client["date_of_last_contact"] or day):
            return moved
        moved["date_of_last_contact"] = day
        if said["summary"] is not None:
            moved["description_contact_more"] = said["summary"]
        planned = client["date_of_next_contact"]
        if said["date_of_next_contact"] is not None:
            moved["date_of_next_contact"] = said["date_of_next_contact"]
            moved["follow_up_action"] = said["follow_up_action"]
        elif planned is not None and planned <= day:  # this was it
            moved["date_of_next_contact"] = moved["follow_up_action"] = None
        return moved

    return [Effect("clients", "id", said["client_id"], change)]


RULES = Rules(follow=follow)
