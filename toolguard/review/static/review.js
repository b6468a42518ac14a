// Live updates, times that run, keys, and the gate of Approve. Everything else works without this file.
"use strict";
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// Times: the server wrote the words, here they only go on.
const left = (seconds) =>
  seconds <= 0 ? "time is up"
    : seconds >= 3600 ? `${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")} min left`
      : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left`;
function tick() {
  for (const time of $$("time[data-until]")) {
    const seconds = Math.floor((Date.parse(time.dataset.until) - Date.now()) / 1000);
    const words = left(seconds);
    if (time.textContent !== words) time.textContent = words;
    if (seconds <= 0 && !time.dataset.over) {
      time.dataset.over = "1";
      setTimeout(refresh, 1000);
    }
  }
}
setInterval(tick, 1000);

// Live: an event says that something changed; the page is read again and its live parts that differ are replaced.
let reading = false, again = false;
function refresh() {
  if (reading) { again = true; return; }
  reading = true;
  const request = new XMLHttpRequest();
  request.open("GET", location.href);
  request.responseType = "document";  // parsed as a document that runs nothing
  request.onloadend = () => {
    reading = false;
    if (request.status < 500 && request.response) replace(request.response);
    if (again) { again = false; refresh(); }
  };
  request.send();
}
function replace(fresh) {
  const before = Number($("#list")?.dataset.count ?? NaN);
  document.title = fresh.title;
  const focused = document.activeElement?.getAttribute("href");
  const typed = $("textarea[name=reason]")?.value;
  for (const part of $$("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (!next || next.dataset.live === part.dataset.live) continue;
    part.replaceWith(document.adoptNode(next));
  }
  const reason = $("textarea[name=reason]");
  if (reason && typed) reason.value = typed;
  if (focused && document.activeElement === document.body) $(`a[href="${CSS.escape(focused)}"]`)?.focus();
  const now = Number($("#list")?.dataset.count ?? NaN);
  const news = $("#news");
  if (news && now > before) news.textContent = now - before === 1 ? "1 new request" : `${now - before} new requests`;
  else if (news && $("#status")) news.textContent = $("#status .standing")?.textContent ?? "";
  gate();
  tick();
}
if ($("main[data-drawn]")) {
  const events = new EventSource(`/events?after=${$("main").dataset.drawn}`);
  events.addEventListener("approval.created", refresh);
  events.addEventListener("approval.changed", refresh);
  let lost = false;
  events.onerror = () => { lost = true; };
  events.onopen = () => { if (lost) { lost = false; refresh(); } };
}

// A finding and its places light up together.
function light(target, on) {
  for (const number of (target?.closest?.("[data-n]")?.dataset.n ?? "").split(" ").filter(Boolean))
    for (const other of $$(`[data-n~="${number}"]`)) other.classList.toggle("lit", on);
}
for (const [type, on] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]])
  document.addEventListener(type, (event) => light(event.target, on));

// The gate: Approve opens when the end of the call was on the screen and every fold in it was opened.
function gate() {
  const buttons = $$("[data-gate]"), box = $("#gate input"), note = $("#gate");
  if (!buttons.length || !box || note.classList.contains("js-on")) return;
  const words = document.createElement("span");
  words.className = "soft";
  note.append(words);
  note.classList.add("js-on");
  const unseen = new Set([$(".what h2"), $("[data-end]")]);
  const folds = $$(".what details.fold"), exact = $("[data-exact]");
  if ($(".what .omitted")) folds.push(exact);
  const check = () => {
    const closed = folds.some((fold) => !fold.dataset.seen), open = !unseen.size && !closed;
    for (const button of buttons) button.disabled = !open;
    box.checked = open;
    note.hidden = open;
    words.textContent = folds.includes(exact) && !exact.dataset.seen ? "Approve opens when the exact JSON was opened."
      : closed ? "Approve opens when every fold of the call was opened and seen."
      : "Approve opens when the whole call was on the screen.";
  };
  for (const fold of folds) fold.addEventListener(fold === exact ? "click" : "toggle", () => { fold.dataset.seen = "1"; check(); });
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) unseen.delete(entry.target);
    check();
  }, { rootMargin: "0px 0px -80px 0px" });  // what the bar of buttons covers was not seen
  unseen.forEach((edge) => watcher.observe(edge));
  check();
}
gate();

// Copying the exact arguments.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const answer = await fetch(button.dataset.copy);
  await navigator.clipboard.writeText(await answer.text());
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
});

// Keys. They can be switched off in the help (WCAG 2.2, 2.1.4); none of them answers a request.
const keysOn = $("#keys-on");
if (keysOn) {
  keysOn.checked = localStorage.getItem("keys") !== "off";
  keysOn.addEventListener("change", () => localStorage.setItem("keys", keysOn.checked ? "on" : "off"));
}
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
  if (event.key === "?") { $("#help")?.showModal(); event.preventDefault(); return; }
  if (keysOn && !keysOn.checked) return;
  const step = { j: 1, k: -1 }[event.key];
  if (!step) return;
  const items = $$("a.item");
  if (items.length) {
    const at = items.indexOf(document.activeElement);
    items[at < 0 ? (step > 0 ? 0 : items.length - 1) : Math.min(Math.max(at + step, 0), items.length - 1)].focus();
  } else {
    const link = $(step > 0 ? "link[rel=next]" : "link[rel=prev]");
    if (link) location.href = link.href;
  }
});
