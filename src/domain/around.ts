/** Runs a piece of work that has a name, such as a call of a provider: whoever measures or traces it stands around it. */
export type Around = <T>(call: string, work: () => Promise<T>) => Promise<T>;
