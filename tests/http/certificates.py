"""Certificates made on the fly."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


class Authority:
    """A CA of its own, with its certificate in `file`; each certificate's files lie beside it."""

    def __init__(self, folder: Path, name: str = "Test CA") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._certificate = self._signed(self._name, self._key, ca=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(self._certificate.public_bytes(PEM))

    def _signed(
        self, subject, key, *, ca=False, host="127.0.0.1", days=30, own=False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        try:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        except ValueError:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
        signer = key if own else self._key
        issuer = subject if own else self._name
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=60))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(names, critical=False)
            .sign(signer, hashes.SHA256())
        )

    def issue(self, name: str, *, passphrase: bytes = b"", **how) -> tuple[Path, Path]:
        """Files of a certificate and its key.

        `host` it is made out to, `days` it is valid (negative: expired), `own` for self-signed.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(_named(name), key, **how)
        cert_file, key_file = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        cert_file.write_bytes(certificate.public_bytes(PEM))
        lock = (
            serialization.BestAvailableEncryption(passphrase)
            if passphrase
            else serialization.NoEncryption()
        )
        key_file.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, lock))
        return cert_file, key_file

    def server(self, *, clients: bool = False, **how) -> ssl.SSLContext:
        """What a server needs to speak TLS; `clients` must show a certificate of this CA."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue("server", **how))
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.file)
        return context


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
