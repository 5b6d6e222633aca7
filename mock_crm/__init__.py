"""Plays the role of a CRM: a Flask app of its own that shares nothing with the service that syncs with it."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from werkzeug.routing import BaseConverter

from mock_crm import api, control, errors, guard, misbehave, page, sign_in, webhooks
from mock_crm.crm import Crm
from mock_crm.faults import Faults
from mock_crm.fields import Resource
from mock_crm.limit import Limit
from mock_crm.resources import BY_NAME, RESOURCES
from mock_crm.sender import Sender
from mock_crm.settings import Settings
from mock_crm.stats import Stats
from mock_crm.store import Store
from mock_crm.tokens import Tokens

ACTIONS = {action for each in RESOURCES for action in each.actions}
LARGEST_BODY = 2 * 1024 * 1024


class ActionConverter(BaseConverter):
    """Makes `<action:action>` in a rule one that some resource declares."""

    regex = "|".join(sorted(ACTIONS))


class ResourceConverter(BaseConverter):
    """Makes `<resource:resource>` in a rule the declaration itself, and an undeclared one a 404."""

    regex = "|".join(BY_NAME)

    def to_python(self, value: str) -> Resource:
        return BY_NAME[value]

    def to_url(self, value: Resource) -> str:
        return value.name


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Build the app from `MOCK_CRM_…` settings: those given come first, then the environment's.

    All state hangs off `app.extensions["mock_crm"]`, whose `stop()` ends the threads and closes the database.
    One process must serve one database: faults, limits and the sender of webhooks are its own.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it, its protocol has not
    app.url_map.converters |= {"resource": ResourceConverter, "action": ActionConverter}
    crm = app.extensions["mock_crm"] = _parts(Settings.read(settings))
    errors.install(app)
    guard.install(app)
    for prefix, name in (("/crm", "crm"), ("/api/v1", "v1")):
        for served in (sign_in, webhooks, api):
            app.register_blueprint(served.blueprint, url_prefix=prefix, name=f"{name}_{served.blueprint.name}")
    app.register_blueprint(control.blueprint)
    app.register_blueprint(page.blueprint)
    app.wsgi_app = crm.stats.around(misbehave.around(app.wsgi_app, crm.faults))  # type: ignore[assignment, method-assign]
    crm.resume()
    return app


def _parts(settings: Settings) -> Crm:
    store = Store(settings.database)
    return Crm(
        settings=settings,
        store=store,
        tokens=Tokens(store, settings),
        limit=Limit(settings.rate_limit, settings.clock),
        stats=Stats(BY_NAME, {*BY_NAME, *ACTIONS, "merge"}),
        faults=Faults(RESOURCES, enabled=settings.faults),
        sender=Sender(store, settings.clock, settings.webhook_pause),
    )
