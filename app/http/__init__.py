"""HTTP in, JSON out: no SQL here and no calls to the CRM."""
