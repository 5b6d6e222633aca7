"""The CRM client's configuration in tests, and a create to make with it."""

from app.crm import CRMConfig
from tests.support.settings import ANN
from tests.support.settings import CRM_PATH as PATH
from tests.support.settings import CRM_URL as URL

CONFIG = CRMConfig(URL, authentication_type="api_key", api_key="demo-api-key")
CREATED = {"crm_id": "CRM1", "version": 1, "external_id": "ours", **ANN}


def create(client, **more):
    return client.create(PATH, ANN, external_id="ours", key="key-1", **more)
