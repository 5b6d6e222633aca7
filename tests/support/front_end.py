"""What the front end's documentation sends, and how the tests of its dialect look at answers."""

JOHN = {
    "firstName": "John", "lastName": "Doe", "email": "john.doe@example.com", "phone": "555-123-4567",
    "company": "Acme Inc", "title": "Software Engineer", "source": "acmecrm", "sourceId": "contact-1",
}  # fmt: skip
JANE = {
    "firstName": "Jane", "lastName": "Smith", "email": "jane.smith@example.com", "phone": "555-987-6543",
    "company": "Tech Corp", "title": "Product Manager", "source": "acmecrm", "sourceId": "contact-2",
}  # fmt: skip
NEW = {"status": "active", "tags": [], "customFields": {}, "address": {}, "version": 1}
NOBODY = "00000000-0000-4000-8000-000000000000"
URL = "/api/contacts"


def has(shown, documented):
    assert {name: shown[name] for name in documented} == documented


def refused(answer, status, code):
    body = answer.json
    assert (answer.status_code, answer.mimetype, body["success"], body["code"]) == (
        status, "application/json", False, code,
    ), body  # fmt: skip
    assert body["requestId"] == answer.headers["X-Request-Id"]
    assert isinstance(body["error"], str)
    assert "data" not in body
    return body
