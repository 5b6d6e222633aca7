"""One request of the Postman collection with its tests, made from an operation of the OpenAPI document."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Doc = dict[str, Any]
TRIES, PAUSE = 60, 250
"""How often a request that waits for something is sent, and the milliseconds between."""


@dataclass(frozen=True)
class Step:
    """What a request adds to its operation.

    `checks` are titles and JavaScript that may use `body`; `keeps` are collection variables and where in the body
    they come from; `before` is JavaScript that runs first; `until` is JavaScript that says that the wait is over.
    """

    title: str
    status: int
    body: Any = None
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    checks: Mapping[str, str] = field(default_factory=dict)
    keeps: Mapping[str, str] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    until: str = ""
    prefix: str = ""


class Api:
    """Makes requests out of the operations of a document."""

    def __init__(self, document: Doc) -> None:
        self.document = document
        self._operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, item in document["paths"].items()
            for method, operation in item.items()
            if isinstance(operation, dict) and "operationId" in operation
        }

    def request(self, operation_id: str, step: Step) -> Doc:
        """Return the request for an operation; it must be documented to answer so."""
        method, path, operation = self._operations[operation_id]
        answer = self._resolved(operation["responses"].get(str(step.status), operation["responses"]["default"]))
        media = next(iter(answer.get("content", {})), "")
        content: Doc = answer["content"][media] if media else {}
        tests = _tests(step, media, self._required(content.get("schema", {})))
        address = re.sub(r"\{(\w+)\}", lambda name: step.ids[name[1]], step.prefix + path)
        description = operation["description"]
        return request(step, method, "{{baseUrl}}" + address, tests, description=description)

    def example(self, operation_id: str, name: str) -> Any:
        """Return an example of a request body."""
        content = self._operations[operation_id][2]["requestBody"]["content"]
        return next(iter(content.values()))["examples"][name]["value"]

    def _required(self, schema: Doc) -> list[str]:
        found: list[str] = self._resolved(schema).get("required", [])
        return found

    def _resolved(self, part: Doc) -> Doc:
        if "$ref" not in part:
            return part
        found = self.document
        for key in part["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        return found


def request(step: Step, method: str, url: str, tests: list[str], *, description: str, auth: Doc | None = None) -> Doc:
    """Return one item of the collection."""
    headers = {**({} if step.body is None else {"Content-Type": "application/json"}), **step.headers}
    made: Doc = {
        "method": method,
        "header": [{"key": key, "value": value} for key, value in headers.items()],
        "url": _url(url, step.query),
        "description": description,
    }
    if step.body is not None:
        raw = step.body if isinstance(step.body, str) else json.dumps(step.body, ensure_ascii=False, indent=2)
        made["body"] = {"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}}
    if auth is not None:
        made["auth"] = auth
    return {"name": step.title, "event": _events(step, tests), "request": made, "response": []}


def crm_request(step: Step, method: str, url: str, description: str, auth: Doc) -> Doc:
    """Return a request to the CRM, which is not in our document."""
    tests = [_has_status(step.status), *_of_json(step, [])]
    return request(step, method, url, tests, description=description, auth=auth)


def folder(name: str, description: str, items: list[Doc]) -> Doc:
    return {"name": name, "description": description, "item": items}


def equals(place: str, value: Any) -> str:
    """Return JavaScript that expects a value; one that holds a variable is put in first."""
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | dict):
        return f"pm.expect({place}).to.eql({text});"
    return f"pm.expect({place}).to.equal({f'pm.variables.replaceIn({text})' if '{{' in text else text});"


def named(*names: str) -> dict[str, str]:
    """Return checks that a problem names these fields."""
    return {f"{name} is named": f"pm.expect(body.errors).to.have.property({json.dumps(name)});" for name in names}


def has(name: str, value: Any) -> str:
    """Return JavaScript that expects a member of the body."""
    return equals(f"body[{json.dumps(name)}]", value)


def _tests(step: Step, media: str, required: list[str]) -> list[str]:
    lines = [_has_status(step.status), _test("X-Request-Id is there", 'pm.response.to.have.header("X-Request-Id");')]
    if not media:
        return [*lines, _test("there is no body", 'pm.expect(pm.response.text()).to.equal("");')]
    lines.append(_test(f"it is {media}", f'pm.expect(pm.response.headers.get("Content-Type")).to.include("{media}");'))
    if media.endswith("json"):
        return lines + _of_json(step, required)
    return lines + [_test(title, script) for title, script in step.checks.items()]


def _of_json(step: Step, required: list[str]) -> list[str]:
    lines = ["const body = pm.response.json();"]
    if required:
        lines.append(_test("nothing is missing", f"pm.expect(body).to.include.all.keys({json.dumps(required)});"))
    lines += [_test(title, script) for title, script in step.checks.items()]
    return lines + [f'pm.collectionVariables.set("{name}", {place});' for name, place in step.keeps.items()]


def _has_status(status: int) -> str:
    return _test(f"{status} {HTTPStatus(status).phrase}", f"pm.response.to.have.status({status});")


def _test(title: str, script: str) -> str:
    return f"pm.test({json.dumps(title)}, () => {{ {script} }});"


def _url(url: str, query: Mapping[str, str]) -> Doc:
    host, *path = url.split("/")
    raw = url + ("?" + "&".join(f"{key}={value}" for key, value in query.items()) if query else "")
    parts: Doc = {"raw": raw, "host": [host], "path": path}
    if query:
        parts["query"] = [{"key": key, "value": value} for key, value in query.items()]
    return parts


def _events(step: Step, tests: list[str]) -> list[Doc]:
    before = list(step.before)
    if step.until:
        before.append(f'if (Number(pm.collectionVariables.get("tries"))) setTimeout(() => {{}}, {PAUSE});')
        tests = _waiting(step.until, tests)
    scripts = {"prerequest": before, "test": tests}
    return [
        {"listen": listen, "script": {"type": "text/javascript", "exec": lines}}
        for listen, lines in scripts.items()
        if lines
    ]


def _waiting(until: str, tests: list[str]) -> list[str]:
    """Send the request again until something has happened, but not for ever; then test."""
    return [
        'const tries = Number(pm.collectionVariables.get("tries")) + 1;',
        "let over = false;",
        f"try {{ const body = pm.response.json(); over = {until}; }} catch {{ over = false; }}",
        f"if (!over && tries < {TRIES}) {{",
        '  pm.collectionVariables.set("tries", tries);',
        "  postman.setNextRequest(pm.info.requestName);",
        "} else {",
        '  pm.collectionVariables.set("tries", 0);',
        *(f"  {line}" for line in tests),
        "}",
    ]
