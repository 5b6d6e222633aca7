"""Serves the page on which people look at records and edit them, as CRM staff would."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from mock_crm import forms, outbox, records
from mock_crm.crm import current
from mock_crm.errors import ApiError, not_found
from mock_crm.fields import Field, Resource
from mock_crm.forms import Form
from mock_crm.kinds import Reference
from mock_crm.records import Record
from mock_crm.resources import BY_NAME, RESOURCES
from mock_crm.writing import Writing

ON_A_PAGE = 50
_LAST_PAGE = 1_000_000
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

blueprint = Blueprint("page", __name__)

Answer = str | tuple[str, int] | Redirect


@blueprint.before_request
def refuse_other_sites() -> None:
    """Nobody signs in here, so a form counts only if the browser says it comes from this very page."""
    if request.method == "POST" and not _is_from_here():
        abort(403, "This form must be sent from the CRM's own page.")


@blueprint.after_request
def keep_to_ourselves(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.app_template_filter()
def label(name: str) -> str:
    """A declared name as people read it: due_date is Due date."""
    return re.sub("[_-]", " ", name).capitalize()


@blueprint.get("/")
def home() -> Redirect:
    return redirect(url_for(".listing", resource=RESOURCES[0]))


@blueprint.get("/records/<resource:resource>")
def listing(resource: Resource) -> str:
    text, deleted = request.args.get("q", "").strip(), "deleted" in request.args
    number = min(max(request.args.get("page", 1, type=int), 1), _LAST_PAGE)
    with current().store.reading() as db:
        found, total = records.search(
            db, resource.name, text, deleted=deleted, limit=ON_A_PAGE, offset=(number - 1) * ON_A_PAGE
        )
    pages = max(-(-total // ON_A_PAGE), 1)
    return _page(
        "listing.html", resource, records=found, total=total, q=text, deleted=deleted, number=number, pages=pages
    )


@blueprint.get("/records/<resource:resource>/new")
def blank(resource: Resource) -> str:
    return _page("record.html", resource, record=None, form=forms.blank(resource))


@blueprint.post("/records/<resource:resource>/new")
def create(resource: Resource) -> Answer:
    texts = forms.sent(resource, request.form)
    try:
        with current().writing() as writing:
            record = writing.create(resource, forms.draft(resource, texts, resource.defaults, partial=False))
    except ApiError as refusal:
        return _page("record.html", resource, record=None, form=_refused(texts, refusal)), refusal.status
    return _done(resource, f"{record.crm_id} was created.")


@blueprint.get("/records/<resource:resource>/<crm_id>")
def edit(resource: Resource, crm_id: str) -> str:
    record = _record(resource, crm_id)
    return _page("record.html", resource, record=record, form=forms.of(resource, record.fields))


@blueprint.post("/records/<resource:resource>/<crm_id>")
def save(resource: Resource, crm_id: str) -> Answer:
    """Store what a person changed. What looks the same in the form stays as it was: null does not become empty."""
    stored, texts = _record(resource, crm_id).fields, forms.sent(resource, request.form)
    try:
        with current().writing() as writing:
            draft = forms.draft(resource, texts, stored, partial=True)
            writing.update(resource, crm_id, draft, _is_the_version_shown)
    except ApiError as refusal:
        form = _refused(texts, refusal)
        return _page("record.html", resource, record=_record(resource, crm_id), form=form), refusal.status
    return _done(resource, f"{crm_id} was saved.")


@blueprint.post("/records/<resource:resource>/<crm_id>/delete")
def delete(resource: Resource, crm_id: str) -> Answer:
    def work(writing: Writing) -> None:
        writing.delete(resource, crm_id, _is_the_version_shown)

    return _tried(resource, crm_id, work, f"{crm_id} was deleted.")


@blueprint.post("/records/<resource:resource>/<crm_id>/merge")
def merge(resource: Resource, crm_id: str) -> Answer:
    loser_id = request.form.get("crm_id", "").strip()

    def work(writing: Writing) -> None:
        writing.merge(resource, crm_id, loser_id, _is_the_version_shown)

    return _tried(resource, crm_id, work, f"{loser_id} was merged into {crm_id}.")


def _tried(resource: Resource, crm_id: str, work: Callable[[Writing], None], done: str) -> Answer:
    """Do the work, or show the record again with what was wrong."""
    try:
        with current().writing() as writing:
            work(writing)
    except ApiError as refusal:
        record = _record(resource, crm_id)
        form = _refused(forms.of(resource, record.fields).texts, refusal)
        return _page("record.html", resource, record=record, form=form), refusal.status
    return _done(resource, done)


@blueprint.get("/webhooks")
def webhooks() -> str:
    with current().store.reading() as db:
        subscribed, recent = outbox.subscriptions(db), outbox.recent(db, ON_A_PAGE)
    return _page("webhooks.html", None, subscribed=subscribed, recent=recent)


def _is_from_here() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    try:
        sender = urlsplit(request.headers.get("Origin") or request.headers.get("Referer", ""))
    except ValueError:
        return False
    return sender.netloc == request.host


def _is_the_version_shown(version: int) -> bool:
    return str(version) == request.form.get("version")


def _refused(texts: dict[str, str], refusal: ApiError) -> Form:
    errors = refusal.body.get("errors", {})
    stale = "Somebody changed this record meanwhile. Look at what it says now; saving again puts your values in place."
    message = stale if refusal.status == 412 else "" if errors else refusal.body["message"]  # noqa: PLR2004
    return Form(texts, errors, message)


def _record(resource: Resource, crm_id: str) -> Record:
    with current().store.reading() as db:
        record = records.find(db, resource.name, crm_id, deleted=True)
    if record is None:
        raise not_found()
    return record


def _done(resource: Resource, message: str) -> Redirect:
    return redirect(url_for(".listing", resource=resource, done=message), 303)


def _page(template: str, resource: Resource | None, **shown: Any) -> str:
    return render_template(template, resources=RESOURCES, resource=resource, place=_place, **shown)


def _place(field: Field, values: Mapping[str, Any]) -> str | None:
    """Where the record is that a reference names."""
    target = field.kind.target(values) if isinstance(field.kind, Reference) and values.get(field.name) else None
    return url_for(".edit", resource=BY_NAME[target], crm_id=values[field.name]) if target else None
