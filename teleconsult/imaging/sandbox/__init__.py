"""Where bytes of strangers are read: worker processes with limits of memory and time, killed when they pass them."""

from teleconsult.imaging.sandbox.pool import Sandbox

__all__ = ["Sandbox"]
