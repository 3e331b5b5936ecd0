// Search over the requirements, their scenarios and sentences. Everything else on
// the pages works without scripts.
"use strict";

const root = document.body.dataset.root;
const form = document.querySelector(".search");
const input = document.getElementById("q");
const found = document.getElementById("found");
const most = 50;

form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());

// The index is read when somebody is about to search.
let index;
function load() {
  index ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = root + "search.js";
    script.onload = () => resolve(window.podchainIndex.map((entry) => ({ ...entry, all: `${entry.i} ${entry.t} ${entry.l} ${entry.m}`.toLowerCase() })));
    script.onerror = () => reject(new Error("search.js is not there"));
    document.head.append(script);
  });
  return index;
}
input.addEventListener("focus", load);

// Every word has to be there. An id comes first, then a sentence, then a scenario.
function rank(entry, words) {
  if (!words.every((word) => entry.all.includes(word))) return 0;
  const whole = words.join(" ");
  if (entry.i.toLowerCase().startsWith(whole)) return 3;
  return words.every((word) => entry.t.toLowerCase().includes(word)) ? 2 : 1;
}

function show(entries, total) {
  const items = entries.map((entry) => {
    const link = document.createElement("a");
    link.href = root + entry.p;
    const id = document.createElement("span");
    id.className = "id";
    id.textContent = entry.i;
    link.append(id, " ", entry.t);
    const item = document.createElement("li");
    item.append(link);
    return item;
  });
  const all = total === 1 ? "1 requirement" : `${total} requirements`;
  say(total === 0 ? "Nothing is found." : total > most ? `${all}, the first ${most}:` : `${all}:`, items);
}

function say(count, items) {
  found.querySelector("p").textContent = count;
  found.querySelector("ul").replaceChildren(...items);
}

function clear() {
  input.value = "";
  say("", []);
}

input.addEventListener("input", async () => {
  const entries = await load();
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean); // what is there by now
  if (words.length === 0) return say("", []);
  const hits = entries.map((entry) => [rank(entry, words), entry]).filter(([score]) => score > 0).sort((a, b) => b[0] - a[0]);
  show(hits.slice(0, most).map(([, entry]) => entry), hits.length);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(input|textarea)$/i.test(document.activeElement.tagName)) {
    event.preventDefault();
    input.focus();
  }
  if (event.key === "Escape") {
    if (found.contains(document.activeElement)) input.focus();
    clear();
  }
});
// A result may be on the page that is open.
found.addEventListener("click", (event) => event.target.closest("a") && clear());
