"""Which operations an answer leads to, for the OpenAPI document: the ids in it, put where they are asked for."""

from app.core.resource import Resource
from app.http.openapi_parts import Doc, names

OWN_RECORD = "$request.path.record_id"


def link(operation_id: str, **places: str) -> Doc:
    """Return one link; `places` says for each parameter of the operation where its value is found."""
    return {operation_id: {"operationId": operation_id, "parameters": places}}


def links(operation_ids: tuple[str, ...], **places: str) -> Doc:
    """Return links to operations that take the same parameters."""
    return {key: found for each in operation_ids for key, found in link(each, **places).items()}


def to_record(resource: Resource, identity: str) -> Doc:
    """Return what can be done with a record that was just answered."""
    verbs = ("read{0}", "replace{0}", "edit{0}", "delete{0}", "list{0}Changes", "explain{0}", "sync{0}")
    return links(_of(resource, *verbs), record_id=identity)


def after_deletion(resource: Resource) -> Doc:
    """Return what can still be done with a record that was deleted."""
    return links(_of(resource, "restore{0}", "list{0}Changes", "explain{0}"), record_id=OWN_RECORD)


def to_undo(resource: Resource) -> Doc:
    """Return the way back from the newest change of a journal."""
    (undo,) = _of(resource, "undo{0}Change")
    return link(undo, record_id=OWN_RECORD, change_id="$response.body#/data/0/id")


def to_run(place: str) -> Doc:
    """Return what can be done with a run."""
    return links(("readRun", "rollBackRun", "approveRun", "refuseRun"), run_id=place)


def to_conflict(place: str) -> Doc:
    """Return what can be done with a conflict."""
    return links(("readConflict", "resolveConflict"), conflict_id=place)


def _of(resource: Resource, *verbs: str) -> tuple[str, ...]:
    return tuple(verb.format(*names(resource)) for verb in verbs)
