// A page in a few objects, in which web/gate.js runs: the world comes as JSON on stdin, what happened goes to stdout.
import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";
import vm from "node:vm";

const world = JSON.parse(readFileSync(0, "utf8"));
const happened = { left: [], answers: [], prevented: 0, busy: [] };

function storage(texts) {
  const area = {};
  const hidden = { enumerable: false };
  Object.defineProperties(area, {
    getItem: { ...hidden, value: (name) => (Object.hasOwn(area, name) ? area[name] : null) },
    setItem: {
      ...hidden,
      value(name, text) {
        if (world.full) throw new Error("QuotaExceededError");
        area[name] = String(text);
      },
    },
  });
  return Object.assign(area, texts);
}

const listeners = {};
const element = { ariaBusy: null, closest: (selector) => (selector === "[data-spa-auth~=login]" ? element : null) };
const elsewhere = { closest: () => null };
const address = new URL(world.href);
const sandbox = {
  URL,
  TextEncoder,
  btoa,
  Date: { now: () => world.now * 1000 },
  origin: address.origin,
  location: {
    href: world.href,
    toString: () => world.href,
    assign: (url) => happened.left.push(["assign", url]),
    replace: (url) => happened.left.push(["replace", url]),
  },
  crypto: {
    getRandomValues: (bytes) => bytes.fill(0) && bytes.set(Buffer.from(world.randoms.shift(), "base64url")) || bytes,
    subtle: world.insecure ? undefined : webcrypto.subtle,
  },
  document: {
    documentElement: { dataset: {} },
    querySelector: (selector) => selector === "script[data-client-id]" && { dataset: world.script },
  },
  addEventListener: (name, listener) => (listeners[name] ??= new Set()).add(listener),
  removeEventListener: (name, listener) => listeners[name].delete(listener),
};
sandbox.self = sandbox;
sandbox.top = world.framed ? {} : sandbox;
for (const [name, texts] of [["localStorage", world.local], ["sessionStorage", world.session]])
  Object.defineProperty(sandbox, name, {
    get() {
      if (world.blocked) throw new Error("SecurityError");
      return name === "localStorage" ? local : session;
    },
  });
const local = storage(world.local);
const session = storage(world.session);
const polluted = world.polluted ? `Object.assign(Object.prototype, ${JSON.stringify(world.polluted)});` : "";

function dispatch(name, event) {
  for (const listener of listeners[name] ?? []) listener(event);
}

const steps = {
  click: () => dispatch("click", { target: element, preventDefault: () => happened.prevented++ }),
  "click elsewhere": () => dispatch("click", { target: elsewhere, preventDefault: () => happened.prevented++ }),
  pagehide: () => dispatch("pagehide", {}),
  ask: () => happened.answers.push(sandbox.spa_auth_gate()),
};

vm.runInNewContext(polluted + readFileSync(process.argv[2], "utf8"), sandbox);
for (const step of world.steps) {
  steps[step]();
  happened.busy.push(element.ariaBusy === true);
}
await new Promise((done) => setTimeout(done, 50));
console.log(JSON.stringify({ ...happened, html: sandbox.document.documentElement.dataset.spaAuth, local, session }));
