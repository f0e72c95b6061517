"""Media that pass through this server. Whatever of it is imported, every connection of this process is guarded."""

from aioice import ice

from signaling.media.guard import GuardedStun

ice.StunProtocol = GuardedStun  # type: ignore[misc]  # the one place it is put in: aioice makes them by this name
