import { sql } from "kysely";

/** The `connections` of a row of `clients` as a JSON array, also where there have never been any. */
export const connectionList = sql`coalesce(clients.connections, '[]')`;

/** Whether a client has the connection. */
export const holdsConnection = (connectionId: string) =>
  sql<boolean>`exists (select 1 from json_each(${connectionList}) where value = ${connectionId})`;

/** The list with the connection at its end, or as it is when the connection is there already. */
export const withConnection = (connectionId: string) =>
  sql<string>`iif(${holdsConnection(connectionId)}, ${connectionList}, json_insert(${connectionList}, '$[#]', ${connectionId}))`;

/** The list without the connection; the others keep their order. */
export const withoutConnection = (connectionId: string) => sql<string>`(
  select json_group_array(value) from (
    select value from json_each(${connectionList}) where value <> ${connectionId} order by key
  )
)`;
