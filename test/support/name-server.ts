import { createSocket } from "node:dgram";
import { once } from "node:events";

/** A name server on loopback that knows the TXT records it is told, and answers in the words of RFC 1035. */
export async function startNameServer() {
  const zone = new Map<string, readonly string[]>();
  let isSilent = false;
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    if (!isSilent) socket.send(answerTo(query, zone), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");

  return {
    /** As `DNS_SERVERS` names it. */
    address: `127.0.0.1:${socket.address().port}`,
    set: (name: string, ...texts: readonly string[]) => void zone.set(name, texts),
    remove: (name: string) => void zone.delete(name),
    /** From here on it hears and does not answer. */
    fallSilent() {
      isSilent = true;
    },
    stop: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}

const HEADER_BYTES = 12;
const QUERY_RESPONSE = 0x8180;
const NO_SUCH_NAME = 3;
/** The name of the question, again. */
const POINTER = 0xc00c;
const TXT = 16;
const INTERNET = 1;
const STRING_BYTES_MAX = 255;

function answerTo(query: Buffer, zone: ReadonlyMap<string, readonly string[]>): Buffer {
  const { name, end } = nameIn(query);
  const texts = zone.get(name);
  const header = Buffer.alloc(HEADER_BYTES);
  const words = [query.readUInt16BE(0), QUERY_RESPONSE | (texts ? 0 : NO_SUCH_NAME), 1, texts?.length ?? 0];
  for (const [index, word] of words.entries()) header.writeUInt16BE(word, index * 2);
  return Buffer.concat([header, query.subarray(HEADER_BYTES, end), ...(texts ?? []).map(recordOf)]);
}

/** The name that is asked for, and where its question ends: behind its type and class. */
function nameIn(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("ascii", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 5 };
}

function recordOf(text: string): Buffer {
  const bytes = Buffer.from(text);
  const strings: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += STRING_BYTES_MAX) {
    const part = bytes.subarray(at, at + STRING_BYTES_MAX);
    strings.push(Buffer.from([part.length]), part);
  }
  const data = Buffer.concat(strings);
  const head = Buffer.alloc(HEADER_BYTES);
  for (const [index, word] of [POINTER, TXT, INTERNET, 0, 0, data.length].entries())
    head.writeUInt16BE(word, index * 2);
  return Buffer.concat([head, data]);
}
