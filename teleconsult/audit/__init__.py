"""Who did what: `record` inside the act, `verify` afterwards, `make_checkpoint` now and then."""

from teleconsult.audit.recording import record, record_denied

__all__ = ["record", "record_denied"]
