"""Certificates for a TLS door on loopback, as they should be and as they should not."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KINDS = ("good", "expired", "wrong host", "self-signed")
DAY = timedelta(days=1)


class Authority:
    """Makes a folder with `ca.pem`, and certificates that it signs."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of tests")])
        now = datetime.now(UTC)
        builder = self.begin(self.name, self.key, now - DAY, now + DAY)
        builder = builder.issuer_name(self.name)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, True)
        self.file = folder / "ca.pem"
        self.write(self.file, builder.sign(self.key, hashes.SHA256()))

    def begin(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, since: datetime, until: datetime
    ) -> x509.CertificateBuilder:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(identifier, False)
        )

    def chain(self, kind: str) -> Path:
        """A file with a key and a certificate of this kind (`KINDS`) for 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a server of tests")])
        now = datetime.now(UTC)
        until = now - DAY if kind == "expired" else now + DAY
        builder = self.begin(name, key, now - 2 * DAY, until)
        host: x509.GeneralName = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        if kind == "wrong host":
            host = x509.DNSName("elsewhere.example.org")
        builder = builder.add_extension(x509.SubjectAlternativeName([host]), False)
        signer = key if kind == "self-signed" else self.key
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(authority, False)
        builder = builder.issuer_name(name if kind == "self-signed" else self.name)
        file = self.folder / f"{kind.replace(' ', '-')}.pem"
        self.write(file, builder.sign(signer, hashes.SHA256()), key)
        return file

    def context(self, kind: str) -> ssl.SSLContext:
        """What a server needs to show a certificate of this kind."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.chain(kind))
        return context

    def write(
        self,
        file: Path,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> None:
        data = certificate.public_bytes(serialization.Encoding.PEM)
        if key is not None:
            data += key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        file.touch(0o600)
        file.write_bytes(data)
