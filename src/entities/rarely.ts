import { type Expression, type SqlBool, sql } from "kysely";

/**
 * A condition that few rows meet. Without statistics SQLite takes a tenant to have ten rows, and would rather walk all
 * of them in the order asked for than look one up and sort. The hint changes no result.
 */
export const rarely = (condition: Expression<SqlBool>) => sql<SqlBool>`likelihood(${condition}, 0.001)`;
