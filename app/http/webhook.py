"""`POST /webhook`: the signature over the raw bytes first, then what the delivery says."""

from flask import Blueprint, Response, current_app, jsonify, request

from app.core.errors import Unauthorized
from app.crm import signature
from app.http.bodies import read_json, read_raw
from app.http.wiring import engine
from app.services import deliveries

ACCEPTED = 202


def blueprint() -> Blueprint:
    routes = Blueprint("webhook", __name__)
    routes.add_url_rule("/webhook", "receive", receive, methods=["POST"])
    return routes


def receive() -> tuple[Response, int]:
    """Take in one delivery, or a list of them."""
    identity = _proven_id()
    body = read_json()
    if isinstance(body, list):
        outcomes = deliveries.receive_all(engine(), identity, body)
        return jsonify({"success": True, "results": outcomes}), 200
    outcome = deliveries.receive(engine(), identity, body)
    return jsonify(outcome), ACCEPTED if outcome["outcome"] == "parked" else 200


def _proven_id() -> str | None:
    """Return the id of a signed delivery; None for an unsigned one where those are taken. Raises Unauthorized."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if not signature.is_signed(headers):
        if current_app.config["WEBHOOK_UNSIGNED"]:
            return None
        raise Unauthorized("The webhook is not signed.")
    try:
        now = engine().world.now()
        return signature.verify(current_app.config["WEBHOOK_SECRETS"], headers, read_raw(), now)
    except signature.BadSignature as error:
        raise Unauthorized(str(error)) from error
