"use strict";
// Numbers show their evidence, findings lead to their lines, and a live page takes over what was saved.

const preview = document.getElementById("preview");
const live = document.body.dataset.version !== undefined;
let chosen = null; // the number whose evidence is shown

function choose(element) {
  const page = element.closest(".page");
  const number = JSON.parse(page.querySelector("script.numbers").textContent)[element.dataset.span];
  const panel = page.querySelector(".evidence");
  const list = panel.querySelector("dl");
  list.replaceChildren();
  for (const [name, value] of [["text", number.text], ...number.rows]) {
    const term = document.createElement("dt");
    const words = document.createElement("dd");
    term.textContent = name;
    words.textContent = value;
    list.append(term, words);
  }
  panel.hidden = false;
  for (const other of preview.querySelectorAll(".chosen")) other.classList.remove("chosen");
  for (const part of page.querySelectorAll(`[data-span="${element.dataset.span}"]`)) part.classList.add("chosen");
  chosen = element.dataset.span;
}

function unchoose() {
  for (const panel of preview.querySelectorAll(".evidence")) panel.hidden = true;
  for (const other of preview.querySelectorAll(".chosen")) other.classList.remove("chosen");
  chosen = null;
}

// The innermost block of the card that a line stands in.
function blockAt(page, line) {
  let found = null;
  for (const block of page.querySelectorAll("article [data-line]")) {
    if (Number(block.dataset.line) <= line) found = block;
  }
  return found;
}

function markFindings() {
  for (const button of preview.querySelectorAll("[data-goto]")) {
    const block = blockAt(button.closest(".page"), Number(button.dataset.goto));
    if (!block) continue;
    block.classList.add("faulty");
    if (button.closest("li").classList.contains("error")) block.classList.add("error");
  }
}

function goTo(button) {
  const page = button.closest(".page");
  const block = blockAt(page, Number(button.dataset.goto));
  if (!block) {
    page.querySelector(".metadata").open = true;
    page.querySelector(".metadata").scrollIntoView({ block: "center" });
    return;
  }
  for (const other of preview.querySelectorAll(".pointed")) other.classList.remove("pointed");
  block.classList.add("pointed");
  block.scrollIntoView({ block: "center" });
}

preview.addEventListener("click", (event) => {
  const number = event.target.closest("[data-span]");
  const button = event.target.closest("[data-goto]");
  if (number) choose(number);
  else if (button) goTo(button);
  else if (event.target.closest(".close")) unchoose();
});
preview.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-span]")) choose(event.target);
});
preview.addEventListener("keydown", (event) => {
  if (event.key === "Escape") unchoose();
  if (event.target.matches("[data-span]") && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    choose(event.target);
  }
});
preview.addEventListener("mouseover", (event) => {
  const number = event.target.closest("[data-span]");
  if (number && window.matchMedia("(hover: hover)").matches) choose(number);
});

// What the reader looks at keeps its place: the block at the top of the window, known by its words.
function topBlock() {
  for (const block of preview.querySelectorAll("article > *")) {
    const place = block.getBoundingClientRect();
    if (place.bottom > 60) return { words: block.textContent, line: block.dataset.line, top: place.top };
  }
  return null;
}

function restore(before, scroll) {
  const blocks = [...preview.querySelectorAll("article > *")];
  const same = before && (blocks.find((block) => block.textContent === before.words)
    || blocks.find((block) => block.dataset.line === before.line));
  window.scrollTo(0, same ? window.scrollY + same.getBoundingClientRect().top - before.top : scroll);
}

async function take() {
  const answer = await fetch(location.pathname, { cache: "no-store" });
  if (!answer.ok) return;
  // A document made this way runs no script.
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const before = topBlock();
  const scroll = window.scrollY;
  const focused = document.activeElement && document.activeElement.dataset.span;
  const kept = chosen;
  preview.replaceChildren(...fresh.getElementById("preview").childNodes);
  document.title = fresh.title;
  markFindings();
  const again = (span) => span && preview.querySelector(`[data-span="${span}"]`);
  if (again(kept)) choose(again(kept));
  if (again(focused)) again(focused).focus({ preventScroll: true });
  restore(before, scroll);
}

function follow() {
  const events = new EventSource("/events");
  const say = (words) => { preview.querySelector(".state").textContent = words; };
  let seen = document.body.dataset.version;
  events.onmessage = async (event) => {
    if (seen !== event.data) await take();
    seen = event.data;
    say("live");
  };
  events.onerror = () => say("not connected");
}

function showTab() {
  const pages = [...preview.querySelectorAll(".page")];
  const wanted = pages.find((page) => `#${page.id}` === location.hash) || pages[0];
  for (const page of pages) page.hidden = page !== wanted;
  for (const tab of preview.querySelectorAll(".tabs a")) {
    if (tab.hash === `#${wanted.id}`) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
}

markFindings();
if (live) follow();
else if (preview.querySelector(".page")) {
  window.addEventListener("hashchange", () => { if (location.hash.startsWith("#tab-")) { showTab(); window.scrollTo(0, 0); } });
  showTab();
}
