"""What those who sit in a room say to each other to connect: descriptions and candidates, what they send, the relay."""

from signaling.connection import Connection
from signaling.ice import ice_servers
from signaling.presence import Sittings, Tell, room_name
from signaling.protocol import Done, FreshIce, Ice, Media, MediaOf, Refusal, Signal, SignalFrom
from teleconsult.clock import now
from teleconsult.settings import Settings


class SignalPart:
    """A part of the room: `signal`, `media` and `ice`."""

    def __init__(self, settings: Settings, *, sittings: Sittings, tell: Tell) -> None:
        self._settings, self._sittings, self._tell = settings, sittings, tell

    async def on_signal(self, connection: Connection, message: Signal) -> Done | Refusal:
        """Pass a description or a candidate on to one peer in the same room."""
        sitting = self._sittings.of(connection)
        if sitting is None:
            return Refusal("not-joined")
        target = self._sittings.at(sitting.seat.room_id, message.to)
        if target is None or target is sitting:
            return Refusal("gone")
        signal = SignalFrom(sitting.seat.pid, message.description, message.candidate, message.path)
        await self._tell("signal", signal, to=target.connection.sid)
        return Done()

    async def on_media(self, connection: Connection, message: Media) -> Done | Refusal:
        """Say whether microphone and camera are on, and what is sent."""
        sitting = self._sittings.of(connection)
        if sitting is None:
            return Refusal("not-joined")
        seat = sitting.seat
        seat.audio, seat.video = message.audio, message.video
        if message.streams is not None:
            seat.streams = message.streams
        told = MediaOf(seat.pid, seat.audio, seat.video, seat.streams)
        await self._tell("media", told, to=room_name(seat.room_id), skip=connection.sid)
        return Done()

    async def on_ice(self, connection: Connection, _message: Ice) -> FreshIce | Refusal:
        """New credentials for the relay, before ICE restarts."""
        sitting = self._sittings.of(connection)
        if sitting is None:
            return Refusal("not-joined")
        return FreshIce(ice_servers(self._settings, participant=sitting.seat.pid, at=now()))
