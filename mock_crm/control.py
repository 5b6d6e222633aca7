"""Serves the controls that a real CRM has not: injected faults, statistics and health."""

from typing import Any

from flask import Blueprint, Response, jsonify

from mock_crm import outbox, records
from mock_crm.bodies import json_object
from mock_crm.crm import current
from mock_crm.errors import ApiError
from mock_crm.faults import Faults
from mock_crm.resources import RESOURCES

blueprint = Blueprint("control", __name__)


@blueprint.post("/crm/_faults")
def inject() -> tuple[Response, int]:
    return jsonify(_faults().add(json_object()).as_json()), 201


@blueprint.get("/crm/_faults")
def injected() -> Response:
    return jsonify(items=_faults().as_json())


@blueprint.delete("/crm/_faults")
def heal() -> Response:
    _faults()
    return jsonify(healed=current().heal())


@blueprint.get("/crm/_stats")
def stats() -> Response:
    crm = current()
    with crm.store.reading() as db:
        counted = {each.name: records.counts(db, each.name) for each in RESOURCES}
        waiting = outbox.waiting(db)
    webhooks: dict[str, Any] = {"sent": crm.sender.sent, "failed": crm.sender.failed, "waiting": waiting}
    return jsonify(**crm.stats.as_json(), records=counted, webhooks=webhooks)


@blueprint.delete("/crm/_stats")
def reset_stats() -> tuple[str, int]:
    current().stats.reset()
    current().sender.reset_counts()
    return "", 204


@blueprint.get("/healthz")
def health() -> Response:
    with current().store.reading() as db:
        db.execute("SELECT 1")
    return jsonify(status="ok")


def _faults() -> Faults:
    faults = current().faults
    if not faults.enabled:
        raise ApiError(404, "not_found", "Faults can be injected only with MOCK_CRM_FAULTS=1.")
    return faults
