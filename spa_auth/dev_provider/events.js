// The page /events: one line for each event, newest last. Every value is set as text, never as markup.
"use strict";

const KEPT = 1000;
const log = document.getElementById("log");
const empty = document.getElementById("empty");
const state = document.getElementById("state");
const filter = document.getElementById("filter");
const pause = document.getElementById("pause");
const waiting = [];
let run = "";

const paused = () => pause.getAttribute("aria-pressed") === "true";

function span(name, text) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = text;
  return element;
}

function line({ at, name, tone, facts }) {
  const item = document.createElement("li");
  item.className = `event ${tone}`;
  const time = document.createElement("time");
  const when = new Date(at * 1000);
  time.dateTime = when.toISOString();
  time.textContent = when.toLocaleTimeString([], { hour12: false });
  const list = span("facts", "");
  for (const [label, value] of facts) {
    const fact = span(label === "error" ? "fact refusal" : "fact", "");
    fact.append(span("fact-label", label), " ", span("fact-value", value));
    list.append(fact, " ");
  }
  item.append(time, " ", span("event-name", name), " ", list);
  item.dataset.text = `${name} ${facts.map(([label, value]) => `${label}=${value} ${value}`).join(" ")}`.toLowerCase();
  return item;
}

function sift(item) {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  item.hidden = !words.every((word) => item.dataset.text.includes(word));
}

function tell() {
  const all = log.children.length;
  const shown = [...log.children].filter((item) => !item.hidden).length;
  empty.hidden = shown > 0;
  empty.textContent = all ? "No event fits the filter." : "Nothing yet. Log in with an application, and what happens appears here.";
  pause.textContent = paused() ? `Go on${waiting.length ? ` (${waiting.length} waiting)` : ""}` : "Pause";
}

function show(events) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  for (const event of events) {
    const item = line(event);
    sift(item);
    log.append(item);
  }
  while (log.children.length > KEPT) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
  tell();
}

function clear() {
  waiting.length = 0;
  log.replaceChildren();
  tell();
}

filter.addEventListener("input", () => {
  [...log.children].forEach(sift);
  log.scrollTop = log.scrollHeight;
  tell();
});
pause.addEventListener("click", () => {
  pause.setAttribute("aria-pressed", String(!paused()));
  if (!paused()) show(waiting.splice(0));
  tell();
});
document.getElementById("clear").addEventListener("click", clear);

const source = new EventSource(document.body.dataset.stream);
source.addEventListener("open", () => { state.textContent = "Live"; });
source.addEventListener("error", () => {
  state.textContent = source.readyState === EventSource.CLOSED
    ? "The provider refuses to show its events here. Load the page again."
    : "The provider does not answer. Trying again …";
});
source.addEventListener("message", (message) => {
  const from = message.lastEventId.split("-")[0];
  if (run && run !== from) clear(); // the provider was started anew
  run = from;
  const event = JSON.parse(message.data);
  if (paused()) {
    waiting.push(event);
    if (waiting.length > KEPT) waiting.shift();
    tell();
  } else {
    show([event]);
  }
});
