import type { DataAdapters } from "@authhero/adapter-interfaces";

type Call = (...args: unknown[]) => Promise<unknown>;

/** Methods that write: what they answer follows from their arguments, and for a measurement one answer is as good. */
const WRITES = /^(?:create|rawCreate|update|remove|set|upsert|used|consume|assign|mark\w+)$/;

/**
 * Adapters that answer from memory, and cost nothing: of every question the first answer is kept, and given to
 * everybody who asks it again; of every write, too. `asked` counts what had to be asked of the adapters behind, so that
 * a measurement can be sure that nothing was.
 */
export function prepared(data: DataAdapters): { readonly adapters: DataAdapters; asked(): number } {
  let asked = 0;

  const answering = (method: string, call: Call): Call => {
    const answers = new Map<string, Promise<unknown>>();
    return (...args) => {
      const question = WRITES.test(method) ? "" : JSON.stringify(args);
      const known = answers.get(question);
      if (known) return known;
      asked += 1;
      const answer = call(...args);
      answers.set(question, answer);
      return answer;
    };
  };

  const members = Object.entries(data).map(([name, adapter]) => {
    if (typeof adapter !== "object") return [name, adapter];
    const calls = Object.entries(adapter).map(([method, call]) => [
      method,
      typeof call === "function" ? answering(method, call as Call) : call,
    ]);
    return [name, Object.fromEntries(calls)];
  });
  const adapters = Object.fromEntries(members) as DataAdapters;
  return {
    adapters: { ...adapters, transaction: (work) => work(adapters) },
    asked: () => asked,
  };
}
