import type { DataAdapters } from "@authhero/adapter-interfaces";
import { inheritedClients } from "./clients.ts";
import { inheritedConnections } from "./connections.ts";
import { inheritedHooks } from "./hooks.ts";
import type { LenderOf } from "./lender.ts";
import { type FirstTheme, inheritedLooks } from "./looks.ts";
import { inheritedMail } from "./mail.ts";
import { withSystemScopes } from "./resource-servers.ts";

/**
 * Lets a tenant use what its control plane lends: read at the moment of use, never copied. For the flows in which
 * people sign in only: what they read holds the control plane's secrets, so a management API must not see these
 * adapters. What writes carry back of an inherited value is taken out of them.
 */
export function withFallback(adapters: DataAdapters, lenderOf: LenderOf, firstTheme?: FirstTheme): DataAdapters {
  return {
    ...withSystemScopes(adapters, lenderOf),
    ...inheritedConnections(adapters, lenderOf),
    ...inheritedLooks(adapters, lenderOf, firstTheme),
    clients: inheritedClients(adapters.clients, lenderOf),
    emailProviders: inheritedMail(adapters.emailProviders, lenderOf),
    hooks: inheritedHooks(adapters.hooks, lenderOf),
    transaction: (work) => adapters.transaction((inside) => work(withFallback(inside, lenderOf, firstTheme))),
  };
}
