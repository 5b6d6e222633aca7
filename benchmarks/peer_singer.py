"""A Singer tap: pages of the change feed. Run by peers.py, where the peers are, into a target."""

from requests import Response
from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BaseAPIPaginator
from singer_sdk.streams import RESTStream

WORDS = ("crm_id", "external_id", "updated_at", "name", "email", "phone")


class Cursors(BaseAPIPaginator):
    def has_more(self, response: Response) -> bool:
        return response.json()["has_more"]

    def get_next(self, response: Response) -> str | None:
        return response.json()["next_cursor"]


class Users(RESTStream):
    name = "crm_users"
    path = "/crm/users"
    primary_keys = ("crm_id",)
    records_jsonpath = "$.items[*]"
    schema = th.PropertiesList(
        *(th.Property(one, th.StringType) for one in WORDS),
        th.Property("version", th.IntegerType),
        th.Property("deleted", th.BooleanType),
    ).to_dict()

    @property
    def url_base(self) -> str:
        return self.config["url"]

    @property
    def http_headers(self) -> dict[str, str]:
        return {"X-API-Key": "demo-api-key"}

    def get_new_paginator(self) -> Cursors:
        return Cursors(None)

    def get_url_params(self, _context: object, next_page_token: str | None) -> dict[str, str]:
        return {"limit": "1000", **({"updated_since": next_page_token} if next_page_token else {})}


class TapCrm(Tap):
    name = "tap-crm"
    config_jsonschema = th.PropertiesList(th.Property("url", th.StringType, required=True)).to_dict()

    def discover_streams(self) -> list[Users]:
        return [Users(self)]


if __name__ == "__main__":
    TapCrm.cli()
