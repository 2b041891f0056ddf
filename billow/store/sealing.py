"""Seal what is stored for a while and must be read again, with the installation's own secret."""

import base64
import hashlib

from cryptography.fernet import Fernet


def box(secret: bytes, purpose: bytes) -> Fernet:
    """Return what seals and opens for one purpose; it opens nothing that was sealed for another."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(purpose + secret).digest()))
