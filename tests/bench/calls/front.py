"""nginx in front of the product, as `deploy/nginx.conf` has it: TLS and HTTP/2, one connection for all a page needs."""

import base64
import contextlib
import hashlib
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from tests.certificates import make_certificate
from tests.links.link import HUB

ROOT: Final = Path(__file__).parents[3]
PORT: Final = 8443
BEHIND: Final[Mapping[str, str]] = {
    "TELECONSULT_PUBLIC_URL": f"https://{HUB}:{PORT}",
    "TELECONSULT_TRUSTED_PROXIES": f"{HUB}/32",
}
"""Settings of a server that stands behind it."""

KEEPS: Final = "--disable-features=WebRtcHideLocalIpsWithMdns,CompressionDictionaryTransportRequireKnownRootCert"
"""The first as `tests.browser` has it: the browser takes the last such list."""


@contextlib.contextmanager
def in_front(port: int, inside: tuple[str, ...], folder: Path) -> Iterator[list[str]]:
    """Until the end, at `PORT` of the hub, before a server at `port` of it; gives what has a Chromium trust it.

    Told to overlook every certificate it would keep nothing of what comes: it is told of this one, and
    that no dictionary (RFC 9842) needs an authority that everybody knows.
    """
    made = make_certificate(folder / "tls", address=HUB)
    conf = (ROOT / "deploy" / "nginx.conf").read_text().replace("/tmp/", f"{folder}/nginx-")
    conf = re.sub(r"app-\d+:8080", f"{HUB}:{port}", conf)
    conf = conf.replace("/run/secrets/tls_cert", str(made.certificate)).replace("/run/secrets/tls_key", str(made.key))
    conf = conf.replace("proxy_set_header Host $host;", "proxy_set_header Host $http_host;")  # a port of its own
    (folder / "nginx.conf").write_text(conf)
    server = subprocess.Popen([*inside, "nginx", "-c", folder / "nginx.conf", "-g", "daemon off; user root;"])
    try:
        ask = [*inside, "bash", "-c", f"exec 3<>/dev/tcp/{HUB}/{PORT}"]
        while subprocess.run(ask, check=False, stderr=subprocess.DEVNULL).returncode:
            assert server.poll() is None
            time.sleep(0.1)
        key = load_pem_x509_certificate(made.certificate.read_bytes()).public_key()
        digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
        yield [f"--ignore-certificate-errors-spki-list={base64.b64encode(digest).decode()}", KEEPS]
    finally:
        server.terminate()
        server.wait()
