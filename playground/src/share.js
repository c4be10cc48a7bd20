// The state of the page as the fragment of its address: compressed, and never sent to a server.

const MARK = "#p1=";
/** Of links that pages have: the configuration alone, percent-encoded. */
const PLAIN = "#y=";

/** The fragment for a state. */
export async function toFragment(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  return MARK + base64(await through(bytes, new CompressionStream("deflate-raw")));
}

/** The state in a fragment; `null` where there is none. Throws for what is not a state. */
export async function ofFragment(fragment) {
  if (fragment.startsWith(PLAIN)) return { text: decodeURIComponent(fragment.slice(PLAIN.length)) };
  if (!fragment.startsWith(MARK)) return null;
  const bytes = await through(unbase64(fragment.slice(MARK.length)), new DecompressionStream("deflate-raw"));
  const state = JSON.parse(new TextDecoder().decode(bytes));
  if (typeof state?.text !== "string") throw new Error("no configuration in it");
  return state;
}

/** No state is longer: a short address can unpack to a lot. */
const MAX_BYTES = 4 << 20;

async function through(bytes, transform) {
  const stream = new Blob([bytes]).stream().pipeThrough(transform);
  const parts = [];
  let length = 0;
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > MAX_BYTES) throw new Error("too long");
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function base64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function unbase64(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (char) => char.charCodeAt(0));
}
