"""The engine: what moves between the records and the CRM, and what is decided on the way."""
