/** What a piece of work does at a database. The text has placeholders for all that is of anybody. */
export interface SqlText {
  readonly sql: string;
}

/**
 * Runs a piece of work that has a name, such as a call of a provider: whoever measures or traces it stands around it.
 * With the statements, where it is a trip to a database.
 */
export type Around = <T>(call: string, work: () => Promise<T>, statements?: readonly SqlText[]) => Promise<T>;

/** Both around the same work, the first outside. One that is not there is left out. */
export function nested(outer: Around | undefined, inner: Around | undefined): Around {
  if (!outer || !inner) return outer ?? inner ?? nobody;
  return (call, work, statements) => outer(call, () => inner(call, work, statements), statements);
}

const nobody: Around = (_call, work) => work();
