"""The endpoints of the CRM's API as a program uses them: `crm.projects.get_all(status="active")`."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from app.crm import dialect, types
from app.crm.dialect import Listed
from app.crm.listing import Listing, every
from app.crm.typed import CRMRecord

if TYPE_CHECKING:
    from app.crm.client import CRMClient

R = TypeVar("R", bound=CRMRecord)
S = TypeVar("S", bound=CRMRecord)
PER_PAGE = 20
LARGEST_PAGE = 100


class Endpoint(Generic[R]):
    """One resource of the CRM. Every method raises the client's errors; ids are the CRM's."""

    name: ClassVar[str]
    kind: type[R]

    def __init__(self, client: "CRMClient") -> None:
        self._client = client
        self.path = self._path_of(self.name)

    def get_all(self, *, page: int = 1, per_page: int = PER_PAGE, **filters: Any) -> Listing[R]:
        """Return one page of the records whose fields are as the filters say; None is no filter.

        Raises TypeError for a filter that is no field: the CRM would pass over it, and list everything.
        """
        return self._listing(self.kind, self.path, page, per_page, filters)

    def iterate(self, *, per_page: int = LARGEST_PAGE, **filters: Any) -> Iterator[R]:
        """Yield all records that fit, a page a call, when they are asked for."""
        return every(partial(self._listing, self.kind, self.path, per_page=per_page, filters=filters))

    def get_by_id(self, record_id: str) -> R:
        """Return one record. Raises NotThere."""
        return self.kind.read(self._client.get(self.path, record_id))

    def create(self, record: R, *, external_id: str | None = None, idempotency_key: str | None = None) -> R:
        """Create a record once, however often the call has to be repeated, and return it as the CRM has it.

        With your own `external_id` it is looked up before it is sent again. With an `idempotency_key` that you keep,
        you can repeat the whole call after OutcomeUnknown.
        """
        key = idempotency_key or self._client.new_key()
        return self.kind.read(self._client.create(self.path, record.given(), external_id=external_id, key=key))

    def update(self, record_id: str, record: R | Mapping[str, Any], *, version: int | None = None) -> R:
        """Change a record and return it as the CRM now has it.

        Of a record that was read, what differs by now is sent, and it must still be at the version that was read: else
        this raises Conflict. Of one that you made, what is given is sent, to whatever is there; the same for fields
        by name, which may be None, with a `version` if you like.
        """
        if isinstance(record, Mapping):
            changes = self.kind.form_of(record)
        else:
            changes, version = record.changes(), record.version if version is None else version
        if not changes:
            return self.get_by_id(record_id)
        key = self._client.new_key()
        return self.kind.read(self._client.update(self.path, record_id, changes, version=version, key=key))

    def delete(self, record_id: str, *, version: int | None = None) -> None:
        """Delete a record, if it still is at `version`; one that is gone already is deleted."""
        self._client.delete(self.path, record_id, version=version)

    def _children(
        self, kind: type[S], record_id: str, name: str, page: int, per_page: int, filters: Mapping[str, Any]
    ) -> Listing[S]:
        return self._listing(kind, f"{dialect.record_path(self.path, record_id)}/{name}", page, per_page, filters)

    def _listing(self, kind: type[S], path: str, page: int, per_page: int, filters: Mapping[str, Any]) -> Listing[S]:
        if page < 1 or per_page < 1:
            raise ValueError("page and per_page must be at least 1.")
        if unknown := filters.keys() - kind.names():
            raise TypeError(f"A {kind.__name__} has no {', '.join(sorted(unknown))} to filter by.")
        wanted = {name: _text(value) for name, value in kind.form_of(filters).items() if value is not None}
        found = self._client.listed(path, wanted | dialect.page_number(page, per_page))
        return _listing_of(kind, found, page, per_page)

    def _path_of(self, name: str) -> str:
        return dialect.resource_path(self._client.config.api_version, name)


class Users(Endpoint[types.User]):
    name, kind = "users", types.User

    def get_user_tasks(
        self, user_id: str, *, page: int = 1, per_page: int = PER_PAGE, **filters: Any
    ) -> Listing[types.Task]:
        """Return a page of what a user has to do."""
        return self._children(types.Task, user_id, "tasks", page, per_page, filters)

    def get_user_projects(
        self, user_id: str, *, page: int = 1, per_page: int = PER_PAGE, **filters: Any
    ) -> Listing[types.Project]:
        """Return a page of the projects that a user owns."""
        return self._children(types.Project, user_id, "projects", page, per_page, filters)


class Contacts(Endpoint[types.Contact]):
    name, kind = "contacts", types.Contact


class Clients(Endpoint[types.Client]):
    name, kind = "clients", types.Client

    def get_client_projects(
        self, client_id: str, *, page: int = 1, per_page: int = PER_PAGE, **filters: Any
    ) -> Listing[types.Project]:
        """Return a page of what is done for a client."""
        return self._children(types.Project, client_id, "projects", page, per_page, filters)


class Interactions(Endpoint[types.Interaction]):
    name, kind = "interactions", types.Interaction


class Projects(Endpoint[types.Project]):
    name, kind = "projects", types.Project

    def get_project_tasks(
        self, project_id: str, *, page: int = 1, per_page: int = PER_PAGE, **filters: Any
    ) -> Listing[types.Task]:
        """Return a page of the tasks of a project."""
        return self._children(types.Task, project_id, "tasks", page, per_page, filters)


class Tasks(Endpoint[types.Task]):
    name, kind = "tasks", types.Task

    def assign_task(self, task_id: str, assignee_id: str | None) -> types.Task:
        """Give a task to a user, or to nobody."""
        return self._act(task_id, "assign", {"assignee_id": assignee_id})

    def update_status(self, task_id: str, status: str) -> types.Task:
        """Say how far a task is."""
        return self._act(task_id, "status", {"status": status})

    def _act(self, task_id: str, action: str, body: Mapping[str, Any]) -> types.Task:
        form = self.kind.form_of(body)
        found = self._client.act(self.path, task_id, action, form, key=self._client.new_key())
        return types.Task.read(found)


class Comments(Endpoint[types.Comment]):
    name, kind = "comments", types.Comment

    def get_entity_comments(
        self, entity_type: str, entity_id: str, *, page: int = 1, per_page: int = PER_PAGE
    ) -> Listing[types.Comment]:
        """Return a page of what was said about one record, such as ("task", "CRM5")."""
        return self.get_all(page=page, per_page=per_page, entity_type=entity_type, entity_id=entity_id)


class CalendarEvents(Endpoint[types.CalendarEvent]):
    name, kind = "calendar-events", types.CalendarEvent


def _listing_of(kind: type[S], found: Listed, page: int, per_page: int) -> Listing[S]:
    items = [kind.read(item) for item in found.items]
    return Listing(items, found.page or page, found.per_page or per_page, found.total, found.pages)


def _text(value: Any) -> str:
    """Return a value as a query says it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
