"""What a process does once, before it is forked into several."""

import gc
import threading

from app import create_app, garbage
from app.core.db import db
from tests.support.settings import SETTINGS


def test_an_application_that_was_just_made_can_be_forked(database_url):
    before = threading.active_count()
    app = create_app(SETTINGS | {"SQLALCHEMY_DATABASE_URI": database_url})

    with app.app_context():
        assert db.engine.pool.checkedin() == db.engine.pool.checkedout() == 0
        assert threading.active_count() == before


def test_what_exists_when_a_process_is_ready_is_left_alone():
    before = gc.get_threshold()
    try:
        garbage.settle()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] == garbage.YOUNG
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
