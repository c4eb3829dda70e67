// A page with auth0-spa-js: `client` is there for tests, once <html data-ready> is. Answers of redirects are taken.

import { Auth0Client } from "/node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.esm.js";

const client = new Auth0Client(await (await fetch("options.json")).json());
window.client = client;

// What a call fails with: the library's error code.
window.refusal = (promise) => promise.then(() => "", (error) => error.error ?? String(error));

if (/[?&](code|error)=/.test(location.search)) {
    window.answer = await client.handleRedirectCallback().catch((error) => ({ error: error.error ?? String(error) }));
    history.replaceState(null, "", location.pathname);
}
document.documentElement.dataset.ready = "";
