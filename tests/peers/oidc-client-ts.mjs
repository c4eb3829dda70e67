// A page with oidc-client-ts: `manager` is there for tests, once <html data-ready> is. Redirects, silent frames and
// popups come back to it, too, and the library tells their answers apart; logouts come back with ?out.

const options = await (await fetch("options.json")).json();
if (options.dpop) options.dpop.store = new window.oidc.IndexedDbDPoPStore();
const manager = new window.oidc.UserManager(options);
window.manager = manager;

// What a call fails with: the error code of the provider.
window.refusal = (promise) => promise.then(() => "", (error) => error.error ?? String(error));

if (/[?&](code|error|out)[=&]/.test(`${location.search}&`)) {
    const answer = /[?&]out\b/.test(location.search) ? manager.signoutCallback() : manager.signinCallback();
    window.answer = await answer.catch((error) => ({ error: error.error ?? String(error) }));
    if (window === top) history.replaceState(null, "", location.pathname);
}
document.documentElement.dataset.ready = "";
