export { type ProviderClause, testProvider } from "./provider.ts";
