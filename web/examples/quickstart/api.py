from typing import Annotated
from fastapi import FastAPI, Security
from spa_auth.server.fastapi import AccessToken, TokenAuth

auth = TokenAuth(issuer="https://tenant.example/", audience="https://api.example", origins=["https://app.example"])
app = FastAPI()
auth.install(app)


@app.get("/notes")
async def notes(token: Annotated[AccessToken, Security(auth, scopes=["read:notes"])]) -> list[str]:
    return [f"note of {token.subject}"]
