// Until Python is up: says whether somebody is logged in, and keeps clicks for Python or, with a recipe, logs in.
(() => {
  const { issuer, clientId } = document.querySelector("script[data-client-id]").dataset;
  const name = (kind) => `spa_auth:${kind}:${issuer}:${clientId}`;
  const now = () => Math.floor(Date.now() / 1000);
  const text = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/[+/=]/g, (c) => "-_"["+/".indexOf(c)] ?? "");
  const random = () => text(crypto.getRandomValues(new Uint8Array(32)));
  let clicked, kept = false;

  // Only own members count, whatever is in Object.prototype.
  function read(kind) {
    const record = { __proto__: null, ...JSON.parse(localStorage.getItem(name(kind))) };
    if (record.v !== 1 || !(now() < record.until)) throw 0;
    return record;
  }

  function leave(kind, go) {
    const { url, record } = read("recipe")[kind];
    const { protocol, hostname, searchParams } = new URL(url);
    const names = Object.keys(sessionStorage).join();
    if (
      !/^(https:|http:(localhost|127\.[\d.]+|\[::1])$)/.test(protocol + hostname) ||
      searchParams.get("redirect_uri") !== record.redirect_uri ||
      !record.redirect_uri.startsWith(origin + "/") ||
      // An answer that waits, or ten pending logins, are for Python.
      /[?&#]state=/.test(location) ||
      names.includes("spa_auth:response:") ||
      names.split("spa_auth:tx:").length > 10
    )
      throw 0;
    const state = "r" + random();
    const nonce = random();
    const code_verifier = random();
    const hashing = crypto.subtle.digest("SHA-256", new TextEncoder().encode(code_verifier));
    const return_to = location.href.slice(origin.length).replace(/^\/+/, "/");
    const transaction = { ...record, state, nonce, code_verifier, return_to, created_at: now() };
    sessionStorage.setItem("spa_auth:tx:" + state, JSON.stringify(transaction));
    hashing.then((hash) => location[go](`${url}&state=${state}&nonce=${nonce}&code_challenge=${text(hash)}`));
  }

  function forget() {
    if (clicked) clicked.ariaBusy = null;
    clicked = kept = false;
  }

  function onClick(event) {
    const button = event.target.closest("[data-spa-auth~=login]");
    if (!button) return;
    event.preventDefault();
    if (clicked) return;
    clicked = button;
    clicked.ariaBusy = kept = true;
    try {
      leave("login", "assign");
      kept = false;
    } catch {}
  }

  addEventListener("click", onClick, true);
  addEventListener("pagehide", forget);
  // Python asks once whether to log in, and from then on clicks are its own.
  self.spa_auth_gate = () => {
    const answer = kept;
    removeEventListener("click", onClick, true);
    forget();
    return answer;
  };

  const root = document.documentElement.dataset;
  root.spaAuth = "signed-out";
  try {
    const { until } = read("hint");
    root.spaAuth = "signed-in";
    // Once for each hint: a new login makes a new one.
    if (top === self && sessionStorage.getItem(name("tried")) != until) {
      leave("silent", "replace");
      sessionStorage.setItem(name("tried"), until);
    }
  } catch {}
})();
