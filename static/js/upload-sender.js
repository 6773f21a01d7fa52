/* Sends one file by the tus protocol (tus-js-client, loaded by the page): in pieces, and from where it stopped. */

const PIECE_BYTES = 8 * 1024 * 1024; // one request; small enough that others are served in between
const HEAD_BYTES = 512; // shown with the announcement, so that a wrong file is refused before it is sent
const RETRY_MS = [500, 1500]; // afterwards the page says that the connection is lost, and goes on trying

export function canResume() {
  return Boolean(window.tus?.isSupported);
}

export class Sender {
  /** endpoint: where uploads begin; token: against forged requests; said: what the form says about the file.
      on: {progress(bytes), address(url), done(answer), lost(), refused(sentence)}. */
  constructor(file, { endpoint, token, said, on }) {
    this.file = file;
    this.endpoint = endpoint;
    this.token = token;
    this.said = said;
    this.on = on;
  }

  async start() {
    const attempt = Symbol("attempt"); // pausing and going on while the file is still being looked at starts it once
    this.attempt = attempt;
    try {
      this.upload ??= await this.prepared();
    } catch {
      this.on.refused("The file cannot be read. If it is a folder, drop the files in it; else check that it is still there.");
      return;
    }
    if (this.attempt === attempt) this.upload.start();
  }

  pause() {
    this.attempt = undefined;
    this.upload?.abort();
  }

  /** Give the upload up, here and on the server. */
  remove() {
    this.attempt = undefined;
    this.upload?.abort(true).catch(() => {}); // the server sweeps what it was not told about
  }

  async prepared() {
    const head = new Uint8Array(await this.file.slice(0, HEAD_BYTES).arrayBuffer());
    const hex = [...head].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const upload = new window.tus.Upload(this.file, {
      endpoint: this.endpoint,
      chunkSize: PIECE_BYTES,
      retryDelays: RETRY_MS,
      removeFingerprintOnSuccess: true,
      headers: { "X-CSRFToken": this.token, Accept: "application/json" },
      metadata: { filename: this.file.name, head: hex, ...this.said },
      onUploadUrlAvailable: () => this.on.address(upload.url),
      onProgress: (sent) => this.on.progress(sent),
      onSuccess: ({ lastResponse }) => this.on.done(answerOf(lastResponse)),
      onError: (error) => this.failed(error),
    });
    const [last] = (await upload.findPreviousUploads()).sort((a, b) => new Date(b.creationTime) - new Date(a.creationTime));
    if (last && this.isTheSame(last.metadata)) upload.resumeFromPreviousUpload(last);
    return upload;
  }

  /** Whether an earlier upload of this file may go on: unless something else is said about it now. */
  isTheSame(before) {
    return Object.entries(this.said).every(([name, value]) => before[name] === value);
  }

  failed(error) {
    const response = error.originalResponse;
    if (!response || response.getStatus() === 0) {
      this.on.lost();
      return;
    }
    this.upload = undefined; // what is tried again asks anew where it stands
    this.on.refused(sentenceOf(response));
  }
}

function answerOf(response) {
  return {
    url: response.getHeader("Strehl-Acquisition"),
    duplicate: response.getHeader("Strehl-Duplicate") === "true",
    message: decodeURIComponent(response.getHeader("Strehl-Message") ?? ""),
  };
}

function sentenceOf(response) {
  try {
    return JSON.parse(response.getBody()).message;
  } catch {
    return `The server refused this file (${response.getStatus()}). Try it again alone, or tell your facility's staff.`;
  }
}
