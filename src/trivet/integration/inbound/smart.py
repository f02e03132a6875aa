"""SMART Backend Services (SMART App Launch 2.0, "Backend Services"): a client without a person, known by its key.

In: a key set in a folder, a client id, the server's discovery. Out: bearer tokens, kept while they last; the public keys as a JWKS.
Refused: private keys that others may read, servers that do not take the key's algorithm. A token or an assertion never leaves this
module but in a request.
"""

from __future__ import annotations

import json
import os
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from trivet.contracts.source import Setting, Wire
from trivet.integration.inbound.fetch import Answer, Fetcher, limits
from trivet.kernel import jsontext
from trivet.kernel.digest import canonical, sha256
from trivet.kernel.errors import Fault, Locked, NotFound, Usage

__all__ = ["SETTINGS", "BackendService", "ClientKeys", "GivenToken", "bearer", "discover", "jwks_text"]

SETTINGS: dict[str, Setting] = {
    "client_id": Setting("text", "", "the client's id at the server; without one nothing is authorised"),
    "scope": Setting("text", "system/*.read", "scopes that are asked for"),
    "token_url": Setting("text", "", "the token endpoint, where the server does not publish it"),
    "keys": Setting("text", "keys/client", "folder with the client's keys, under the home"),
    "token_file": Setting("text", "", "file under the home with a bearer token that the server gave out, instead of a client id"),
}
LASTS = 240  # seconds that an assertion may be used; five minutes are the most the specification allows
EARLY = 30  # seconds before its end at which a token counts as spent
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class ClientKeys:
    """Private keys in a folder, `KID.pem` each; the file `active` names the one that signs. The rest stay published until retired."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, algorithm: str) -> str:
        """A new key for RS384 or ES384; the first one signs at once, a later one when it is `use`d. Gives its kid."""
        if algorithm not in ("RS384", "ES384"):
            raise Usage("E830", "a client key is for RS384 or ES384", why=algorithm, help="trivet client-key new --algorithm ES384")
        key: Private = rsa.generate_private_key(65537, 3072) if algorithm == "RS384" else ec.generate_private_key(ec.SECP384R1())
        kid = thumbprint(public(key))
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        private_write(self.folder / f"{kid}.pem", pem)
        if not (self.folder / "active").exists():
            self.use(kid)
        return kid

    def kids(self) -> list[str]:
        """Every key there is."""
        return sorted(path.stem for path in self.folder.glob("*.pem")) if self.folder.is_dir() else []

    def use(self, kid: str) -> None:
        """Let this key sign from now on."""
        self.load(kid)
        private_write(self.folder / "active", f"{kid}\n".encode())

    def retire(self, kid: str) -> None:
        """Take a key away; the one that signs cannot be."""
        self.load(kid)
        if kid == self.active():
            raise Usage("E831", "the key that signs cannot be retired", where=kid, help="trivet client-key use OTHER")
        (self.folder / f"{kid}.pem").unlink()

    def active(self) -> str:
        """The kid of the key that signs. NotFound when there is none."""
        path = self.folder / "active"
        if not path.is_file():
            raise NotFound("E832", "no client key", where=str(self.folder), help="trivet client-key new")
        return path.read_text(encoding="utf-8").strip()

    def load(self, kid: str) -> Private:
        """A private key. Fault when others may read it or it is none of ours."""
        path = self.folder / f"{kid}.pem"
        if os.sep in kid or not path.is_file():
            raise NotFound("E832", "no such client key", where=str(path), help="trivet client-key list")
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise Fault("E833", "others may read a client key", where=str(path), help=f"chmod 600 {path}; better: a new key")
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise Fault("E834", "a client key cannot be read", where=str(path), why="PEM without a password is expected") from None
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
            return key
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP384R1):
            return key
        raise Fault("E834", "a client key is of the wrong kind", where=str(path), why="RSA of 2048 bits or more, or P-384")

    def jwks(self) -> dict[str, Any]:
        """The public halves (RFC 7517), for the server."""
        return {"keys": [{**public(key := self.load(kid)), "kid": kid, "use": "sig", "alg": algorithm(key)} for kid in self.kids()]}


def algorithm(key: Private) -> str:
    """RS384 or ES384."""
    return "RS384" if isinstance(key, rsa.RSAPrivateKey) else "ES384"


def public(key: Private) -> dict[str, Any]:
    """The members of a public JWK."""
    if isinstance(key, rsa.RSAPrivateKey):
        made: dict[str, Any] = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        return {name: made[name] for name in ("kty", "n", "e")}
    made = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {name: made[name] for name in ("kty", "crv", "x", "y")}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638, hexadecimal."""
    return sha256(canonical(dict(jwk)))[:32]


def private_write(path: Path, content: bytes) -> None:
    """A file that only its owner may read, whole or not at all."""
    fresh = path.with_suffix(path.suffix + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def said(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer, or nothing."""
    try:
        found = jsontext.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def discover(fetcher: Fetcher) -> dict[str, Any]:
    """`.well-known/smart-configuration` of a server. NotFound when it publishes none."""
    answer = fetcher.get(f"{fetcher.base}/.well-known/smart-configuration", "application/json")
    found = said(answer)
    if answer.status != 200 or not found:
        why = f"status {answer.status}, {answer.kind or 'no content type'}"
        raise NotFound("E835", "the server publishes no SMART configuration", where=fetcher.host, why=why, help='token_url = "..."')
    return found


class BackendService:
    """Tokens for one server. The key is read anew for each assertion, so that a rotation needs no restart."""

    def __init__(self, wire: Wire, base: str, now: Callable[[], float] | None = None) -> None:
        self.settings, self.now = wire.settings, now or wire.now
        self.keys = ClientKeys(Path(wire.home) / wire.settings["keys"])
        self.server = Fetcher(base, limits(wire.settings), now=wire.now, sleep=wire.sleep)
        self.endpoint: Fetcher | None = None
        self.audience = ""
        self.wire, self.held, self.ends = wire, "", 0.0
        self.lock = threading.Lock()

    def token(self) -> str:
        """A token that lasts for some time yet."""
        with self.lock:
            if not self.held or self.now() >= self.ends - EARLY:
                self._mint()
            return self.held

    def spoilt(self) -> None:
        """The server did not take it: another one, next time."""
        with self.lock:
            self.held = ""

    def _endpoint(self, signs: str) -> Fetcher:
        if self.endpoint is not None:
            return self.endpoint
        url = self.settings["token_url"]
        if not url:
            found = discover(self.server)
            url = str(found.get("token_endpoint", ""))
            methods = found.get("token_endpoint_auth_methods_supported") or ["private_key_jwt"]
            takes = found.get("token_endpoint_auth_signing_alg_values_supported") or [signs]
            if "private_key_jwt" not in methods or signs not in takes:
                why = f"the server does not take a client's key of {signs}"
                raise Fault("E836", "no common way to be authorised", where=self.server.host, why=why, help="trivet client-key new")
        self.audience = url
        self.endpoint = Fetcher(url, limits(self.settings), now=self.wire.now, sleep=self.wire.sleep)
        return self.endpoint

    def _mint(self) -> None:
        kid = self.keys.active()
        key = self.keys.load(kid)
        endpoint = self._endpoint(algorithm(key))
        client, now = self.settings["client_id"], int(self.now())
        claims = {"iss": client, "sub": client, "aud": self.audience, "exp": now + LASTS, "iat": now, "jti": str(uuid.uuid4())}
        assertion = jwt.encode(claims, key, algorithm=algorithm(key), headers={"kid": kid})
        form = {
            "grant_type": "client_credentials",
            "scope": self.settings["scope"],
            "client_assertion_type": ASSERTION,
            "client_assertion": assertion,
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        answer = endpoint.ask("POST", self.audience, headers, urlencode(form).encode())
        found = said(answer)
        token, lasts = found.get("access_token"), found.get("expires_in", 300)
        if answer.status != 200 or not isinstance(token, str) or not token.isascii() or str(found.get("token_type")).lower() != "bearer":
            code = found.get("error") if found.get("error") in OAUTH else f"status {answer.status}"
            kind = Locked if answer.status >= 500 else Fault
            raise kind("E837", "the server gives no token", where=endpoint.host, why=str(code), help="trivet client-key jwks")
        self.held = token
        self.ends = self.now() + (float(lasts) if isinstance(lasts, int) and not isinstance(lasts, bool) else 300.0)


OAUTH = ("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope")


class GivenToken:
    """A token that the server's people gave out; read anew for each request, so that a new one needs no restart."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def token(self) -> str:
        """What the file holds. Fault E833 when others may read it, or it is not there."""
        if not self.path.is_file() or (os.name == "posix" and self.path.stat().st_mode & 0o077):
            raise Fault("E833", "others may read a secret, or it is not there", where=str(self.path), help=f"chmod 600 {self.path}")
        return self.path.read_text(encoding="ascii", errors="replace").strip()

    def spoilt(self) -> None:
        """The server did not take it: nothing here can make another one."""


def bearer(wire: Wire, base: str) -> BackendService | GivenToken | None:
    """Whoever gets tokens for a source; None when its settings name neither a client nor a token."""
    if wire.settings["token_file"]:
        return GivenToken(Path(wire.home) / wire.settings["token_file"])
    return BackendService(wire, base) if wire.settings["client_id"] else None


def jwks_text(keys: ClientKeys) -> str:
    """The JWKS as a file to publish."""
    return json.dumps(keys.jwks(), indent=2) + "\n"
