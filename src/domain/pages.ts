/** As many as every adapter gives at once. */
const PAGE_ROWS = 100;

/** What a list is asked for. */
export interface PageQuery {
  /** From 0. */
  readonly page: number;
  readonly per_page: number;
}

type Read<T> = (query: PageQuery) => Promise<readonly T[]>;

/** The rows of a list, page after page, for as long as they are asked for. */
export async function* rowsOf<T>(read: Read<T>): AsyncGenerator<T, void> {
  for (let page = 0; ; page += 1) {
    const rows = await read({ page, per_page: PAGE_ROWS });
    yield* rows;
    if (rows.length < PAGE_ROWS) return;
  }
}

/** All rows of a list. */
export async function everyRow<T>(read: Read<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rowsOf(read)) all.push(row);
  return all;
}

/** The row of a name, however many rows there are; null when there is none. `read` may narrow the list, or not. */
export async function findNamed<T extends { readonly name: string }>(
  name: string,
  read: (query: PageQuery & { readonly q: string }) => Promise<readonly T[]>,
): Promise<T | null> {
  const q = `name:${JSON.stringify(name)}`;
  for await (const row of rowsOf((query) => read({ q, ...query }))) if (row.name === name) return row;
  return null;
}
