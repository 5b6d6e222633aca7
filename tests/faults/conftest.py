"""An installation on real sockets, one for each test."""

import pytest

from tests.support.faults_crm import Site


@pytest.fixture
def bare_site(tmp_path, database_url, settings):
    """Web, worker and mock CRM in threads, none of them started; `settings` may be overridden by a module or a class."""
    made = Site(tmp_path, database_url, settings)
    yield made
    made.stop()


@pytest.fixture
def site(bare_site):
    """An installation that runs."""
    bare_site.start_all()
    return bare_site
