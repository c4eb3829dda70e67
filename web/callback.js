// Hands the provider's answer to the page that asked, and to nobody else. The letter is transaction.py's.
const query = location.search.slice(1);
const here = location.origin;
history.replaceState(null, "", here + location.pathname);
const state = new URLSearchParams(query).get("state") ?? "";

function send() {
  const message = { type: "spa_auth:response", state, response: query };
  const channel = new BroadcastChannel("spa_auth:" + state);
  channel.onmessage = () => close();
  channel.postMessage(message);
  (opener ?? parent).postMessage(message, here);
  done.hidden = false;
}

function goBack() {
  const record = sessionStorage.getItem("spa_auth:tx:" + state);
  const target = new URL(JSON.parse(record).return_to, location.href);
  if (target.origin !== here || target.protocol !== location.protocol) throw 0;
  sessionStorage.setItem("spa_auth:response:" + state, query);
  location.replace(target);
}

try {
  if (!/^[rpls][\w-]{43}$/.test(state)) throw 0;
  state[0] === "r" ? goBack() : send();
} catch {
  stale.hidden = false;
}
