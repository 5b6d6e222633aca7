"""Who may call: anyone on this machine in development, holders of a token in production."""

import hmac
import ipaddress

from flask import Flask, current_app, request

from app.core.errors import Forbidden, Unauthorized

OPEN = ("/healthz", "/readyz")
OWN_PROOF = ("/webhook", "/api/v1/webhook")
"""Routes that check a proof of their own."""


def guard(app: Flask) -> None:
    """Refuse a call before it reaches a view."""
    app.before_request(_check_machine if app.config["APP_ENV"] == "development" else _check_token)


def _check_machine() -> None:
    try:
        near = ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        near = False
    if not near:
        raise Forbidden("In development the service answers this machine only; set APP_ENV=production.")


def _check_token() -> None:
    if current_app.config["APP_ENV"] != "production" or request.path in (*OPEN, *OWN_PROOF):
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    tokens = current_app.config["API_TOKENS"]
    known = any(hmac.compare_digest(token.strip().encode(), one.encode()) for one in tokens)
    if scheme.lower() != "bearer" or not known:
        raise Unauthorized("Send Authorization: Bearer with one of API_TOKENS.")
