import type { ResolveTxt } from "../../src/tenancy/txt-records.ts";

/** A DNS zone of one's own: what stands in it, and a way to ask it as `node:dns` does. */
export function createZone() {
  const records = new Map<string, string[]>();
  let failure: Error | undefined;

  const resolveTxt: ResolveTxt = (name) => {
    const texts = records.get(name);
    const missing = Object.assign(new Error(`queryTxt ENOTFOUND ${name}`), { code: "ENOTFOUND" });
    if (failure || !texts) return Promise.reject(failure ?? missing);
    // A record comes in pieces, wherever it was cut.
    return Promise.resolve(texts.map((text) => [text.slice(0, 7), text.slice(7)]));
  };
  return {
    resolveTxt,
    /** Adds a record. */
    set: (name: string, text: string) => void records.set(name, [...(records.get(name) ?? []), text]),
    clear: () => records.clear(),
    /** From here on every question fails like this; with nothing, it is answered again. */
    fail(code?: string) {
      failure = code === undefined ? undefined : Object.assign(new Error(`queryTxt ${code}`), { code });
    },
  };
}
