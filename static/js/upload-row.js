/* One line of the list of files: what the file is, how far it is, and what can be done about it. */

const ENDED = new Set(["done", "duplicate", "refused"]);

export class Row {
  /** actions: {pause, resume, remove, retry}, called by the row's buttons. */
  constructor(file, actions) {
    this.file = file;
    this.actions = actions;
    this.sent = 0;
    this.state = "waiting";
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

  get ended() {
    return ENDED.has(this.state);
  }

  /** Show a state with its sentence, and the buttons that make sense in it: pairs of a label and the action's name. */
  show(state, sentence, buttons = []) {
    const focused = this.tools.contains(document.activeElement);
    this.state = state;
    this.item.dataset.state = state;
    this.message.textContent = sentence;
    this.bar.hidden = this.ended;
    this.tools.replaceChildren(...buttons.map(([label, action]) => this.button(label, action)));
    if (focused) this.tools.querySelector("button, a")?.focus();
  }

  waiting() {
    this.show("waiting", this.sent ? `Waiting, ${this.amount()}` : "Waiting", [["Remove", "remove"]]);
  }

  sending() {
    this.show("sending", this.sent ? `Going on at ${this.amount()}` : "Sending", [["Pause", "pause"], ["Remove", "remove"]]);
  }

  paused() {
    this.show("paused", `Paused, ${this.amount()}`, [["Go on", "resume"], ["Remove", "remove"]]);
  }

  lost() {
    this.show("lost", `Connection lost, ${this.amount()}. It goes on by itself.`, [["Try now", "resume"], ["Remove", "remove"]]);
  }

  refused(sentence) {
    this.show("refused", sentence, [["Try again", "retry"], ["Remove", "remove"]]);
  }

  progress(sent) {
    this.sent = sent;
    this.bar.value = this.percent();
    if (this.state !== "sending" && this.state !== "checking") return;
    if (sent >= this.file.size) this.show("checking", "Sent; being checked");
    else this.message.textContent = `Sending, ${this.amount()}`;
  }

  arrived(state, answer) {
    this.sent = this.file.size;
    this.show(state, answer.message);
    const link = element("a", "", "Open");
    link.href = answer.url;
    link.setAttribute("aria-label", `Open ${this.file.name}`);
    this.tools.append(link);
  }

  /** Let the fragment at the address, which asks again by itself, tell how far the measuring is. */
  watch(address) {
    if (!address || !window.htmx) return;
    const state = element("span");
    this.message.replaceChildren("In. ", state);
    window.htmx.ajax("GET", address, { target: state, swap: "innerHTML" });
  }

  percent() {
    return this.file.size ? Math.floor((100 * this.sent) / this.file.size) : 0;
  }

  amount() {
    return `${this.percent()} % · ${sizeOf(this.sent)} of ${sizeOf(this.file.size)}`;
  }

  button(label, action) {
    const made = element("button", "secondary small", label);
    made.type = "button";
    made.setAttribute("aria-label", `${label}: ${this.file.name}`);
    made.addEventListener("click", () => this.actions[action]());
    return made;
  }
}

export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export function sizeOf(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${units[power]}`;
}
