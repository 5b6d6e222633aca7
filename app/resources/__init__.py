"""What is synced: one file for each resource, and the registry that `create_app()` hands to the generic code."""

from app.core.resource import Resource, registry_of
from app.resources.calendar_events import CalendarEvent
from app.resources.clients import Client
from app.resources.comments import Comment
from app.resources.contacts import Contact
from app.resources.interactions import Interaction
from app.resources.projects import Project
from app.resources.tasks import Task
from app.resources.users import User

REGISTRY: dict[str, Resource] = registry_of(User, Contact, Client, Interaction, Project, Task, Comment, CalendarEvent)
