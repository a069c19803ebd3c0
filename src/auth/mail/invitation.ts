import type { Message } from "./message.ts";

/** What an invitation into a tenant's team says. */
export interface Invitation {
  readonly to: string;
  /** Who invites, in words. */
  readonly inviter: string;
  /** What the tenant is called. */
  readonly tenant: string;
  /** Where it is accepted. */
  readonly url: string;
  readonly secondsToLive: number;
}

const DAY_SECONDS = 86_400;

/** The mail that invites somebody to administer a tenant. */
export function invitationMail({ to, inviter, tenant, url, secondsToLive }: Invitation): Omit<Message, "from"> {
  const days = Math.max(1, Math.round(secondsToLive / DAY_SECONDS));
  const who = `${inviter} invites you to administer ${tenant}.`;
  const end = `The link works for ${days} ${days === 1 ? "day" : "days"}. If you do not know what this is about, ignore it.`;
  return {
    to,
    // A header has one line.
    subject: `You are invited to administer ${tenant.replace(/\s+/g, " ")}`,
    text: `${who}\n\nAccept the invitation:\n${url}\n\n${end}\n`,
    html: `<p>${escaped(who)}</p><p><a href="${escaped(url)}">Accept the invitation</a></p><p>${escaped(end)}</p>`,
  };
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
