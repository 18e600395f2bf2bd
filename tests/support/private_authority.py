"""A private certificate authority, and the certificates that it signs."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

KEY_USES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


class PrivateAuthority:
    """An authority whose certificate is in the file *bundle*; its files are in *folder*."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.bundle = folder / f"{name}.pem"
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        own = {"key_cert_sign": True, "crl_sign": True}
        uses = x509.KeyUsage(**{use: own.get(use, False) for use in KEY_USES})
        self.bundle.write_bytes(self._signed(self._name, self._key, constraints, uses))

    def certificate(self, *hosts: x509.GeneralName) -> Path:
        """Return the file of a new certificate for *hosts*, with its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        file = self._folder / f"{key.private_numbers().private_value:x}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        names = x509.SubjectAlternativeName(hosts)
        file.write_bytes(self._signed(_name("server"), key, names) + private)
        return file

    def server_context(self, *hosts: str) -> ssl.SSLContext:
        """Return the TLS context of a server with a certificate for the names *hosts*."""
        return server_context(self.certificate(*map(x509.DNSName, hosts)))

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType
    ) -> bytes:
        now = datetime.now(UTC)  # noqa: TID251 -- OpenSSL reads the machine's clock
        serial = x509.random_serial_number()
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), serial)
        builder = builder.not_valid_before(now - timedelta(days=1))
        builder = builder.not_valid_after(now + timedelta(days=1))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=True)
        # Since Python 3.13 the checks of RFC 5280 are strict: both key identifiers are needed.
        for identifier in (
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
        ):
            builder = builder.add_extension(identifier, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def server_context(certificate: Path) -> ssl.SSLContext:
    """Return the TLS context of a server with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
