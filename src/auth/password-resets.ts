import type { DataAdapters } from "@authhero/adapter-interfaces";
import type { Clock } from "../domain/clock.ts";
import { plainId } from "../domain/ids.ts";

/** Who asks for a new password, and where they come from. */
export interface PasswordReset {
  readonly tenantId: string;
  readonly clientId: string;
  readonly email: string;
  /** The tenant's canonical origin. */
  readonly origin: URL;
  readonly ip: string | undefined;
}

/** The code in the link has six digits: it must not be there to be guessed for long. */
const LASTS_MS = 3_600_000;

/** Begins password resets outside of any login, as `POST /dbconnections/change_password` asks for. */
export function createPasswordResets({ clients, loginSessions }: DataAdapters, clock: Clock) {
  return {
    /**
     * A login of the application that has come as far as its user's name, whoever that is: in it AuthHero mails a link that
     * works. Its `state`, or null when there is no such application.
     */
    async begin({ tenantId, clientId, email, origin, ip }: PasswordReset): Promise<string | null> {
      const client = await clients.get(tenantId, clientId);
      if (!client) return null;
      const redirectUri = client.callbacks?.[0];
      const { id } = await loginSessions.create(tenantId, {
        csrf_token: plainId(),
        authParams: { client_id: clientId, username: email, ...(redirectUri && { redirect_uri: redirectUri }) },
        expires_at: new Date(clock().getTime() + LASTS_MS).toISOString(),
        authorization_url: origin.href,
        ...(ip && { ip }),
      });
      return id;
    },

    /** Whether there is such a login, and it does not say yet who signs in. */
    async isNameless(tenantId: string, state: string): Promise<boolean> {
      const login = await loginSessions.get(tenantId, state);
      return login !== null && !login.authParams.username;
    },

    /** Says who signs in, as the page for the name does. */
    async name(tenantId: string, state: string, username: string): Promise<void> {
      const login = await loginSessions.get(tenantId, state);
      if (login) await loginSessions.update(tenantId, state, { authParams: { ...login.authParams, username } });
    },
  };
}
