/* Swagger UI is dark where <html> has the class "dark-mode": it follows the theme of the other pages. */
(() => {
  "use strict";
  function follow() {
    const root = document.documentElement;
    root.classList.toggle("dark-mode", root.dataset.theme === "dark");
  }

  follow();
  document.addEventListener("strehl:theme", follow);
})();
