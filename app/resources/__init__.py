"""What is synced: one file for each resource, and the registry that `create_app()` hands to the generic code."""

from app.core.resource import Resource
from app.resources.users import User

REGISTRY: dict[str, Resource] = {resource.name: resource for resource in (Resource(User),)}
