import { describe } from "vitest";
import { describeAdapter } from "./clauses.ts";

describe("the data adapter on a libSQL file", () => describeAdapter("file"));
