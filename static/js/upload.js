/* Sends each chosen or dropped file as its own multipart POST to the form's action, three at a time, and shows a row per file.
   Without this script the form is an ordinary multi-file POST.

   <form class="upload" data-upload data-status-url="/…/__id__/…" action="…" method="post" enctype="multipart/form-data">
   with <label class="dropzone"> around the file input. Answers: 2xx {id, url, state, duplicate, message[, status_url]},
   errors {code, message, details}. A file that is in is watched through the fragment at its status address, which polls itself. */

const AT_A_TIME = 3;

class Uploader {
  constructor(form) {
    this.form = form;
    this.input = form.querySelector("input[type=file]");
    this.zone = form.querySelector(".dropzone");
    this.queue = [];
    this.running = 0;
    this.counts = { total: 0, done: 0, duplicate: 0, refused: 0 };
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
    window.addEventListener("beforeunload", (event) => {
      if (this.running + this.queue.length) event.preventDefault();
    });
  }

  /** Queue files; the other fields of the form are read now, so later edits concern later files. */
  take(files) {
    const chosen = [...files];
    this.input.required = false; // dropped files are not in the input
    if (!chosen.length || !this.form.reportValidity()) return;
    for (const file of chosen) {
      const body = new FormData(this.form);
      body.delete(this.input.name);
      body.append(this.input.name, file, file.name);
      const row = new Row(file, () => this.enqueue(row, body));
      this.rows.append(row.item);
      this.counts.total += 1;
      this.enqueue(row, body);
    }
    this.input.value = "";
  }

  enqueue(row, body) {
    row.show("waiting", "Waiting");
    this.queue.push({ row, body });
    this.next();
  }

  next() {
    while (this.running < AT_A_TIME && this.queue.length) {
      this.running += 1;
      this.send(this.queue.shift());
    }
    this.summarise();
  }

  send({ row, body }) {
    const request = new XMLHttpRequest();
    request.open("POST", this.form.action);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", body.get("csrfmiddlewaretoken"));
    request.upload.addEventListener("progress", (event) => row.progress(event.loaded, event.total));
    request.upload.addEventListener("load", () => row.show("checking", "Sent; being checked"));
    request.addEventListener("load", () => this.answered(row, request));
    request.addEventListener("error", () => this.broken(row));
    request.addEventListener("loadend", () => {
      this.running -= 1;
      this.next();
    });
    row.show("sending", "Sending");
    request.send(body);
  }

  answered(row, request) {
    const answer = request.response ?? {};
    if (request.status >= 200 && request.status < 300) {
      const state = answer.duplicate ? "duplicate" : "done";
      this.counts[state] += 1;
      row.arrived(state, answer);
      if (state === "done") row.watch(answer.status_url ?? this.form.dataset.statusUrl?.replace("__id__", answer.id));
      return;
    }
    this.counts.refused += 1;
    row.show("refused", answer.message ?? `The server refused this file (${request.status}). Try it again alone, or tell your facility's staff.`);
  }

  broken(row) {
    row.show("refused", "The connection broke before the file was in. Nothing was kept.");
    row.offerRetry(() => {
      this.counts.refused -= 1;
    });
    this.counts.refused += 1;
  }

  summarise() {
    const { total, done, duplicate, refused } = this.counts;
    if (!total) return;
    const parts = [`${done} of ${total} in`];
    if (duplicate) parts.push(`${duplicate} already there`);
    if (refused) parts.push(`${refused} refused`);
    this.summary.textContent = parts.join(" · ");
  }
}

class Row {
  constructor(file, retry) {
    this.retry = retry;
    this.item = element("li", "upload-row");
    this.name = element("span", "upload-name");
    this.name.append(`${file.name} `, element("small", "", sizeOf(file.size)));
    this.bar = document.createElement("progress");
    this.bar.max = 100;
    this.bar.value = 0;
    this.bar.setAttribute("aria-label", `Sent of ${file.name}`);
    this.message = element("span", "upload-message");
    this.tools = element("span", "upload-tools");
    this.item.append(this.name, this.bar, this.message, this.tools);
  }

  show(state, sentence) {
    this.item.dataset.state = state;
    this.message.textContent = sentence;
    this.bar.hidden = state === "refused" || state === "done" || state === "duplicate";
    this.tools.replaceChildren();
  }

  progress(loaded, total) {
    const share = Math.round((100 * loaded) / total);
    this.bar.value = share;
    this.message.textContent = `Sending, ${share} %`;
  }

  arrived(state, answer) {
    this.show(state, answer.message);
    const link = element("a", "", "Open");
    link.href = answer.url;
    this.tools.append(link);
  }

  offerRetry(before) {
    const button = element("button", "secondary small", "Try again");
    button.type = "button";
    button.addEventListener("click", () => {
      before();
      this.retry();
    });
    this.tools.append(button);
  }

  watch(address) {
    if (address && window.htmx) window.htmx.ajax("GET", address, { target: this.message, swap: "innerHTML" });
  }
}

function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function sizeOf(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${units[power]}`;
}

for (const form of document.querySelectorAll("form[data-upload]")) new Uploader(form);
