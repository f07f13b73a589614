"""The few pages that a person sees at the offline Google: consent, device code, a shared file."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from aiohttp import web

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --soft: #656d76; --line: #d0d7de; --paper: #fff; --ground: #f3f5f7; --blue: #1a73e8 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9198a1; --line: #3d444d; --paper: #161b22; --ground: #0d1117; --blue: #8ab4f8 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
main { width: min(28rem, 100vw); padding: 2rem; background: var(--paper); border: 1px solid var(--line); border-radius: 1rem }
h1 { font-size: 1.4rem; font-weight: 500; margin: 0 0 .5rem } p { color: var(--soft); margin: .5rem 0 }
label { display: flex; gap: .75rem; align-items: center; padding: .75rem; border-bottom: 1px solid var(--line); cursor: pointer }
small { color: var(--soft); display: block } code { overflow-wrap: anywhere }
input[type=text] { width: 100%; font: 1.4rem ui-monospace, monospace; letter-spacing: .1em; padding: .5rem; text-transform: uppercase;
  border: 1px solid var(--line); border-radius: .5rem; background: transparent; color: inherit }
.row { display: flex; justify-content: flex-end; gap: .75rem; margin-top: 1.5rem }
button, .button { font: inherit; padding: .5rem 1.25rem; border: 1px solid var(--line); border-radius: 2rem; background: transparent;
  color: var(--blue); cursor: pointer; text-decoration: none }
button.main, .button.main { background: var(--blue); border-color: var(--blue); color: var(--paper) }
"""


def page(title: str, body: str, *, status: int = 200) -> web.Response:
    """A page of ours around a piece of HTML."""
    text = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><main><h1>{escape(title)}</h1>{body}</main></html>"
    )
    return web.Response(status=status, text=text, content_type="text/html", headers={"Cache-Control": "no-store"})


def message(title: str, text: str, *, status: int = 200) -> web.Response:
    """A page that only says something."""
    return page(title, f"<p>{escape(text)}</p>", status=status)


def consent(
    action: str, hidden: dict[str, str], accounts: Iterable[tuple[str, str]], scopes: Iterable[tuple[str, str]]
) -> web.Response:
    """Choose an account and say yes or no to what an app asks for."""
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in hidden.items()
    )
    people = "".join(
        f'<label><input type="radio" name="account" value="{escape(email)}"{" checked" if not index else ""}>'
        f"<span>{escape(name)}<small>{escape(email)}</small></span></label>"
        for index, (email, name) in enumerate(accounts)
    )
    wanted = "".join(
        f"<li>{escape(meaning)}<small><code>{escape(scope)}</code></small></li>" for scope, meaning in scopes
    )
    return page(
        "Choose an account",
        f'<p>Telpher asks for:</p><ul>{wanted}</ul><form method="post" action="{escape(action)}">{fields}{people}'
        '<div class="row"><button name="decision" value="deny">Cancel</button>'
        '<button class="main" name="decision" value="allow">Allow</button></div></form>'
        "<p>This is the sandbox's own Google: nothing here leaves this machine.</p>",
    )


def device_code(action: str, note: str = "", code: str = "") -> web.Response:
    """Type the code that a device shows."""
    told = f"<p>{escape(note)}</p>" if note else "<p>Type the code that your device shows.</p>"
    return page(
        "Connect a device",
        f'{told}<form method="get" action="{escape(action)}">'
        f'<input type="text" name="user_code" value="{escape(code)}" autocomplete="off" aria-label="Code" autofocus required>'
        '<div class="row"><button class="main">Next</button></div></form>',
        status=404 if note else 200,
    )


def shared_file(name: str, facts: str, download: str | None) -> web.Response:
    """What somebody with a link sees."""
    button = f'<div class="row"><a class="button main" href="{escape(download)}">Download</a></div>' if download else ""
    return page(name, f"<p>{escape(facts)}</p>{button}")
