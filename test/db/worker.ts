import { Kysely } from "kysely";
import { migrate } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { ticksDuring } from "./support.ts";

/** A second process for the tests: `worker.ts write <path> <count>` or `worker.ts migrate <path> <directory>`. */
const [task, path = "", argument = ""] = process.argv.slice(2);
const database = await openFile(path);

/** Half of the writes alone, half as transactions that read first; every one is reported only when it is done. */
async function write(count: number): Promise<string[]> {
  const db = new Kysely<{ note: { body: string } }>({ dialect: database.dialect });
  const names = Array.from({ length: count }, (_, n) => `child-${n}`);
  const writeOne = (body: string, n: number): Promise<unknown> => {
    if (n % 2 === 0) return db.insertInto("note").values({ body }).execute();
    return db.transaction().execute(async (trx) => {
      await trx.selectFrom("note").select("body").limit(1).execute();
      await trx.insertInto("note").values({ body }).execute();
    });
  };
  await Promise.all(names.map(writeOne));
  return names;
}

let result: unknown;
const ticks = await ticksDuring(async () => {
  result = task === "write" ? await write(Number(argument)) : await migrate(database, ["tenant"], argument);
});
await database.close();
process.stdout.write(JSON.stringify({ ticks, result }));
