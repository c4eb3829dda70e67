import json
import time

from pyscript import document, web


def show_user(user, claims):
    if user:
        web.page["name"].textContent = user.name
        web.page["email"].textContent = user.email or ""
        web.page["picture"].src = user.picture or ""
        # The nonce has done its work, and a page should show nothing that was ever secret.
        rows = [row(name, claims[name]) for name in claims if name != "nonce"]
        web.page["claims"].textContent = ""
        web.page["claims"].append(rows)
    document.documentElement.dataset.state = "in" if user else "out"


def row(name, value):
    # textContent, as PyScript reads plain arguments as HTML, and claims are other people's words.
    text = value if isinstance(value, str) else json.dumps(value)
    return web.div(web.dt(textContent=name), web.dd(textContent=text + date(name, value)))


def date(name, value):
    is_time = name in {"exp", "iat", "auth_time", "updated_at"}
    return time.strftime("  (%d %B, %H:%M:%S)", time.localtime(value)) if is_time else ""


def show_notes(notes):
    web.page["notes"].textContent = ""
    web.page["notes"].append([web.li(textContent=note) for note in notes])


def show_expiry(tokens):
    left = int(tokens.expires_at - time.time()) if tokens else 0
    web.page["expiry"].textContent = f"{left // 60}:{left % 60:02}" if left > 0 else "used up"
    web.page["renewal"].hidden = left > 0
