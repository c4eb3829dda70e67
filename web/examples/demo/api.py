import os
from typing import Annotated

from fastapi import FastAPI, Security

from spa_auth.server.fastapi import AccessToken, TokenAuth

ISSUER = os.environ.get("SPA_AUTH_DEMO_ISSUER", "http://127.0.0.1:9400/")
AUDIENCE = os.environ.get("SPA_AUTH_DEMO_AUDIENCE", "https://api.example")
ORIGINS = os.environ.get("SPA_AUTH_DEMO_ORIGINS", "http://127.0.0.1:9401").split()


def create_app(issuer=ISSUER, audience=AUDIENCE, origins=ORIGINS):
    auth = TokenAuth(issuer=issuer, audience=audience, origins=origins)
    app = FastAPI(title="Notes")
    auth.install(app)

    @app.get("/notes")
    async def notes(token: Annotated[AccessToken, Security(auth, scopes=["read:notes"])]) -> list[str]:
        return [f"note of {token.subject}", "Only a token with the scope read:notes opens this list."]

    return app
