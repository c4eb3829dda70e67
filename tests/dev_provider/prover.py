"""An application with a DPoP key, in front of a provider: real keys, real proofs."""

import itertools
from dataclasses import dataclass, field

from dev_provider.harness import CALLBACK, FORM, ISSUER, VERIFIER, World
from token_factory import public_jwk, sign

from spa_auth.protocol import form
from spa_auth.protocol.dpop_proof import access_token_hash
from spa_auth.protocol.http import Response
from spa_auth.protocol.jwk import thumbprint

_numbers = itertools.count()


@dataclass
class Prover:
    """The demo application with a key of its own; `nonce` is the last one that the provider gave."""

    world: World
    name: str = "k1"
    alg: str = "ES256"
    client_id: str = "demo"
    nonce: str | None = field(default=None)

    @property
    def jkt(self) -> str:
        """The thumbprint of the key."""
        return thumbprint(public_jwk(self.alg, self.name))

    def proof(self, path: str, method: str = "POST", **claims: object) -> tuple[str, str]:
        """A header with a new proof, or with one whose claims are changed; None takes a claim away."""
        good = {
            "jti": f"j-{next(_numbers)}",
            "htm": method,
            "htu": ISSUER.removesuffix("/") + path,
            "iat": int(self.world.clock()),
            "nonce": self.nonce,
        }
        kept = {name: value for name, value in {**good, **claims}.items() if value is not None}
        header = {"typ": "dpop+jwt", "kid": None, "jwk": public_jwk(self.alg, self.name, kid=None)}
        return "DPoP", sign(kept, alg=self.alg, name=self.name, header=header)

    def token(self, *headers: tuple[str, str], **params: str) -> Response:
        """A token request with a proof, or with these headers in its place."""
        sent = headers or (self.proof("/oauth/token"),)
        body = form.encode({"client_id": self.client_id, **params})
        return self.heard(self.world.send("POST", "/oauth/token", *FORM, *sent, body=body))

    def exchange(self, code: str, *headers: tuple[str, str]) -> Response:
        """Exchange a code."""
        params = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return self.token(*headers, grant_type="authorization_code", **params)

    def refresh(self, refresh_token: str, *headers: tuple[str, str], **params: str) -> Response:
        """Use a refresh token."""
        return self.token(*headers, grant_type="refresh_token", refresh_token=refresh_token, **params)

    def userinfo(self, access_token: str, *headers: tuple[str, str], scheme: str = "DPoP") -> Response:
        """Ask for the claims of the user, with a proof, or with these headers in its place."""
        sent = headers or (self.proof("/userinfo", "GET", ath=access_token_hash(access_token)),)
        return self.heard(self.world.send("GET", "/userinfo", ("Authorization", f"{scheme} {access_token}"), *sent))

    def heard(self, response: Response) -> Response:
        """The same response, its nonce kept."""
        self.nonce = response.header("dpop-nonce") or self.nonce
        return response
