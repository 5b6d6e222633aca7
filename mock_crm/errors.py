"""Turns every error of every route into JSON: {"error", "message"}."""

import logging
import sqlite3
from typing import Any

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

log = logging.getLogger(__name__)


class ApiError(Exception):
    """A refusal, as the caller is told it."""

    def __init__(
        self, status: int, error: str, message: str, *, headers: dict[str, str] | None = None, **details: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body = {"error": error, "message": message, **details}

    def answer(self) -> Response:
        response = jsonify(self.body)
        response.status_code = self.status
        response.headers.update(self.headers)
        return response


def not_found(message: str = "There is no such record.", **details: Any) -> ApiError:
    return ApiError(404, "not_found", message, **details)


def install(app: Flask) -> None:
    app.register_error_handler(ApiError, ApiError.answer)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(sqlite3.OperationalError, _answer_storage_error)


def _answer_http_exception(error: HTTPException) -> Response:
    """Keep the status and its headers (Allow, Retry-After), drop the HTML."""
    response = error.get_response()
    name = (error.name or "error").lower().replace(" ", "_")
    answer = jsonify(error=name, message=error.description or error.name)
    answer.status_code = response.status_code
    for key, value in response.headers.items():
        if key.lower() not in {"content-type", "content-length"}:
            answer.headers[key] = value
    return answer


def _answer_storage_error(error: sqlite3.OperationalError) -> Response:
    log.error("the database did not answer: %s", error)
    return ApiError(503, "unavailable", "The CRM cannot reach its records.", headers={"Retry-After": "1"}).answer()
