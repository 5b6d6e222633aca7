"""Ways to sign in to the CRM, its canned answers, and what was sent."""

from app.crm import CRMConfig
from tests.support.settings import CRM_PATH as PATH
from tests.support.settings import CRM_URL as URL

RECORD = {"crm_id": "CRM1", "version": 1, "name": "Ann"}
OAUTH = CRMConfig(URL, client_id="client", client_secret="s3cret&=+ é☃")
JWT = CRMConfig(URL, authentication_type="jwt", username="ann", password="pa55word")
KEY = CRMConfig(URL, authentication_type="api_key", api_key="k3y-0123456789")
TOKEN, LOGIN, REFRESH = (f"{URL}/crm/{each}" for each in ("token", "auth/login", "auth/refresh"))


def record(line, *statuses):
    for status in statuses or (200,):
        line.get(f"{URL}{PATH}/CRM1", json=RECORD if status == 200 else {"error": "no"}, status=status)


def token(line, value="t1", url=TOKEN, status=200, **more):
    line.post(url, json={"access_token": value, "expires_in": 3600, **more}, status=status)


def count(line, url):
    return sum(call.request.url == url for call in line.calls)


def sent(line):
    """Return what the calls for records proved themselves with."""
    return [call.request.headers["Authorization"] for call in line.calls if PATH in call.request.url]
