import { randomBytes } from "node:crypto";
import type { Branding, EmailProvider, EmailTemplate, ThemeInsert } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createKeyRing } from "../../src/db/seal.ts";
import { createEntities } from "../../src/entities/index.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;
let all: ReturnType<typeof createEntities>;

beforeEach(async () => {
  const keyRing = createKeyRing({ current: { id: "k1", key: randomBytes(32) } });
  fresh = await freshStore({ keyRing });
  all = createEntities(fresh.store);
});

afterEach(() => fresh.close());

describe("branding", () => {
  it("is merged field by field, whatever kind a page background is of", async () => {
    expect(await all.branding.get("acme")).toBeNull();
    await all.branding.set("acme", { logo_url: "https://logo" });
    expect(await all.branding.get("acme")).toEqual({ logo_url: "https://logo", colors: {} });

    await all.branding.set("acme", { colors: { primary: "#000", page_background: "#fff" } as Branding["colors"] });
    await all.branding.set("acme", { logo_url: null as never, favicon_url: undefined });

    expect(await all.branding.get("acme")).toEqual({ colors: { primary: "#000", page_background: "#fff" } });
    const gradient = { type: "linear-gradient", start: "#fff", end: "#000" };
    await all.branding.set("acme", { colors: { primary: "#000", page_background: gradient } as Branding["colors"] });
    expect(await all.branding.get("acme")).toMatchObject({ colors: { page_background: gradient } });
    expect(await all.branding.get("other")).toBeNull();
  });
});

describe("prompt settings", () => {
  it("are never nothing, keep what is not named, and pass over what they do not know", async () => {
    expect(await all.promptSettings.get("acme")).toEqual({
      universal_login_experience: "new",
      identifier_first: true,
      password_first: false,
      show_last_used_connection: false,
      webauthn_platform_first_factor: false,
    });

    await all.promptSettings.set("acme", { identifier_first: false, unheard_of: 1 } as never);
    await all.promptSettings.set("acme", { password_first: true });

    expect(await all.promptSettings.get("acme")).toMatchObject({ identifier_first: false, password_first: true });
    expect(await all.promptSettings.get("acme")).not.toHaveProperty("unheard_of");
    expect(await all.promptSettings.get("other")).toMatchObject({ identifier_first: true });
  });
});

describe("universal login templates", () => {
  it("are set, replaced and deleted", async () => {
    await all.universalLoginTemplates.set("acme", { body: "one" });
    await all.universalLoginTemplates.set("acme", { body: "two" });

    expect(await all.universalLoginTemplates.get("acme")).toEqual({ body: "two" });
    expect(await all.universalLoginTemplates.get("other")).toBeNull();
    await all.universalLoginTemplates.delete("acme");
    expect(await all.universalLoginTemplates.get("acme")).toBeNull();
  });
});

describe("e-mail providers", () => {
  const provider = { name: "mailgun", credentials: { api_key: "s3cret" } } as unknown as EmailProvider;

  it("are one per tenant, with credentials sealed, enabled unless said otherwise", async () => {
    await all.emailProviders.create("acme", provider);

    expect(await all.emailProviders.get("acme")).toEqual({ ...provider, enabled: true, settings: {} });
    const { rows } = await sql<{ row: string }>`select json_object('a', credentials, 'b', doc) as row
      from tenant_singletons`.execute(fresh.store.db);
    expect(rows[0]?.row).toContain("rh1.");
    expect(rows[0]?.row).not.toContain("s3cret");
    await expect(all.emailProviders.create("acme", provider)).rejects.toMatchObject({ status: 409 });
  });

  it("are changed where there is one, and removed", async () => {
    await all.emailProviders.update("acme", { enabled: false });
    expect(await all.emailProviders.get("acme")).toBeNull();
    await all.emailProviders.create("acme", { ...provider, default_from_address: "a@acme.example" });

    await all.emailProviders.update("acme", { enabled: false, credentials: { api_key: "new" } });

    expect(await all.emailProviders.get("acme")).toMatchObject({
      name: "mailgun",
      enabled: false,
      default_from_address: "a@acme.example",
      credentials: { api_key: "new" },
    });
    await all.emailProviders.remove("acme");
    await all.emailProviders.remove("acme");
    expect(await all.emailProviders.get("acme")).toBeNull();
  });
});

describe("themes", () => {
  const theme = {
    displayName: "Acme",
    colors: { primary_button: "#000", base_focus_color: "#111" },
    fonts: { title: { bold: true, size: 150 }, font_url: "https://font" },
    page_background: { background_color: "#fff", logo_placement: "none" },
    borders: {},
    widget: {},
  } as unknown as ThemeInsert;

  it("are named by the import, by the caller, or by chance", async () => {
    const importMetadata = { id: "imported" };

    expect(await all.themes.create("acme", theme, "default")).toEqual({ ...theme, themeId: "default" });
    expect(await all.themes.create("acme", theme, "ignored", { importMetadata })).toMatchObject({
      themeId: "imported",
    });
    expect((await all.themes.create("acme", theme)).themeId).toMatch(/^[\w-]{21}$/);
    await expect(all.themes.create("acme", theme, "default")).rejects.toMatchObject({ status: 409 });
    expect(await all.themes.get("other", "default")).toBeNull();
  });

  it("are merged into their groups: what is not named survives, null clears", async () => {
    await all.themes.create("acme", theme, "default");
    const patch = { colors: { primary_button: "#222" }, fonts: { title: { bold: false }, font_url: null } };

    expect(await all.themes.update("acme", "default", patch as never)).toBe(true);

    const merged = await all.themes.get("acme", "default");
    expect(merged).toMatchObject({
      displayName: "Acme",
      colors: { primary_button: "#222", base_focus_color: "#111" },
      fonts: { title: { bold: false, size: 150 } },
      page_background: { logo_placement: "none" },
    });
    expect(merged?.fonts).not.toHaveProperty("font_url");
    expect(await all.themes.update("other", "default", patch as never)).toBe(false);
    await expect(all.themes.update("acme", "default", { shape: "round" } as never)).rejects.toMatchObject({
      reason: "unknown_field",
    });
  });
});

describe("custom text", () => {
  it("is replaced as a whole, and an empty one is not absent", async () => {
    const { customText } = all;
    await customText.set("acme", "login", "en", { login: { title: "Hello", button: "Go" } });
    await customText.set("acme", "login", "en", { login: { title: "Hi" } });
    await customText.set("acme", "login", "de", {});
    await customText.set("other", "signup", "en", {});

    expect(await customText.get("acme", "login", "en")).toEqual({ login: { title: "Hi" } });
    expect(await customText.get("acme", "login", "de")).toEqual({});
    expect(await customText.get("acme", "signup", "en")).toBeNull();
    expect(await customText.list("acme")).toEqual([
      { prompt: "login", language: "de" },
      { prompt: "login", language: "en" },
    ]);
    await customText.delete("acme", "login", "en");
    expect(await customText.list("acme")).toEqual([{ prompt: "login", language: "de" }]);
  });
});

describe("e-mail templates", () => {
  const template = (name: string) =>
    ({ template: name, body: "Hello", from: "a@acme.example", subject: "Hi" }) as EmailTemplate;

  it("are one per occasion, listed by its name, with defaults for what is not given", async () => {
    const created = await all.emailTemplates.create("acme", template("welcome_email"), {
      importMetadata: { id: "not a name" },
    });
    await all.emailTemplates.create("acme", template("reset_email"));

    expect(created).toEqual({
      ...template("welcome_email"),
      syntax: "liquid",
      includeEmailInRedirect: false,
      enabled: true,
    });
    const names = (await all.emailTemplates.list("acme")).map((one) => one.template);
    expect(names).toEqual(["reset_email", "welcome_email"]);
    await expect(all.emailTemplates.create("acme", template("reset_email"))).rejects.toMatchObject({ status: 409 });
  });

  it("say whether they are there when nothing is to be changed", async () => {
    await all.emailTemplates.create("acme", template("reset_email"));

    expect(await all.emailTemplates.update("acme", "reset_email", {})).toBe(true);
    expect(await all.emailTemplates.update("acme", "welcome_email", {})).toBe(false);
    expect(await all.emailTemplates.update("acme", "reset_email", { enabled: false })).toBe(true);
    expect(await all.emailTemplates.get("acme", "reset_email")).toMatchObject({ enabled: false, body: "Hello" });
  });
});
