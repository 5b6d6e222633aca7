"""`flask sync demo`: a narrated tour against the running stack: create, edit there, edit here, outage, conflict."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import click
import requests

PATIENCE = 20.0


class Tour:
    """Plays an application that calls the API, and the staff of the CRM."""

    def __init__(self, api: str, crm: str, key: str) -> None:
        self._api = api
        self._crm = crm
        self._staff = {"X-API-Key": key}
        self._http = requests.Session()

    def run(self) -> None:
        """Tell the tour. Raises click.ClickException when the stack is not there or does not do what is told."""
        user = self._create()
        self._edit_there(user)
        self._edit_here(user)
        self._outage()
        self._conflict(user)
        click.secho("\nThat is all of it. What happened to the first user:", bold=True)
        for change in self._get(f"/users/{user['id']}/changes")["data"]:
            click.echo(f"  {change['at']}  {change['by']:8} {change['field']}: {change['from']!r} → {change['to']!r}")

    def _create(self) -> dict[str, Any]:
        _say("1. The application creates a user.")
        user = self._new_user("John Smith")
        click.echo(f"   POST /users → {user['sync_status']}, and the CRM calls it {user['crm_id']}.")
        return user

    def _edit_there(self, user: dict[str, Any]) -> None:
        _say("2. Somebody edits the phone in the CRM; its webhook arrives.")
        began = time.monotonic()
        self._edit_in_crm(user, phone="987-654-3210")
        self._until(user, lambda now: now["phone"] == "987-654-3210")
        click.echo(f"   GET /users/… shows it {time.monotonic() - began:.2f} s later.")

    def _edit_here(self, user: dict[str, Any]) -> None:
        _say("3. The application edits the name; it reaches the CRM.")
        self._patch(user, name="John Q. Smith")
        there = self._in_crm(user)
        click.echo(f"   PATCH /users/… → the CRM has {there['name']!r}, and still the phone {there['phone']!r}.")

    def _outage(self) -> None:
        _say("4. The CRM stops answering. Users are stored all the same, and arrive when it is back.")
        self._break_crm()
        try:
            waiting = self._new_user("Jane Doe")
            click.echo(f"   POST /users → {waiting['sync_status']}: {waiting['sync_error']}")
        finally:
            self._call("DELETE", f"{self._crm}/crm/_faults")
        click.echo("   The CRM is back.")
        found = self._until(waiting, lambda now: now["sync_status"] == "synced")
        click.echo(f"   GET /users/… → synced as {found['crm_id']}: one record there, not two.")

    def _conflict(self, user: dict[str, Any]) -> None:
        _say("5. Both sides change the same field. The CRM wins, and both values are kept.")
        self._patch(user, prefer="respond-async", phone="111-111-1111")
        self._edit_in_crm(user, phone="555-555-5555")
        self._until(user, lambda now: now["phone"] == "555-555-5555" and now["sync_status"] == "synced")
        found = self._get(f"/sync/conflicts?record_id={user['id']}")["data"]
        for one in found:
            click.echo(
                f"   {one['field']}: here {one['local']!r}, in the CRM {one['crm']!r} → {one['resolution']} wins."
            )
        if not found:
            click.echo("   The edit here arrived before the edit there, so the two did not meet this time.")

    def _break_crm(self) -> None:
        answer = self._call("POST", f"{self._crm}/crm/_faults", json={"mode": "status", "status": 503, "count": None})
        if answer.status_code == requests.codes.not_found:
            raise click.ClickException("The mock CRM runs without MOCK_CRM_FAULTS=1; make run sets it.")

    def _new_user(self, name: str) -> dict[str, Any]:
        email = f"{name.lower().replace(' ', '.')}.{uuid4().hex[:8]}@example.com"
        body = {"name": name, "email": email, "phone": "123-456-7890"}
        return self._json(self._call("POST", f"{self._api}/users", json=body))

    def _patch(self, user: dict[str, Any], prefer: str = "", **fields: str) -> None:
        headers = {"Prefer": prefer} if prefer else {}
        self._json(self._call("PATCH", f"{self._api}/users/{user['id']}", json=fields, headers=headers))

    def _edit_in_crm(self, user: dict[str, Any], **fields: str) -> None:
        url = f"{self._crm}/crm/users/{user['crm_id']}"
        self._json(self._call("PATCH", url, json=fields, headers=self._staff))

    def _in_crm(self, user: dict[str, Any]) -> dict[str, Any]:
        return self._json(self._call("GET", f"{self._crm}/crm/users/{user['crm_id']}", headers=self._staff))

    def _get(self, path: str) -> dict[str, Any]:
        return self._json(self._call("GET", self._api + path))

    def _until(self, user: dict[str, Any], done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            now = self._get(f"/users/{user['id']}")
            if done(now):
                return now
            time.sleep(0.05)
        raise click.ClickException(f"That took longer than {PATIENCE:.0f} s. See the log of make run.")

    def _call(self, method: str, url: str, **request: Any) -> requests.Response:
        try:
            return self._http.request(method, url, timeout=30, **request)
        except requests.ConnectionError as error:
            raise click.ClickException(f"Nothing answers at {url}. Say make run in another terminal.") from error

    @staticmethod
    def _json(answer: requests.Response) -> dict[str, Any]:
        if not answer.ok:
            raise click.ClickException(
                f"{answer.request.method} {answer.url} → {answer.status_code}: {answer.text[:300]}"
            )
        body: dict[str, Any] = answer.json()
        return body


def _say(text: str) -> None:
    click.secho(f"\n{text}", bold=True)
