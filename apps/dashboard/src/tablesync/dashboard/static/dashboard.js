// What a page cannot do without a script: menus that close, a popup that opens in the click, the
// viewer's time zone. Everything else is the server's; without this file all of it works, slower.
(() => {
  "use strict";

  const POPUP = "tablesync-connect";
  const POPUP_FEATURES = "popup,width=640,height=780";
  const TOAST_MS = 6000;

  function rememberZone() {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const kept = document.cookie.split("; ").includes(`tablesync_zone=${zone}`);
    if (!kept && zone) {
      const secure = location.protocol === "https:" ? "; Secure" : "";
      document.cookie = `tablesync_zone=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    }
  }

  function closeMenus(except) {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== except) menu.open = false;
    }
  }

  // The window is opened while the click still counts; the form is then sent into it. Where it is
  // blocked, the form goes on in this tab, and the server sends the browser back here in the end.
  function openPopup(form) {
    const popup = window.open("", POPUP, POPUP_FEATURES);
    form.target = popup ? POPUP : "_self";
    if (popup) {
      popup.focus();
      whenClosed(popup, form.action.includes("/connect/") ? "new" : "look", () => renewKey(form));
    }
    setField(form, "window", popup ? "popup" : "blocked");
  }

  // Where it is blocked, the link goes on in this tab, to a page that says so.
  function openLink(link, event) {
    const target = new URL(link.href);
    const popup = window.open(target, POPUP, POPUP_FEATURES);
    if (popup) {
      event.preventDefault();
      whenClosed(popup, link.closest("[data-new]") ? "new" : "look");
    } else {
      target.searchParams.set("window", "blocked");
      link.href = target;
    }
  }

  // One that is isolated from us seems to be closed at once: what it does later, live updates tell.
  function whenClosed(popup, said, also) {
    const timer = setInterval(() => {
      if (!popup.closed) return;
      clearInterval(timer);
      also?.();
      document.dispatchEvent(new Event(`tablesync:${said}`));
    }, 500);
  }

  // Its page stays where others are loaded anew: what is pressed next is another act than the last.
  function renewKey(form) {
    const random = crypto.getRandomValues(new Uint8Array(16));
    setField(form, "once", Array.from(random, (each) => each.toString(16).padStart(2, "0")).join(""));
  }

  function setField(form, name, value) {
    const field = form.elements[name] || form.appendChild(document.createElement("input"));
    Object.assign(field, { type: "hidden", name, value });
  }

  function endPopup() {
    const done = document.querySelector("[data-connected]");
    if (!done) return;
    if (window.name === POPUP) window.close();
    else location.replace(done.dataset.connected);
  }

  // A notice leaves by itself, but not while somebody reads it or has it focused.
  function leaveLater(toast) {
    const leave = () => toast.remove();
    let timer = setTimeout(leave, TOAST_MS);
    for (const stay of ["pointerenter", "focusin"]) {
      toast.addEventListener(stay, () => clearTimeout(timer));
    }
    for (const go of ["pointerleave", "focusout"]) {
      toast.addEventListener(go, () => { timer = setTimeout(leave, TOAST_MS); });
    }
  }

  function chooseAll(all) {
    for (const box of all.form.querySelectorAll("input[name=sync]")) box.checked = all.checked;
  }

  document.addEventListener("submit", (event) => {
    if (event.target.matches("form[data-popup]")) openPopup(event.target);
    // What was pressed is done with: the menu may change by what comes of it, its form's key as well.
    closeMenus(null);
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-choose-all]")) chooseAll(event.target);
  });
  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest("details.menu"));
    const link = event.target.closest("a[data-popup]");
    if (link) openLink(link, event);
    event.target.closest("[data-dismiss]")?.closest("[data-toast]").remove();
    if (event.target.closest("[data-close]") && window.name === POPUP) {
      event.preventDefault();
      window.close();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details.menu[open]");
    closeMenus(null);
    if (open) open.querySelector("summary").focus();
  });
  document.addEventListener("DOMContentLoaded", () => {
    rememberZone();
    endPopup();
    for (const toast of document.querySelectorAll("[data-toast=good]")) leaveLater(toast);
  });
})();
