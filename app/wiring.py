"""`create_app()`: the only place where the parts are wired together."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import click
import structlog
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate
from phonenumbers import SUPPORTED_REGIONS

import config as settings
from app import cli, logs
from app.core.db import db, init_database
from app.core.errors import Invalid
from app.core.kinds import Phone
from app.core.resource import Registry
from app.core.world import World
from app.crm import CRMClient, CRMConfig
from app.crm.lanes import Lanes
from app.http import (
    access,
    calendar,
    docs,
    errors,
    front_end,
    health,
    ids,
    lookback,
    operations,
    present,
    relations,
    rest,
    search,
    webhook,
)  # fmt: skip
from app.http.sessions import NoSessions
from app.http.wiring import ENGINE
from app.metrics import Metrics, State
from app.resources import REGISTRY
from app.services import notifications, policies
from app.services.notifications import MailSettings
from app.services.status import status
from app.simulator.theatre import Factory
from app.sync import policy, worker
from app.sync.engine import Engine

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
VERSIONED = "/api/v1"
PARTS = (rest, lookback, relations, calendar)
"""What is served of each resource."""
log = structlog.get_logger(__name__)


def create_app(
    overrides: Mapping[str, Any] | None = None, *, world: World | None = None, registry: Registry = REGISTRY
) -> Flask:
    """Build the application from the environment; `overrides` win. Raises config.ConfigError."""
    app = Flask(__name__, static_folder=None)
    app.config.from_mapping(settings.load())
    app.config.update(overrides or {})
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the order of the declaration is the readable one
    app.session_interface = NoSessions()
    logs.configure(app.config["LOG_LEVEL"], app.config["LOG_FILE"])
    logs.trace_requests(app)
    access.guard(app)
    errors.register(app)
    init_database(app)
    Migrate(app, db, directory=str(MIGRATIONS), render_as_batch=True)
    app.config["SCHEMA_VERSION"] = _newest_migration()
    if app.config["PHONE_REGION"] not in SUPPORTED_REGIONS:
        raise settings.ConfigError(f"PHONE_REGION must be a country's two letters, not {app.config['PHONE_REGION']!r}.")
    Phone.region = app.config["PHONE_REGION"]
    engine = start_engine(app, world or World(), registry)
    _serve(app, registry)
    cli.register(app, engine, Factory(create_app, start_engine, registry))
    _say_what_is_lax(app)
    return app


def start_engine(app: Flask, world: World, registry: Registry = REGISTRY) -> Engine:
    """Give the application an engine that remembers nothing of the CRM yet, as a process that starts has."""
    metrics = Metrics()
    engine = _engine(app, world, registry, metrics)
    app.extensions[ENGINE] = engine
    app.extensions[health.METRICS] = metrics
    metrics.registry.register(State(engine, status))
    return engine


def _engine(app: Flask, world: World, registry: Registry, metrics: Metrics) -> Engine:
    config = app.config
    pace_file = Path(config["CRM_PACE_FILE"]) if config["CRM_PACE_FILE"] else None
    crm = CRMClient(_crm_config(config), world, pace_file)
    mail = _mail_settings(config)
    engine = Engine(
        registry=registry,
        crm=crm,
        world=world,
        policies=_policies(config["CONFLICT_POLICY"], registry),
        batch_size=config["SYNC_BATCH_SIZE"],
        interval=timedelta(minutes=config["SYNC_INTERVAL"]),
        give_up_after=timedelta(hours=config["SYNC_GIVE_UP"]),
        push_budget=config["PUSH_BUDGET"],
        sync_deleted=config["SYNC_DELETED"],
        inline=config["SYNC_MODE"] == "inline",
        webhook_url=f"{config['PUBLIC_URL']}/webhook",
        webhook_secret=next(iter(config["WEBHOOK_SECRETS"]), None),
        lanes=Lanes(world, config["CRM_CALLS_AT_ONCE"]),
        count=metrics.count,
        on_spent=lambda resource, record, reason: notifications.tell_spent(mail, resource, record, reason),
    )
    crm.on_call = lambda method, outcome: _called(engine, method, outcome)
    crm.on_recovery = lambda: worker.hasten(engine)
    return engine


def _policies(text: str, registry: Registry) -> policy.Policies:
    try:
        return policy.parse(policies.checked(registry, text))
    except Invalid as error:
        raise settings.ConfigError(f"CONFLICT_POLICY: {error.detail}") from error


def _called(engine: Engine, method: str, outcome: str) -> None:
    engine.lanes.note(outcome)
    engine.count("crm_calls", method=method, outcome=outcome)


def _crm_config(config: Mapping[str, Any]) -> CRMConfig:
    return CRMConfig(
        base_url=config["CRM_API_URL"],
        api_version=config["CRM_API_VERSION"],
        timeout=config["CRM_TIMEOUT"],
        max_retries=config["CRM_MAX_RETRIES"],
        rate_limit_per_minute=config["CRM_RATE_LIMIT"],
        authentication_type=config["CRM_AUTH_TYPE"],
        username=config["CRM_USERNAME"],
        password=config["CRM_PASSWORD"],
        client_id=config["CRM_CLIENT_ID"],
        client_secret=config["CRM_CLIENT_SECRET"],
        api_key=config["CRM_API_KEY"],
        token_refresh_threshold=config["TOKEN_REFRESH_THRESHOLD"],
    )


def _mail_settings(config: Mapping[str, Any]) -> MailSettings:
    return MailSettings(
        host=config["SMTP_HOST"],
        port=config["SMTP_PORT"],
        username=config["SMTP_USERNAME"],
        password=config["SMTP_PASSWORD"],
        sender=config["SMTP_FROM"],
        to=config["NOTIFY_EMAIL"],
        tls=config["SMTP_TLS"],
    )


def _serve(app: Flask, registry: Registry) -> None:
    """Serve the API at / and, the same, at /api/v1; and in the front end's dialect at /api."""
    ids.register(app.url_map)
    made = [module.blueprint(resource) for resource in registry.values() for module in PARTS]
    for blueprint in (*made, search.blueprint(registry), webhook.blueprint(), operations.blueprint()):
        app.register_blueprint(blueprint)
        app.register_blueprint(blueprint, url_prefix=VERSIONED, name=f"{present.VERSION}{blueprint.name}")
    app.register_blueprint(health.blueprint())
    app.register_blueprint(docs.blueprint())
    front_end.register(app, registry)


@cache
def _newest_migration() -> str | None:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config).get_current_head()


def _say_what_is_lax(app: Flask) -> None:
    if click.get_current_context(silent=True) is not None:
        return  # a command speaks for itself; the web process says it once
    if app.config["APP_ENV"] == "development":
        log.info(
            "development_mode",
            access="this machine only, anonymous",
            signing="WEBHOOK_SECRET, or a secret kept in instance/",
            webhooks_unsigned=app.config["WEBHOOK_UNSIGNED"],
        )
    if app.config["APP_ENV"] == "production" and not app.config["API_TOKENS"]:
        log.warning("no_api_tokens", effect="the API answers 401 to everybody; set API_TOKENS")
    if app.config["WEB_CONCURRENCY"] > 1 and not app.config["PROMETHEUS_MULTIPROC_DIR"]:
        log.warning("metrics_apart", effect="/metrics counts for one process of several; set PROMETHEUS_MULTIPROC_DIR")
