import { describe } from "vitest";
import { sqldMissing } from "../../support/sqld.ts";
import { describeAdapter } from "./clauses.ts";

describe.skipIf(sqldMissing)(`the data adapter on a libSQL server${sqldMissing ? `: ${sqldMissing}` : ""}`, () =>
  describeAdapter("server"),
);
