"""The explorer asks nothing of another host, and the Postman collection is the one that is kept."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from app.resources import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
POSTMAN = ROOT / "postman"
KEPT = POSTMAN / "crm-sync.postman_collection.json"
RENEW = "with the stack running: curl -s http://127.0.0.1:8000/postman.json -o postman/crm-sync.postman_collection.json"


@pytest.fixture
def registry():
    return REGISTRY


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def tags(client):
    parser = Tags()
    parser.feed(client.get("/docs").text)
    return parser.found


def assets(tags):
    return [about.get("src") or about["href"] for tag, about in tags if tag in {"script", "link"}]


def requests(items):
    for item in items:
        if "item" in item:
            yield from requests(item["item"])
        else:
            yield item


@pytest.fixture
def collection(client):
    return client.get("/postman.json").json


def test_the_explorer_takes_everything_from_here(client, tags):
    answer = client.get("/docs")
    assert answer.mimetype == "text/html"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert not any("//" in path for path in assets(tags))


def test_the_explorer_has_no_script_in_the_page(client, tags):
    assert re.findall(r"<script[^>]*>([^<]+)</script>", client.get("/docs").text) == []
    assert not any(name.startswith("on") for _, about in tags for name in about)


def test_every_file_of_the_explorer_is_served(client, tags):
    kinds = {".js": "text/javascript", ".css": "text/css", ".png": "image/png"}
    assert len(assets(tags)) == 5
    for path in assets(tags):
        with client.get(f"/{path}") as answer:
            assert answer.status_code == 200, path
            assert answer.mimetype == kinds[Path(path).suffix]
            assert b"sourceMappingURL" not in answer.data, path
            etag = answer.headers["ETag"]
        with client.get(f"/{path}", headers={"If-None-Match": etag}) as again:
            assert again.status_code == 304


def test_a_file_that_is_not_there_is_a_problem(client):
    for path in ("nothing.js", "../explorer.html", "%2e%2e/explorer.html"):
        answer = client.get(f"/docs/static/{path}")
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_the_collection_that_is_kept_is_the_one_that_is_served(client):
    assert KEPT.read_text("utf-8") == client.get("/postman.json").text, RENEW


def test_the_collection_uses_every_operation(client, collection):
    document = client.get("/openapi.json").json
    documented = {
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}
    }
    used = set()
    for one in requests(collection["item"]):
        url = one["request"]["url"]
        path = ("/" + "/".join(url["path"])).removeprefix("/api/v1")
        if url["host"] == ["{{baseUrl}}"]:
            used.add(described(documented, one["request"]["method"], path))
    assert used == documented


def described(documented, method, path):
    """Return the operation that a request goes to; one that names its path whole comes first."""
    fits = [
        (verb, template)
        for verb, template in documented
        if verb == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    ]
    return min(fits, key=lambda one: (one[1].count("{"), -len(one[1])), default=(method, path))


def test_every_request_of_the_collection_has_tests_and_a_name_of_its_own(collection):
    found = list(requests(collection["item"]))
    assert len({one["name"] for one in found}) == len(found)
    for one in found:
        (script,) = [event["script"]["exec"] for event in one["event"] if event["listen"] == "test"]
        assert sum("pm.test(" in line for line in script) >= 2, one["name"]


def test_every_variable_of_the_collection_is_declared(collection):
    declared = {one["key"] for one in collection["variable"]}
    text = json.dumps(collection)
    used = set(re.findall(r"\{\{(\w+)\}\}", text)) | set(re.findall(r"collectionVariables\.[gs]et\(\\\"(\w+)", text))
    assert used == declared


def test_newman_is_pinned_and_its_lock_names_no_host():
    asked = json.loads((POSTMAN / "package.json").read_text())["devDependencies"]
    locked = json.loads((POSTMAN / "package-lock.json").read_text())["packages"]
    assert locked["node_modules/newman"]["version"] == asked["newman"]
    packages = [about for path, about in locked.items() if path]
    assert all("integrity" in about and "resolved" not in about for about in packages)
