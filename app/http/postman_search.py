"""The requests of the Postman collection that look for words."""

from app.http.postman_parts import Doc, Step, equals, folder, named
from app.http.postman_records import Flow


def search(flow: Flow) -> Doc:
    """Look for the words of a record: where it is, and everywhere."""
    mine = f'pm.collectionVariables.get("{flow.one}Id")'
    first = {
        "it is found": f"pm.expect(body.data.map((one) => one.id)).to.include({mine});",
        "its words are marked": 'pm.expect(JSON.stringify(body.data[0].highlights)).to.include("<mark>");',
    }
    refused = {"the code is for programs": equals("body.code", "invalid"), **named("q")}
    words = {"q": "{{run}}"}
    steps: list[tuple[str, Step]] = [
        ("search{1}", Step(f"Search {flow.resource.name}", 200, query=words, checks=first)),
        (
            "search",
            Step(
                f"Search everything for the {flow.word}",
                200,
                query={**words, "resources": flow.resource.name},
                checks=first,
            ),
        ),
        ("search{1}", Step(f"Search {flow.resource.name} for no word", 400, query={"q": "-"}, checks=refused)),
    ]
    items = [flow.request(verb, step) for verb, step in steps]
    return folder(f"{flow.many}: search", "Words and beginnings of words, in any letter case.", items)
