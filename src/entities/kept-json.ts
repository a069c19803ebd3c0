/** A list or object that takes more characters than this is read when somebody asks for it. */
const PART_CHARACTERS = 1_000;

type Path = readonly string[];
type Container = Record<string, unknown>;

/** What was taken out of a value, and how it is put back. */
interface Part {
  readonly parent: Path;
  readonly key: string;
  readonly property: PropertyDescriptor;
}

/**
 * Answers what a JSON text says, a value of its own each time. Its large parts are members that read themselves when they
 * are first asked for: who wants a client's name pays nothing for the two hundred scopes beside it.
 */
export function readingAnew(text: string): () => unknown {
  const rest: unknown = JSON.parse(text);
  const parts = takenOut(rest, []);
  if (parts.length === 0) return () => JSON.parse(text);
  const textOfRest = JSON.stringify(rest);
  return () => {
    const value: unknown = JSON.parse(textOfRest);
    for (const { parent, key, property } of parts) Object.defineProperty(memberAt(value, parent), key, property);
    return value;
  };
}

/** Takes the innermost large parts out of a value; a zero holds the place of each. */
function takenOut(value: unknown, path: Path): Part[] {
  if (!isContainer(value)) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const within = takenOut(member, [...path, key]);
    // Elements of a list stay: who reads a list reads all of it.
    if (within.length > 0 || Array.isArray(value) || !isContainer(member)) return within;
    const text = JSON.stringify(member);
    if (text.length <= PART_CHARACTERS) return [];
    value[key] = 0;
    return [{ parent: path, key, property: readWhenAsked(key, text) }];
  });
}

/** A member like any other, to whoever reads it, writes it, lists it or copies it. */
function readWhenAsked(key: string, text: string): PropertyDescriptor {
  const settle = (owner: object, value: unknown): unknown => {
    Reflect.defineProperty(owner, key, { value, enumerable: true, configurable: true, writable: true });
    return value;
  };
  return {
    enumerable: true,
    configurable: true,
    get(this: object) {
      return settle(this, JSON.parse(text));
    },
    set(this: object, value: unknown) {
      settle(this, value);
    },
  };
}

const memberAt = (value: unknown, path: Path): object =>
  path.reduce<unknown>((at, key) => (at as Container)[key], value) as object;

const isContainer = (value: unknown): value is Container => typeof value === "object" && value !== null;
