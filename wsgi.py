"""The application for a WSGI server and for the flask command."""

import sys

from app import create_app, garbage
from config import ConfigError

try:
    app = create_app()
except ConfigError as error:
    sys.exit(f"crm-sync: {error}")  # one sentence, without the way there
garbage.settle()
