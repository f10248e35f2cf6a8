// Live updates, as far as the server cannot see to them: each stream is asked for with what the tab
// shows by then, one that could not begin is asked for again, and somebody who looks at what may be
// old is told so. An open menu stays as it is, and what moved is shown where somebody waits for it.
// htmx and its hx-sse do the rest: they reconnect, and pause in hidden tabs.
(() => {
  "use strict";

  const PAUSED_MS = 5000;
  const FIRST_WAIT_MS = 1000;
  const LONGEST_WAIT_MS = 60000;
  const CROWDED_MS = 30000;
  const TOO_MANY = 429;
  const MENU = "details.menu[open]";
  const STALE = "stale";
  const requests = new WeakMap();
  const connections = new WeakMap();
  let failures = 0;
  let lost = 0;
  let awaitsNew = false;
  let asking = 0;

  // The address of a stream says whose role the page was made for and which version it has of each
  // part: the server sends the others. Who had to make room for other tabs takes none from them.
  function tellWhatIsShown(element, request) {
    const shown = [...document.querySelectorAll("[data-version]")];
    const told = shown.map((each) => `${each.id}.${each.dataset.version}`).join(",");
    const role = document.querySelector("[data-role]").dataset.role;
    const waits = element.dataset.live === "crowded" ? "&waits=1" : "";
    request.action = `${element.getAttribute("hx-sse:connect")}&role=${role}${waits}&shown=${told}`;
  }

  function askAgain(element, least) {
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures);
    failures += 1;
    clearTimeout(asking);
    asking = setTimeout(() => ask(element), Math.max(least, longest * (0.7 + 0.6 * Math.random())));
  }

  function ask(element) {
    if (!element.isConnected) return;
    if (document.hidden) {
      document.addEventListener("visibilitychange", () => ask(element), { once: true });
    } else {
      htmx.trigger(element, "again");
    }
  }

  function isCrowded(element, wait) {
    goesOn();
    element.dataset.live = "crowded";
    show("live-crowded", true);
    askAgain(element, wait);
  }

  // Whoever comes back to a tab that made room for others has its stream at once.
  function takePlace() {
    const element = document.querySelector("[data-live=crowded]");
    if (!element) return;
    clearTimeout(asking);
    element.dataset.live = "";
    ask(element);
  }

  function isStream(element) {
    return element instanceof Element && element.matches("[data-live]");
  }

  function isPolled(element) {
    return element instanceof Element && element.matches("[hx-get]:not([data-waits])");
  }

  function goesOn() {
    clearTimeout(lost);
    failures = lost = 0;
    show("live-paused", false);
    show("live-crowded", false);
  }

  function isLost() {
    for (const element of document.querySelectorAll("[data-live]")) element.dataset.live = "lost";
    if (lost) return;
    const since = new Date();
    lost = setTimeout(() => {
      const time = document.querySelector("#live-paused time");
      time.dateTime = since.toISOString();
      time.textContent = since.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
      show("live-paused", true);
    }, PAUSED_MS);
  }

  function show(id, shown) {
    const place = document.getElementById(id);
    if (place) place.hidden = !shown;
  }

  // What somebody is about to press does not become another button: a menu is replaced once closed.
  function mayChange(node) {
    if (!(node instanceof Element && node.matches(MENU))) return true;
    const part = node.closest("[data-version]");
    if (part) part.dataset.version = STALE;
    return false;
  }

  function menuTurned({ target }) {
    if (target.matches("details.menu:not([open])") && target.closest(`[data-version=${STALE}]`)) {
      lookAgain();
    }
  }

  // Whoever has begun a first sign-in waits for its card: it is shown, unless they do something else.
  function showNew() {
    const order = document.getElementById("order");
    if (!awaitsNew || order?.dataset.version !== "other") return;
    if (document.querySelector(MENU) || document.activeElement?.matches("input:not([type=hidden])")) return;
    awaitsNew = false;
    location.reload();
  }

  function lookAgain() {
    for (const element of document.querySelectorAll("[data-live]")) {
      connections.get(element)?.reader?.cancel();
    }
  }

  document.addEventListener("htmx:config:request", (event) => {
    const { target, detail } = event;
    if (!isStream(target)) return;
    if (document.hidden) {
      // A tab that is opened behind others takes no stream before somebody looks at it.
      event.preventDefault();
      ask(target);
      return;
    }
    requests.set(target, detail.ctx.request);
    tellWhatIsShown(target, detail.ctx.request);
  });
  document.addEventListener("htmx:sse:before:connection", ({ target, detail }) => {
    if (!detail.connection.attempt) return;
    tellWhatIsShown(target, requests.get(target));
    isLost();
  });
  document.addEventListener("htmx:sse:after:connection", ({ target, detail }) => {
    connections.set(target, detail.connection);
    target.dataset.live = "on";
    goesOn();
  });
  document.addEventListener("htmx:response:error", ({ target, detail }) => {
    const { status, headers } = detail.ctx.response;
    if (isStream(target)) {
      const wait = 1000 * (Number(headers.get("Retry-After")) || 0);
      if (status === TOO_MANY) return isCrowded(target, wait);
      isLost();
      askAgain(target, wait);
    } else if (isPolled(target)) {
      isLost();
    }
  });
  document.addEventListener("htmx:error", ({ target }) => {
    if (isStream(target)) askAgain(target, 0);
    if (isStream(target) || isPolled(target)) isLost();
  });
  document.addEventListener("htmx:after:swap", ({ target }) => {
    if (isPolled(target)) goesOn();
  });
  document.addEventListener("ended", ({ target }) => {
    if (target.dataset.live !== "crowded") goesOn();
  });
  document.addEventListener("crowded", ({ target }) => isCrowded(target, CROWDED_MS));
  document.addEventListener("pointerdown", takePlace);
  window.addEventListener("focus", takePlace);
  document.addEventListener("htmx:sse:after:message", showNew);
  document.addEventListener("toggle", menuTurned, { capture: true });
  document.addEventListener("DOMContentLoaded", () => {
    awaitsNew = Boolean(document.querySelector("[data-new]"));
  });
  document.addEventListener("tablesync:new", () => {
    awaitsNew = true;
    lookAgain();
  });
  htmx.registerExtension("keep", { htmx_before_morph_node: mayChange });
  document.addEventListener("tablesync:look", lookAgain);
})();
