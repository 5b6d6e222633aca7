"""The service, and the parts of it that other programs use; nothing is imported before somebody asks for it.

`app.crm` is a library of its own, and importing it must not import Flask, which everything named here needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.embedded import ConflictResolution, CRMSync, SyncConfig, SyncDirection
    from app.wiring import create_app, start_engine

__all__ = ["CRMSync", "ConflictResolution", "SyncConfig", "SyncDirection", "create_app", "start_engine"]
_WHERE = {
    "CRMSync": "app.embedded",
    "ConflictResolution": "app.embedded",
    "SyncConfig": "app.embedded",
    "SyncDirection": "app.embedded",
    "create_app": "app.wiring",
    "start_engine": "app.wiring",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for (PEP 562)."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
