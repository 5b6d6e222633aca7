"""The requests of the Postman collection about what a record has been through."""

from app.http import openapi_examples as examples
from app.http.openapi_parts import a
from app.http.postman_parts import Doc, Step, equals, folder, has
from app.http.postman_records import NOBODY, Flow

NO_CHANGE = "999999999"


def lookback(flow: Flow) -> Doc:
    """Explain the record, and take an edit back."""
    field, it = examples.edited(flow.resource), flow.identity
    before, new = flow.tagged[field.name], examples.other(field, 5)
    change = {**it, "change_id": flow.variable("ChangeId")}
    named_ = {"it is explained in words": 'pm.expect(body.summary).to.be.a("string").that.is.not.empty;'}
    steps: list[tuple[str, Step]] = [
        ("explain{0}", Step(f"Explain the {flow.word}", 200, ids=it, checks=named_)),
        ("edit{0}", Step(f"Edit the {flow.word} by mistake", 200, {field.name: new}, ids=it)),
        (
            "list{0}Changes",
            Step(
                f"Find the mistake of the {flow.word}",
                200,
                ids=it,
                query={"limit": "1"},
                checks={"it is the newest": equals("body.data[0].to", new)},
                keeps={f"{flow.one}ChangeId": "body.data[0].id"},
            ),
        ),
        (
            "undo{0}Change",
            Step(f"Undo it for the {flow.word}", 200, ids=change, checks={"it was": has(field.name, before)}),
        ),
        ("undo{0}Change", Step(f"Undo it twice for the {flow.word}", 412, ids=change)),
        ("undo{0}Change", Step(f"Undo what the {flow.word} never was", 404, ids={**it, "change_id": NO_CHANGE})),
        ("restore{0}", Step(f"Restore the {flow.word}, which lives", 200, ids=it, checks=flow.same)),
        ("restore{0}", Step(f"Restore {a(flow.resource)} that is not there", 404, ids={"record_id": NOBODY})),
        ("explain{0}", Step(f"Explain {a(flow.resource)} that is not there", 404, ids={"record_id": NOBODY})),
    ]
    items = [flow.request(verb, step) for verb, step in steps]
    return folder(f"{flow.many}: looking back", "Why it is as it is, and the way back.", items)
