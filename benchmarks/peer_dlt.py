"""A pull with dlt: pages of the change feed, merged on their primary key. Run by peers.py, where the peers are."""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import dlt
import requests

url, destination, folder, records = sys.argv[1:]


@dlt.resource(name="users", primary_key="crm_id", write_disposition="merge")
def users() -> Iterator[list[dict[str, Any]]]:
    session, cursor, more = requests.Session(), None, True
    while more:
        asked = {"limit": "1000", **({"updated_since": cursor} if cursor else {})}
        page = session.get(f"{url}/crm/users", params=asked, headers={"X-API-Key": "demo-api-key"}, timeout=30).json()
        cursor, more = page["next_cursor"], page["has_more"]
        yield page["items"]


if destination == "duckdb":
    into = dlt.destinations.duckdb(f"{folder}/store.duckdb")
else:
    into = dlt.destinations.sqlalchemy(f"sqlite:///{folder}/store.db")
pipeline = dlt.pipeline("peer", destination=into, dataset_name="peer", pipelines_dir=f"{folder}/pipelines")
begun = time.perf_counter()
pipeline.run(users())
taken = time.perf_counter() - begun
with pipeline.sql_client() as sql:
    found = sql.execute_sql("SELECT count(*) FROM users")[0][0]
assert found == int(records), found
print(json.dumps(taken))
