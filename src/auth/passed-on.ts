import type { DataAdapters } from "@authhero/adapter-interfaces";

/**
 * The adapters to give to AuthHero, so that it wraps fewer of them. For each request it makes three objects of every
 * member, with a function or two for each of some 250 methods: what it keeps between requests has to stand between, for
 * the rest it measures times that nobody is shown. A member that is itself a function, as `transaction` is, it passes on
 * as it is. So members become functions that have their methods; not those that are `kept`, and not what somebody else
 * may have made in a way of their own. Whoever calls, spreads or lists such a member finds no difference.
 */
export function passedOn(data: DataAdapters, kept: ReadonlySet<string>): DataAdapters {
  const members = Object.entries(data).map(([name, member]) => {
    return [name, kept.has(name) || !isOfMethods(member) ? member : Object.assign(uncallable(name), member)];
  });
  // The same names with the same methods; entries lose that.
  return Object.fromEntries(members) as DataAdapters;
}

/** All there is to it are its own methods: what came with a class would not be carried over. */
function isOfMethods(member: unknown): member is object {
  if (typeof member !== "object" || member === null || Object.getPrototypeOf(member) !== Object.prototype) return false;
  return Object.values(member).every((method) => typeof method === "function");
}

const uncallable = (name: string) => (): never => {
  throw new TypeError(`${name} is an adapter: call one of its methods`);
};
