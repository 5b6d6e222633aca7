"""A CRM with the fewest calls that one may have: sign-in, records of any resource, and what changed since."""

import itertools

from flask import Flask, abort, jsonify, request

from tests.support.crm import InProcess


class TinyCrm:
    """Keeps whatever it is given, under any resource; `line` carries the service's calls to it."""

    def __init__(self, clock):
        self.clock = clock
        self.rows = {}
        self.ids = itertools.count(1)
        self.line = InProcess(self._app())

    def _app(self):
        app = Flask(__name__)
        app.add_url_rule("/crm/token", "token", self.token, methods=["POST"])
        app.add_url_rule("/crm/<resource>", "list", self.list, methods=["GET"])
        app.add_url_rule("/crm/<resource>", "create", self.create, methods=["POST"])
        app.add_url_rule("/crm/<resource>/<crm_id>", "read", self.read, methods=["GET"])
        app.add_url_rule("/crm/<resource>/<crm_id>", "edit", self.patch, methods=["PATCH", "PUT"])
        app.add_url_rule("/crm/<resource>/<crm_id>", "delete", self.remove, methods=["DELETE"])
        return app

    def edit(self, crm_id, **fields):
        """Change a record as the CRM's staff would."""
        self.clock.pass_(seconds=1)
        row = self.rows[crm_id]
        row |= {**fields, "version": row["version"] + 1, "updated_at": self.clock.now().isoformat()}
        return row

    def token(self):
        return jsonify(access_token="t", token_type="Bearer", expires_in=3600)

    def list(self, resource):
        mine = [row for row in self.rows.values() if row["resource"] == resource]
        if "external_id" in request.args:
            mine = [row for row in mine if row["external_id"] == request.args["external_id"]]
        since = request.args.get("updated_since", "")
        changed = sorted((row for row in mine if row["updated_at"] > since), key=lambda row: row["updated_at"])
        cursor = max((row["updated_at"] for row in mine), default=since)
        return jsonify(items=[shown(row) for row in changed], next_cursor=cursor, has_more=False)

    def create(self, resource):
        crm_id = f"T{next(self.ids)}"
        self.rows[crm_id] = {"resource": resource, "crm_id": crm_id, "version": 0, "deleted": False}
        return jsonify(shown(self.edit(crm_id, **request.get_json()))), 201

    def read(self, resource, crm_id):
        return jsonify(shown(self._row(crm_id)))

    def patch(self, resource, crm_id):
        row = self._row(crm_id)
        if request.headers.get("If-Match", f'"{row["version"]}"') != f'"{row["version"]}"':
            abort(412)
        return jsonify(shown(self.edit(crm_id, **request.get_json())))

    def remove(self, resource, crm_id):
        self._row(crm_id)
        self.edit(crm_id, deleted=True)
        return "", 204

    def _row(self, crm_id):
        row = self.rows.get(crm_id)
        return row if row and not row["deleted"] else abort(404)


def shown(row):
    return {name: value for name, value in row.items() if name != "resource"}
