"""Whether what the service answers is what the OpenAPI document says."""

from tests.support.openapi import complaints, operations, resolved

TOLD = {"ETag", "Location", "Link", "Retry-After", "Idempotency-Replayed", "Preference-Applied", "WWW-Authenticate"}


def assert_documented(document, tags, answers):
    """Each operation with one of these tags was asked, and each answer is as it is described."""
    known = {name: one for name, (_, _, one) in operations(document).items() if set(one["tags"]) & tags}
    assert answers.keys() == known.keys()
    for name, found in answers.items():
        for answer in found:
            assert undocumented(document, known[name], answer) == [], (name, answer.status, answer.text[:500])


def undocumented(document, operation, answer):
    """Return what an answer has that its operation does not say."""
    status = str(answer.status_code)
    if status not in operation["responses"]:
        return [f"status {status}"]
    said = resolved(document, operation["responses"][status])
    if "content" not in said:
        return ["a body"] if answer.data else []
    if answer.mimetype not in said["content"]:
        return [f"type {answer.mimetype}"]
    headers = [f"header {name}" for name in TOLD & {name for name, _ in answer.headers} - said["headers"].keys()]
    schema = said["content"][answer.mimetype]["schema"]
    found = complaints(document, schema, answer.json) if answer.is_json else []
    return [*headers, *found, *unknown_members(resolved(document, schema), answer)]


def unknown_members(schema, answer):
    if not answer.is_json or "properties" not in schema:
        return []
    return [f"member {name}" for name in answer.json.keys() - schema["properties"].keys()]
