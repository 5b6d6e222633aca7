"""The requests of the Postman collection about the records of one resource: their life, and what is refused."""

from functools import cached_property
from typing import Any

from app.core.resource import Registry, Resource
from app.http import openapi_examples as examples
from app.http.openapi_parts import a, names
from app.http.postman_parts import Api, Doc, Step, equals, folder, has, named

NOBODY = "00000000-0000-4000-8000-000000000000"
NEW_RUN = (
    'pm.collectionVariables.set("run", Date.now().toString(36) + Math.floor(Math.random() * 1e6).toString(36));',
    'pm.collectionVariables.set("tries", 0);',
)


def made(resource: Resource) -> str:
    """Return the variable with the id of the record that the folders of a resource are about."""
    one, _ = names(resource)
    return f"{{{{{one[0].lower()}{one[1:]}Id}}}}"


class Flow:
    """The folders about one resource."""

    def __init__(self, api: Api, registry: Registry, resource: Resource) -> None:
        self.api = api
        self.registry = registry
        self.resource = resource
        self.word = resource.singular
        self.name, self.many = names(resource)
        self.one = f"{self.name[0].lower()}{self.name[1:]}"
        self.identity = {"record_id": self.variable("Id")}
        mine = f'pm.collectionVariables.get("{self.one}Id")'
        self.same = {"it is the same record": f"pm.expect(body.id).to.equal({mine});"}
        self.etag = {f"{self.one}Etag": 'pm.response.headers.get("ETag")'}

    @cached_property
    def tagged(self) -> dict[str, Any]:
        """Return a whole record of which each run has one of its own."""
        whole = self._example("create{0}", "whole") | self.referring
        tagged = self.resource.unique_fields or (examples.label(self.resource).name,)
        return {name: examples.tagged(value, "{{run}}") if name in tagged else value for name, value in whole.items()}

    @cached_property
    def referring(self) -> dict[str, str]:
        """Return the references that a record must have, to records that were made in the folders before."""
        whole = examples.whole(self.resource)
        targets = {name: kind.target(whole) for name, kind in self.resource.references.items() if whole[name]}
        return {name: made(self.registry[target]) for name, target in targets.items() if target}

    def variable(self, what: str) -> str:
        return f"{{{{{self.one}{what}}}}}"

    def request(self, verb: str, step: Step) -> Doc:
        return self.api.request(verb.format(self.name, self.many), step)

    def life(self) -> Doc:
        """Make a record, find it and change it."""
        return folder(self.many, self.resource.description, [*self._made(), *self._found(), *self._changed()])

    def refusals(self) -> Doc:
        """Show what is refused, and how."""
        items = [*self._invalid(), *self._not_there(), *self._too_late(), *self._taken()]
        return folder(f"{self.many}: refused", "Every error is a problem (RFC 9457) and says what is wrong.", items)

    def end(self) -> Doc:
        """Delete the record: it is gone, its journal is not."""
        deleted = {"the journal says so": equals("body.data[0].field", "deleted")}
        items = [
            self._step("delete{0}", f"Delete the {self.word}", 204, ids=self.identity),
            self._refused("read{0}", f"the deleted {self.word}", 404, "not_found", ids=self.identity),
            self._step(
                "list{0}Changes", f"List the changes of the deleted {self.word}", 200, ids=self.identity, checks=deleted
            ),
            self._step("restore{0}", f"Restore the {self.word}", 200, ids=self.identity, checks=self.same),
            self._step("delete{0}", f"Delete the {self.word} again", 204, ids=self.identity),
        ]
        return folder(f"{self.many}: the end", "A tombstone stays, and is pushed.", items)

    def _made(self) -> list[Doc]:
        sent: dict[str, Any] = {"body": self.tagged, "headers": {"Idempotency-Key": "{{run}}"}}
        keeps = {f"{self.one}Id": "body.id", f"{self.one}CrmId": "body.crm_id", **self.etag}
        new = {
            "it is in the CRM": equals("body.sync_status", "synced"),
            "Location says where": 'pm.expect(pm.response.headers.get("Location")).to.include(body.id);',
            **self._holds(),
        }
        again = {"it is the first answer": 'pm.response.to.have.header("Idempotency-Replayed", "true");', **self.same}
        return [
            self._step("create{0}", f"Create {a(self.resource)}", 201, **sent, before=NEW_RUN, keeps=keeps, checks=new),
            self._step("create{0}", f"Create the same {self.word}, with the same key", 201, **sent, checks=again),
        ]

    def _found(self) -> list[Doc]:
        mine = f'[pm.collectionVariables.get("{self.one}Id")]'
        newest = {"the newest comes first": f"pm.expect([body.data[0].id]).to.eql({mine});"}
        only = {"it is found": f"pm.expect(body.data.map((one) => one.id)).to.eql({mine});"}
        have_it = {"If-None-Match": self.variable("Etag")}
        page = {"per_page": "5", "sort": "-created_at"}
        it: dict[str, Any] = {"ids": self.identity}
        same: dict[str, Any] = {"checks": self.same, **it}
        return [
            self._step("read{0}", f"Read the {self.word}", 200, **same, keeps=self.etag),
            self._step("read{0}", f"Read the {self.word} under /api/v1", 200, **same, prefix="/api/v1"),
            self._step("read{0}", f"Read the {self.word} only if it changed", 304, **it, headers=have_it),
            self._step("list{1}", f"List {self.resource.name}", 200, query=page, checks=newest),
            self._step("list{1}", f"Find the {self.word}", 200, query={"q": "{{run}}"}, checks=only),
        ]

    def _changed(self) -> list[Doc]:
        patch = self._example("edit{0}", "one")
        new = {f"{name} is the new one": has(name, value) for name, value in patch.items()}
        version = {"If-Match": self.variable("Etag")}
        by_api = {"the API made them": 'pm.expect(body.data.map((one) => one.by)).to.include("api");'}
        in_step = {"it is in step": equals("body.sync_status", "synced"), **self.same}
        crm_id = {f"{self.one}CrmId": "body.crm_id"}
        it: dict[str, Any] = {"ids": self.identity}
        edit: dict[str, Any] = {"body": patch, "keeps": self.etag, "checks": self.same | new, **it}
        replace: dict[str, Any] = {"body": self.tagged, "keeps": self.etag, "checks": self.same | self._holds(), **it}
        return [
            self._step("edit{0}", f"Edit the {self.word}", 200, **edit, headers=version),
            self._step("replace{0}", f"Replace the {self.word}", 200, **replace),
            self._step("list{0}Changes", f"List the changes of the {self.word}", 200, **it, checks=by_api),
            self._step("sync{0}", f"Sync the {self.word}", 200, **it, keeps=crm_id, checks=in_step),
        ]

    def _invalid(self) -> list[Doc]:
        required = [name for name, field in self.resource.fields.items() if field.required]
        wrong, page = named(*required, "nonsense"), named("per_page")
        plain: dict[str, Any] = {"body": self.tagged, "headers": {"Content-Type": "text/plain"}}
        return [
            self._refused(
                "create{0}", "fields missing and unknown", 400, "invalid", body={"nonsense": 1}, checks=wrong
            ),
            self._refused("create{0}", "a body that is not JSON", 400, "invalid", body="{nonsense"),
            self._refused("create{0}", "a body not declared as JSON", 415, "unsupported_media_type", **plain),
            self._refused("list{1}", "a page too large", 400, "invalid", query={"per_page": "1000"}, checks=page),
        ]

    def _not_there(self) -> list[Doc]:
        nobody: dict[str, Any] = {"ids": {"record_id": NOBODY}}
        who = f"{a(self.resource)} that is not there"
        return [
            self._refused("read{0}", who, 404, "not_found", **nobody),
            self._refused("edit{0}", f"an edit of {who}", 404, "not_found", body={}, **nobody),
        ]

    def _too_late(self) -> list[Doc]:
        old, patch = {"If-Match": '"999-00000000"'}, self._example("edit{0}", "one")
        late, it = patch | {"version": 999}, self.identity
        return [
            self._refused("edit{0}", "another version, by header", 412, "stale", body=patch, ids=it, headers=old),
            self._refused("edit{0}", "another version, by body", 412, "stale", body=late, ids=it),
        ]

    def _taken(self) -> list[Doc]:
        reused: dict[str, Any] = {
            "headers": {"Idempotency-Key": "{{run}}"},
            "body": self._example("create{0}", "least"),
        }
        found = [self._refused("create{0}", "a key of another request", 422, "idempotency_key_reused", **reused)]
        if self.resource.unique_fields:
            twice: dict[str, Any] = {"body": self.tagged, "checks": named(*self.resource.unique_fields[:1])}
            found.append(self._refused("create{0}", "a value that is taken", 409, "taken", **twice))
        return found

    def _step(self, verb: str, title: str, status: int, **about: Any) -> Doc:
        return self.request(verb, Step(title, status, **about))

    def _refused(self, verb: str, title: str, status: int, code: str, **about: Any) -> Doc:
        checks = {"the code is for programs": equals("body.code", code), **about.pop("checks", {})}
        return self._step(verb, f"{self.many}, refused: {title}", status, checks=checks, **about)

    def _holds(self) -> dict[str, str]:
        """Return checks that a record holds what was sent."""
        return {f"{name} is what was sent": has(name, value) for name, value in self.tagged.items()}

    def _example(self, verb: str, name: str) -> Any:
        return self.api.example(verb.format(self.name, self.many), name)
