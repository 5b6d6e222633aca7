"""The sync inside another program: with its database, without a server, a worker or a command."""

from app.embedded.config import ConflictResolution, SyncConfig, SyncDirection
from app.embedded.crm_sync import CRMSync
from app.embedded.views import Conflict

__all__ = ["CRMSync", "Conflict", "ConflictResolution", "SyncConfig", "SyncDirection"]
