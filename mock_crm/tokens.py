"""Issues and checks the tokens that callers sign in with: JWTs signed with a key that outlives a restart."""

import hashlib
import secrets
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from mock_crm.settings import Settings
from mock_crm.store import Store

_REFRESH_TTL = 30 * 24 * 3600
_REMEMBERED = 1000


class Tokens:
    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._ttl = settings.token_ttl
        self._clock = settings.clock
        self._key = OctKey.import_key(_signing_key(store))
        # Checking a signature costs more than storing a record, so an access token is checked once.
        self._checked: dict[str, float] = {}

    def access(self, subject: str) -> dict[str, Any]:
        """The answer that carries a new access token (RFC 6749, 5.1)."""
        token = self._issue(subject, "access", self._ttl)
        return {"access_token": token, "token_type": "Bearer", "expires_in": self._ttl}

    def pair(self, subject: str) -> dict[str, Any]:
        return {**self.access(subject), "refresh_token": self._issue(subject, "refresh", _REFRESH_TTL)}

    def exchange(self, token: str) -> dict[str, Any] | None:
        """A new pair for a refresh token that is good, which it is only once."""
        claims = self._claims(token, "refresh")
        if claims is None:
            return None
        with self._store.writing() as db:
            db.execute("DELETE FROM spent_tokens WHERE expires_at < ?", (self._clock(),))
            spent = db.execute("INSERT OR IGNORE INTO spent_tokens VALUES (?, ?)", (claims["jti"], claims["exp"]))
        return self.pair(claims["sub"]) if spent.rowcount else None

    def is_good(self, token: str) -> bool:
        """Whether an access token may call now."""
        expires_at = self._checked.get(token)
        if expires_at is None:
            claims = self._claims(token, "access")
            if claims is None:
                return False
            expires_at = float(claims["exp"])
            if len(self._checked) >= _REMEMBERED:
                self._checked.clear()
            self._checked[token] = expires_at
        return self._clock() < expires_at

    def _issue(self, subject: str, use: str, ttl: int) -> str:
        now = int(self._clock())
        claims = {"sub": subject, "use": use, "iat": now, "exp": now + ttl, "jti": secrets.token_hex(16)}
        return jwt.encode({"alg": "HS256"}, claims, self._key)

    def _claims(self, token: str, use: str) -> dict[str, Any] | None:
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"]).claims
        except (JoseError, ValueError):  # joserfc lets some malformed tokens escape as plain ValueErrors
            return None
        good = claims.get("use") == use and claims["exp"] > self._clock()
        return claims if good else None


def same(given: object, expected: str) -> bool:
    """Whether a secret is right, in a time that tells nothing about it."""
    digests = [hashlib.sha256(text.encode()).digest() for text in (str(given), expected)]
    return isinstance(given, str) and secrets.compare_digest(*digests)


def _signing_key(store: Store) -> bytes:
    with store.writing() as db:
        db.execute("INSERT OR IGNORE INTO signing_keys VALUES (1, ?)", (secrets.token_bytes(32),))
        (key,) = db.execute("SELECT key FROM signing_keys").fetchone()
    return bytes(key)
