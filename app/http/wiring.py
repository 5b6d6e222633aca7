"""What a view finds on the application: the engine and the settings, put there by `create_app()`."""

from flask import current_app

from app.sync.engine import Engine

ENGINE = "crm-sync.engine"
BY = "api"
"""Who asked for a run, made a rule or decided a conflict, as these remember it."""


def engine() -> Engine:
    found = current_app.extensions[ENGINE]
    assert isinstance(found, Engine)
    return found
