"""Who did what: `record` inside the act, `verify` afterwards, `make_checkpoint` now and then."""

from teleconsult.audit.recording import event_of, record, record_denied

__all__ = ["event_of", "record", "record_denied"]
