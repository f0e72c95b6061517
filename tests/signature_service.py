"""A signature service as the wire shows it (CSC API v1): it has the key, and keeps what it was asked."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

SECRET = "of the clinic"


class Service(ThreadingHTTPServer):
    """Answers on loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer = "well"

    @property
    def address(self) -> str:
        """For the settings."""
        return f"http://127.0.0.1:{self.server_port}/csc/v1/"


class _Answering(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, question))
        if self.server.answer == "no" or self.headers["Authorization"] != f"Bearer {SECRET}":
            self.send_response(401)
            self.end_headers()
            return
        told: Any = {"SAD": "permitted"}
        if self.path.endswith("signHash"):
            assert question["SAD"] == "permitted"
            digest = base64.b64decode(question["hash"][0])
            signature = self.server.key.sign(digest, ec.ECDSA(Prehashed(hashes.SHA256())))
            told = {"signatures": [base64.b64encode(signature).decode()]}
        if self.server.answer == "nonsense":
            told = ["nothing"]
        body = b"x" * 100_000 if self.server.answer == "much" else json.dumps(told).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def signature_service() -> Iterator[Service]:
    """One that runs for as long as the block does."""
    with Service() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
