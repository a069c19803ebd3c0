import { cases } from "./cases/index.ts";

const [, , name = "", directory = ""] = process.argv;
const found = Object.entries(cases).find(([known]) => known === name);
if (!found) throw new Error(`there is no case ${name}`);
process.send?.(await found[1].run({ directory }));
process.disconnect();
