"""Who did what: `record` inside the act, `verify_chain` afterwards."""

from teleconsult.audit.recording import record, record_denied
from teleconsult.audit.verifying import ChainVerdict, verify_chain

__all__ = ["ChainVerdict", "record", "record_denied", "verify_chain"]
