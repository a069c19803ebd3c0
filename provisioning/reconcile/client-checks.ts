import type { Database } from "../../src/db/database.ts";
import type { Placement } from "../placements.ts";
import { type Finding, finding } from "./findings.ts";
import { everyPage, PAGE_ROWS, type ReconcileNeeds } from "./needs.ts";
import type { ListedClient, RegistryQuestions } from "./registry-questions.ts";

/** More of one tenant would fill the memory; the next run finds the rest. */
const FINDINGS_MAX = 1_000;

interface Needs extends Pick<ReconcileNeeds, "records"> {
  readonly questions: RegistryQuestions;
}

/**
 * Compares the applications in a tenant's database with the directory, a page of each at a time: both come in the order
 * of SQLite's bytes, so that they can be walked side by side.
 */
export async function clientFindings(
  { records, questions }: Needs,
  { tenantId }: Placement,
  database: Database,
): Promise<readonly Finding[]> {
  const own = eachOf(
    everyPage(
      (after) => records.clientIds(database, tenantId, after, PAGE_ROWS),
      (id) => id,
    ),
  );
  const listed = eachOf(
    everyPage(
      (after) => questions.listedClients(tenantId, after),
      ({ clientId }) => clientId,
    ),
  );

  const found: Finding[] = [];
  for await (const [client, entry] of sideBySide(own, listed)) {
    if (found.length === FINDINGS_MAX) break;
    if (client === null && entry && !entry.isNew) {
      // One that was entered a moment ago may have a client that is not written yet.
      found.push(finding("client_directory_stale", entry.clientId, { tenantId }));
    }
    if (client !== null && !entry) found.push(finding("client_unlisted", client, { tenantId }));
  }
  return found;
}

type Pair = readonly [client: string | null, entry: ListedClient | null];

/** Puts together what is the same; what has no counterpart stands alone. */
async function* sideBySide(own: AsyncIterator<string>, listed: AsyncIterator<ListedClient>): AsyncGenerator<Pair> {
  let client = await nextOf(own);
  let entry = await nextOf(listed);
  while (client !== null || entry !== null) {
    const order = inBytes(client, entry?.clientId ?? null);
    yield [order <= 0 ? client : null, order >= 0 ? entry : null];
    if (order <= 0) client = await nextOf(own);
    if (order >= 0) entry = await nextOf(listed);
  }
}

async function nextOf<T>(items: AsyncIterator<T>): Promise<T | null> {
  const { done, value } = await items.next();
  return done ? null : value;
}

/** As SQLite compares text; what has come to its end stands behind everything. */
function inBytes(one: string | null, other: string | null): number {
  if (one === null || other === null) return one === null ? 1 : -1;
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

async function* eachOf<T>(pages: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const page of pages) yield* page;
}
