"""What we build on of python-socketio and python-engineio that they do not promise: when one of these changes, read
`signaling/{server,engine,line}.py` again before taking the new version.
"""

import hashlib
import inspect

import engineio
import pytest
import socketio
from engineio.async_socket import AsyncSocket

OVERRIDDEN = {
    socketio.AsyncServer._engineio_server_class: "(self)",
    socketio.AsyncServer._handle_eio_message: "(self, eio_sid, data)",
    socketio.AsyncServer._handle_eio_disconnect: "(self, eio_sid, reason)",
    socketio.AsyncServer._handle_event: "(self, eio_sid, namespace, id, data)",
    socketio.AsyncManager.connect: "(self, sid, namespace)",
    socketio.AsyncManager.disconnect: "(self, sid, namespace, **kwargs)",
    socketio.AsyncManager.emit: (
        "(self, event, data, namespace, room=None, skip_sid=None, callback=None, to=None, **kwargs)"
    ),
    engineio.AsyncServer.disconnect: "(self, sid=None)",
    engineio.AsyncServer._handle_connect: "(self, environ, transport, jsonp_index=None)",
    AsyncSocket.send: "(self, pkt)",
    AsyncSocket.receive: "(self, pkt)",
    AsyncSocket.close: "(self, wait=True, abort=False, reason=None)",
    AsyncSocket.schedule_ping: "(self)",
    AsyncSocket.handle_post_request: "(self, environ)",
    AsyncSocket._upgrade_websocket: "(self, environ)",
}
CALLED = {
    engineio.AsyncServer._upgrades: "(self, sid, transport)",
    engineio.AsyncServer._ok: "(self, packets=None, headers=None, jsonp_index=None)",
    engineio.AsyncServer._bad_request: "(self, message=None)",
    AsyncSocket.poll: "(self)",
    AsyncSocket.handle_get_request: "(self, environ)",
    socketio.AsyncManager.sid_from_eio_sid: "(self, eio_sid, namespace)",
    socketio.AsyncManager.is_connected: "(self, sid, namespace)",
    socketio.AsyncManager.get_participants: "(self, namespace, room)",
    socketio.AsyncManager.get_namespaces: "(self)",
    socketio.AsyncManager.eio_sid_from_sid: "(self, sid, namespace)",
}
REPLACED = {
    engineio.AsyncServer._handle_connect: "5bd7edc1d1ae115a",
    AsyncSocket._upgrade_websocket: "820b83efe96adb98",
    AsyncSocket._websocket_handler: "27f120df4d717a24",
    socketio.AsyncServer._handle_event_internal: "472e8b723a12d507",
}
"""What is done by code of ours instead, by the digest of what it was when ours was written."""


@pytest.mark.parametrize(
    ("method", "signature"), (OVERRIDDEN | CALLED).items(), ids=lambda one: getattr(one, "__qualname__", "")
)
def test_the_libraries_methods_are_as_we_know_them(method: object, signature: str) -> None:
    assert callable(method)
    assert str(inspect.signature(method)) == signature


@pytest.mark.parametrize(("method", "digest"), REPLACED.items(), ids=lambda one: getattr(one, "__qualname__", ""))
def test_what_we_replaced_does_what_it_did(method: object, digest: str) -> None:
    assert inspect.isfunction(method)
    assert hashlib.sha256(inspect.getsource(method).encode()).hexdigest()[:16] == digest


def test_the_libraries_attributes_are_where_we_look_for_them() -> None:
    server = socketio.AsyncServer(async_mode="aiohttp")
    assert {"eio", "manager", "namespace_handlers", "namespaces", "not_handled"} <= {*dir(server)}
    assert {"sockets", "handlers", "ping_interval", "ping_timeout", "max_http_buffer_size"} <= vars(server.eio).keys()
    assert {"connect", "message", "disconnect"} <= server.eio.handlers.keys()
    line = AsyncSocket(server.eio, "1")
    expected = {"queue", "last_ping", "connected", "upgrading", "upgraded", "closing", "closed"}
    assert expected <= vars(line).keys()
