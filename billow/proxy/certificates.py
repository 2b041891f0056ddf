"""Make a certificate authority for Stripe's names alone, and the certificate of the proxy that it signs."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAMES = ("api.stripe.com", "files.stripe.com", "connect.stripe.com", "meter-events.stripe.com")
"""The names that Stripe's clients call."""
DOMAIN = "stripe.com"
AUTHORITY_DAYS, SERVER_DAYS = 3650, 90
"""The certificate of the server is made anew at each start."""
EARLIER = timedelta(days=1)
"""How long before its making a certificate is good, for clients whose clock is behind."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where the certificates are kept. Only `authority` is for others to see."""

    authority: Path
    authority_key: Path
    server: Path


def files_of(data: Path) -> Files:
    return Files(data / "proxy-ca.pem", data / "proxy-ca-key.pem", data / "proxy-server.pem")


def prepare(data: Path, now: datetime) -> Files:
    """Make what is missing or expired, and a new certificate of the server; return where all of it is."""
    files = files_of(data)
    key, authority = authority_of(files, now)
    server_key = ec.generate_private_key(ec.SECP256R1())
    server = signed(authority, key, server_key, now)
    _write(files.server, _private(server_key) + _public(server) + _public(authority))
    return files


def authority_of(files: Files, now: datetime) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """Return the authority that is kept and its key; make both if they are missing or soon expire."""
    if files.authority.exists() and files.authority_key.exists():
        kept = x509.load_pem_x509_certificate(files.authority.read_bytes())
        key = serialization.load_pem_private_key(files.authority_key.read_bytes(), None)
        good = kept.not_valid_after_utc > now + timedelta(days=SERVER_DAYS)
        if good and isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == kept.public_key():
            return key, kept
    made = ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(made, now)
    _write(files.authority_key, _private(made))
    _write(files.authority, _public(certificate))
    return made, certificate


def _self_signed(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    """Make an authority that can vouch for names below stripe.com only: a stolen key is of no other use."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "billow proxy, this machine only")])
    return (
        _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(x509.NameConstraints([x509.DNSName(DOMAIN)], None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def signed(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    names: Sequence[str] = NAMES,
) -> x509.Certificate:
    """Make the certificate of a server, signed by the authority."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    return (
        _builder(name, authority.subject, key.public_key(), now, SERVER_DAYS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    """Replace a file at once; only its owner may read it, from its first byte on."""
    descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)  # mode 0600
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    os.replace(draft, path)
