/* Glue of every page: menus close, messages can be dismissed, and a refused htmx request says why. */

const messages = document.getElementById("messages");

/** Show one sentence above the content. */
export function announce(text, level = "error") {
  const box = document.createElement("div");
  box.className = `message ${level}`;
  const sentence = document.createElement("p");
  sentence.textContent = text;
  box.append(sentence, dismissButton());
  messages.append(box);
  box.scrollIntoView({ block: "nearest" });
}

function dismissButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet small";
  button.dataset.dismiss = "";
  button.textContent = "Dismiss";
  return button;
}

/** The sentence inside an error answer: the API envelope, or a page that holds `.error`. */
function sentenceOf(xhr) {
  if ((xhr.getResponseHeader("Content-Type") ?? "").includes("json")) {
    return JSON.parse(xhr.responseText).message;
  }
  const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
  const parts = [...page.querySelectorAll(".error p:not(.error-code)")].map((part) => part.textContent.trim());
  return parts.join(" ");
}

document.addEventListener("click", (event) => {
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) dismiss.closest(".message").remove();
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
});

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  announce(sentenceOf(xhr) || `The server refused this (${xhr.status}). Reload the page and try again.`);
});

document.addEventListener("htmx:sendError", () => {
  announce("The server does not answer. Check the network, then try again; nothing was changed.");
});
