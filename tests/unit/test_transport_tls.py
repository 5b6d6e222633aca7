"""Calls over TLS: bounded in time, kept, and only to whom somebody vouches for."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.server import OK, always, lasting, serving, session


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crm")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    form = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, form)
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls(certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_body_that_drips_over_tls_ends_by_the_deadline(tls):
    def answer(server, connection, head):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        server.drip(connection, b"x" * 500)

    with serving(answer, tls) as server, session(server.url, 0.4) as line, lasting(0.2, 1.0):
        with pytest.raises(requests.RequestException):
            line.get(server.url)

        assert len(server.heads) == 1


def test_tls_connections_are_kept_too(tls):
    with serving(always(OK), tls) as server, session(server.url) as line:
        assert [line.get(server.url).content for _ in range(3)] == [b"{}"] * 3
        assert len(server.connections) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(tls, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with serving(always(OK), tls) as server, session(server.url) as line:
        with pytest.raises(requests.exceptions.SSLError):
            line.get(server.url)

        assert server.heads == []


def test_a_handshake_that_never_ends_ends_by_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent, lasting(0.2, 0.9):
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with session(url, 0.3) as line, pytest.raises(requests.RequestException):
            line.get(url)
