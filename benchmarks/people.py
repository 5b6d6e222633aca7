"""The users of the bulk benches: number n is the same person in the canned CRM, in a database and in a floor."""

from datetime import UTC, datetime, timedelta

FIRST = 1000
"""The number of a record in the CRM is this much higher than its place."""
EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
"""When the first of them was made in the CRM; one each second followed."""
LATER = timedelta(days=30)
"""After how long they are edited."""


def crm_id(number: int) -> str:
    return f"CRM{FIRST + number}"


def stamp(number: int, edit: int = 0) -> str:
    """Return when the CRM last changed user `number`."""
    moment = EPOCH + timedelta(seconds=number) + (LATER + timedelta(minutes=edit) if edit else timedelta(0))
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def fields(number: int, edit: int = 0) -> dict[str, str]:
    """Return what the CRM holds of user `number`, from 1 on; each edit gives another name."""
    name = f"User {number}" if edit == 0 else f"User {number} the {edit}th"
    return {"name": name, "email": f"user{number}@example.com", "phone": f"+1 212 555 {number % 10_000:04}"}


def as_json(number: int, edit: int = 0) -> str:
    """Return one record as the CRM lists it. By hand: there are many, and none needs escaping."""
    about = fields(number, edit)
    return (
        f'{{"crm_id":"{crm_id(number)}","external_id":null,"version":{edit + 1},"updated_at":"{stamp(number, edit)}",'
        f'"deleted":false,"name":"{about["name"]}","email":"{about["email"]}","phone":"{about["phone"]}"}}'
    )


def edited(count: int, records: int, edit: int) -> list[int]:
    """Return which users an edit is of: `count` of them, all over the table but for the last page of the feed."""
    step = (records - 1000) // count
    return [1 + (edit * 7) % step + place * step for place in range(count)]
