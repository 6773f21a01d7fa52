/* Sends each chosen or dropped file by itself, two at a time, resumably, and shows a row per file.
   Without this script, or in a browser that cannot, the form is an ordinary multi-file POST.

   <form data-upload data-uploads-url="/api/v1/uploads/" method="post" enctype="multipart/form-data" action="…">
   with <label class="dropzone"> around the file input; every other field is said about the files, under its own name.
   <li data-unfinished="address"> outside are uploads of an earlier visit: choosing the same file again goes on with one. */

import { Row, element, sizeOf } from "./upload-row.js";
import { Sender, canResume } from "./upload-sender.js";

const AT_A_TIME = 2;
const AGAIN_MS = 5000;

class Uploader {
  constructor(form) {
    this.form = form;
    this.input = form.querySelector("input[type=file]");
    this.zone = form.querySelector(".dropzone");
    this.queue = [];
    this.running = new Set();
    this.all = [];
    this.summary = element("p", "upload-summary");
    this.summary.setAttribute("role", "status");
    this.rows = element("ul", "upload-rows");
    form.after(this.summary, this.rows);
    for (const part of form.querySelectorAll("[data-without-script]")) part.hidden = true;
    this.listen();
  }

  listen() {
    this.input.addEventListener("change", () => this.take(this.input.files));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.take(this.input.files);
    });
    for (const name of ["dragenter", "dragover"]) {
      this.zone.addEventListener(name, (event) => {
        event.preventDefault();
        this.zone.classList.add("is-over");
      });
    }
    this.zone.addEventListener("dragleave", () => this.zone.classList.remove("is-over"));
    this.zone.addEventListener("drop", (event) => {
      event.preventDefault();
      this.zone.classList.remove("is-over");
      this.take(event.dataTransfer.files);
    });
    window.addEventListener("online", () => this.goOn());
    window.addEventListener("beforeunload", (event) => {
      if (this.running.size + this.queue.length) event.preventDefault();
    });
  }

  /** Queue files; the other fields of the form are read now, so later edits concern later files. */
  take(files) {
    const chosen = [...files];
    this.input.required = false; // dropped files are not in the input
    if (!chosen.length || !this.form.reportValidity()) return;
    const fields = new FormData(this.form);
    const token = fields.get("csrfmiddlewaretoken");
    fields.delete("csrfmiddlewaretoken");
    fields.delete(this.input.name);
    const said = Object.fromEntries([...fields].filter(([, value]) => value));
    for (const file of chosen) this.add(file, said, token);
    this.input.value = "";
  }

  add(file, said, token) {
    const one = {};
    one.row = new Row(file, {
      pause: () => this.pause(one),
      resume: () => this.enqueue(one, { first: true }),
      retry: () => this.enqueue(one),
      remove: () => this.remove(one),
    });
    one.sender = new Sender(file, {
      endpoint: this.form.dataset.uploadsUrl,
      token,
      said,
      on: {
        address: (url) => forget(url),
        progress: (sent) => {
          one.row.progress(sent);
          this.summarise();
        },
        done: (answer) => this.done(one, answer),
        lost: () => this.lost(one),
        refused: (sentence) => {
          one.row.refused(sentence);
          this.leave(one);
        },
      },
    });
    this.all.push(one);
    this.rows.append(one.row.item);
    this.enqueue(one);
  }

  enqueue(one, { first = false } = {}) {
    clearTimeout(one.timer);
    if (this.running.has(one) || this.queue.includes(one)) return;
    one.row.waiting();
    this.queue[first ? "unshift" : "push"](one);
    this.next();
  }

  next() {
    while (this.running.size < AT_A_TIME && this.queue.length) {
      const one = this.queue.shift();
      this.running.add(one);
      one.row.sending();
      one.sender.start();
    }
    this.summarise();
  }

  leave(one) {
    this.running.delete(one);
    this.next();
  }

  pause(one) {
    one.sender.pause();
    one.row.paused();
    this.leave(one);
  }

  remove(one) {
    clearTimeout(one.timer);
    one.sender.remove();
    one.row.item.remove();
    this.all = this.all.filter((other) => other !== one);
    this.queue = this.queue.filter((other) => other !== one);
    this.leave(one);
  }

  done(one, answer) {
    one.row.arrived(answer.duplicate ? "duplicate" : "done", answer);
    if (!answer.duplicate && answer.url) one.row.watch(`${answer.url}state/`);
    this.leave(one);
  }

  lost(one) {
    one.row.lost();
    one.timer = setTimeout(() => this.enqueue(one, { first: true }), AGAIN_MS);
    this.leave(one);
  }

  /** Go on at once with what waits for the connection. */
  goOn() {
    for (const one of this.all) if (one.row.state === "lost") this.enqueue(one, { first: true });
  }

  summarise() {
    const total = this.all.length;
    const count = (state) => this.all.filter(({ row }) => row.state === state).length;
    const parts = total ? [`${count("done")} of ${total} in`] : [];
    for (const [state, words] of [["duplicate", "already there"], ["refused", "refused"], ["paused", "paused"]]) {
      if (count(state)) parts.push(`${count(state)} ${words}`);
    }
    if (this.running.size + this.queue.length) {
      const files = this.all.map(({ row }) => row).filter((row) => row.state !== "refused");
      const sum = (amount) => sizeOf(files.reduce((before, row) => before + amount(row), 0));
      parts.push(`${sum((row) => row.sent)} of ${sum((row) => row.file.size)} sent`);
    }
    const text = parts.join(" · ");
    if (this.summary.textContent !== text) this.summary.textContent = text;
  }
}

/** Take an upload of an earlier visit off the list: it goes on, or is gone. */
function forget(url) {
  const path = new URL(url, window.location.href).pathname;
  for (const item of document.querySelectorAll("[data-unfinished]")) {
    if (item.dataset.unfinished !== path) continue;
    const list = item.closest("[data-unfinished-list]");
    item.remove();
    if (list && !list.querySelector("[data-unfinished]")) list.remove();
  }
}

async function giveUp(item, token) {
  const headers = { "X-CSRFToken": token, "Tus-Resumable": "1.0.0", Accept: "application/json" };
  const answer = await fetch(item.dataset.unfinished, { method: "DELETE", headers });
  if (answer.ok || answer.status === 404 || answer.status === 410) forget(item.dataset.unfinished);
}

for (const form of document.querySelectorAll("form[data-upload]")) {
  if (!canResume()) continue;
  new Uploader(form);
  for (const item of document.querySelectorAll("[data-unfinished]")) {
    const button = element("button", "secondary small", "Remove");
    button.type = "button";
    button.setAttribute("aria-label", `Remove: ${item.dataset.name}`);
    button.addEventListener("click", () => giveUp(item, form.elements.csrfmiddlewaretoken.value));
    item.append(button);
  }
}
