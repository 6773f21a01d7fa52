/* Sets the theme before the first paint (linked without defer), then serves the button that changes it.
   "auto" follows the system; a choice is remembered in this browser only. */
(() => {
  "use strict";
  const KEY = "strehl-theme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage forbidden by the browser's privacy settings: follow the system
    }
  }

  function show(theme) {
    document.documentElement.dataset.theme = theme;
    document.dispatchEvent(new CustomEvent("strehl:theme", { detail: theme }));
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.setAttribute("aria-pressed", String(theme === "dark"));
    }
  }

  function apply() {
    show(stored() ?? (system.matches ? "dark" : "light"));
  }

  function toggle() {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // not remembered, but shown
    }
    show(next);
  }

  apply();
  system.addEventListener("change", apply);
  window.addEventListener("beforeprint", () => show("light")); // paper is white
  window.addEventListener("afterprint", apply);
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.addEventListener("click", toggle);
    }
  });
})();
