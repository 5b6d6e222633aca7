"""The API described: OpenAPI, the explorer and the Postman collection."""

from flask import Blueprint


def blueprint() -> Blueprint:
    return Blueprint("docs", __name__)
