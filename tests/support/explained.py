"""What the service says of a record in plain words, checked for being sentences."""

from app.services.explaining import explain


def told_of(engine, user):
    found = explain(engine, engine.registry["users"], user["id"])
    assert found["summary"] == found["text"][0]
    for sentence in [*found["text"], found["advice"] or "Nothing."]:
        assert not [odd for odd in ("None", "  ", " .") if odd in sentence], sentence
    assert set(found["fields"]) == {"name", "email", "phone"}
    return found
