"""A room whose media pass through us, and who is in it."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from signaling.media.forwarder import Forwarder, LineState, Wanted
from tests.signaling.media.peer import Peer, Track

Enter = Callable[..., Awaitable[Peer]]


@pytest.fixture
def told() -> list[tuple[uuid.UUID, LineState]]:
    """What was told of lines."""
    return []


@pytest.fixture
async def forwarder(told: list[tuple[uuid.UUID, LineState]]) -> AsyncIterator[Forwarder]:
    """One room."""
    room = Forwarder(line_changed=lambda pid, state: told.append((pid, state)))
    yield room
    await room.close()


@pytest.fixture
async def enter(forwarder: Forwarder) -> AsyncIterator[Enter]:
    """Have somebody come in, with what they send and want."""
    there: list[Peer] = []

    async def enter(*, sends: Sequence[Track] = (), wants: Sequence[Wanted] = (), pid: uuid.UUID | None = None) -> Peer:
        peer = Peer(forwarder, pid or uuid.uuid4(), sends, wants)
        there.append(peer)
        return await peer.connect()

    yield enter
    for peer in there:
        await peer.close()
