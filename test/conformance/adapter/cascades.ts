import { describe, expect, it } from "vitest";
import { SAMPLES, type SampleName, sampleOf } from "../../support/samples.ts";
import { made, type Row, type Sample, type Scene, type Transport, useScene } from "./scene.ts";

/** What goes with a row: the member, and the fields by which its rows hang on the one that is deleted. */
type Dependants = readonly (readonly [member: SampleName, link: (owner: Row) => Row])[];

/** The contract's section 1.5, row by row. Tenants and users have more to tell, below. */
const CASCADES: readonly (readonly [owner: SampleName, takes: Dependants])[] = [
  [
    "users",
    [
      ...["codes", "grants", "passwords", "sessions", "userActivity", "userOrganizations"].map(byUser),
      ...["authenticationMethods", "userRoles", "userPermissions", "refreshTokens", "scimExternalIds"].map(byUser),
      byUser("loginSessions"),
    ],
  ],
  [
    "clients",
    [
      ["clientGrants", ({ client_id }) => ({ client_id })],
      ["clientRegistrationTokens", ({ client_id }) => ({ client_id })],
      ["refreshTokens", ({ client_id }) => ({ client_id })],
      ["grants", ({ client_id }) => ({ clientID: client_id })],
    ],
  ],
  [
    "connections",
    [
      ["organizationConnections", ({ id }) => ({ connection_id: id })],
      ["scimConfigurations", ({ id }) => ({ connection_id: id })],
      ["scimTokens", ({ id }) => ({ connection_id: id })],
      ["scimExternalIds", ({ id }) => ({ connection_id: id })],
    ],
  ],
  [
    "organizations",
    [
      ["organizationConnections", ({ id }) => ({ organization_id: id })],
      ["userOrganizations", ({ id }) => ({ organization_id: id })],
      ["invites", ({ id }) => ({ organization_id: id })],
      ["userRoles", ({ id }) => ({ organization_id: id })],
      ["userPermissions", ({ id }) => ({ organization_id: id })],
    ],
  ],
  ["sessions", [["loginSessions", ({ id }) => ({ session_id: id })]]],
  [
    "resourceServers",
    [
      ["rolePermissions", ({ identifier }) => ({ resource_server_identifier: identifier })],
      ["rolePermissions", ({ id }) => ({ resource_server_identifier: id })],
      ["userPermissions", ({ identifier }) => ({ resource_server_identifier: identifier })],
      ["userPermissions", ({ id }) => ({ resource_server_identifier: id })],
    ],
  ],
  [
    "roles",
    [
      ["rolePermissions", ({ id }) => ({ role_id: id })],
      ["userRoles.listUsers", ({ id }) => ({ role_id: id })],
    ],
  ],
  ["actions", [["actionVersions", ({ id }) => ({ action_id: id })]]],
  ["customDomains", [["proxyRoutes", ({ custom_domain_id }) => ({ custom_domain_id })]]],
  ["tenantOperations", [["tenantOperationEvents", ({ id }) => ({ operation_id: id })]]],
];

function byUser(member: string): Dependants[number] {
  return [member as SampleName, ({ user_id }) => ({ user_id })];
}

/** What goes when something is deleted, and that nothing else does. */
export function describeCascades(on: Transport): void {
  describe.each(CASCADES)("deleting one of %s", (name, takes) => {
    const owner = sampleOf(name);
    const scene = useScene(on, owner);

    it.each(takes)("takes its %s along, not another's and not another tenant's", async (member, link) => {
      const sample = sampleOf(member);
      const [ours, theirs] = [scene.tenant(), scene.tenant()];
      const doomed = await made(scene, owner, ours, owner.value(1));
      const staying = await made(scene, owner, ours, owner.value(2));
      const gone = await made(scene, sample, ours, { ...sample.value(1), ...link(doomed) });
      const kept = await made(scene, sample, ours, { ...sample.value(2), ...link(staying) });
      const foreign = sample.global ? null : await made(scene, sample, theirs, { ...sample.value(1), ...link(doomed) });
      expect(await sample.get?.(scene.data, ours, gone)).not.toBeNull();

      await owner.remove?.(scene.data, ours, doomed);

      expect(await sample.get?.(scene.data, ours, gone)).toBeNull();
      expect(await sample.get?.(scene.data, ours, kept)).not.toBeNull();
      if (foreign) expect(await sample.get?.(scene.data, theirs, foreign)).not.toBeNull();
    });
  });

  describe("deleting", () => {
    const scene = useScene(on, {});

    it("a user takes the users linked to it along, with what is theirs, and the visits their sessions came from", () =>
      linkedUsers(scene));
    it("a connection takes it out of the clients that had it; the others keep their order", () => ordered(scene));
    it("a login session takes nothing along", () => independent(scene));
    it("a session leaves the refresh tokens", () => tokensStay(scene));
    it("a user leaves nothing when its events cannot be written", () => allOrNothing(scene));
  });

  describe("deleting a tenant", () => {
    const scene = useScene(on, {});

    it.each(SAMPLES.filter(([, { global }]) => !global))(
      "takes its %s along, and not another tenant's",
      (_name, sample) => wholeTenant(scene, sample),
    );

    it("takes its keys along, and leaves the history of what was done to it", () => keysAndHistory(scene));
  });
}

async function wholeTenant(scene: Scene, sample: Sample): Promise<void> {
  const [doomed, staying] = [scene.tenant(), scene.tenant()];
  for (const id of [doomed, staying]) await scene.data.tenants.create({ id, friendly_name: id });
  const gone = await made(scene, sample, doomed, sample.value(1));
  const kept = await made(scene, sample, staying, sample.value(1));
  const before = await sample.get?.(scene.data, staying, kept);

  await scene.data.tenants.remove(doomed);

  expect(await sample.get?.(scene.data, doomed, gone)).toEqual(sample.nothing ?? null);
  expect(await sample.get?.(scene.data, staying, kept)).toEqual(before);
}

async function keysAndHistory(scene: Scene): Promise<void> {
  const [keys, operations] = [sampleOf("keys"), sampleOf("tenantOperations")];
  const id = scene.tenant();
  await scene.data.tenants.create({ id, friendly_name: id });
  const key = await made(scene, keys, id, { ...keys.value(1), tenant_id: id });
  const another = await made(scene, keys, id, { ...keys.value(2), tenant_id: scene.tenant() });
  const operation = await made(scene, operations, id, { ...operations.value(1), tenant_id: id });

  await scene.data.tenants.remove(id);

  expect(await keys.get?.(scene.data, id, key)).toBeNull();
  expect(await keys.get?.(scene.data, id, another)).not.toBeNull();
  expect(await operations.get?.(scene.data, id, operation)).not.toBeNull();
}

async function linkedUsers(scene: Scene): Promise<void> {
  const [users, sessions, visits] = [sampleOf("users"), sampleOf("sessions"), sampleOf("loginSessions")];
  const tenant = scene.tenant();
  const primary = await made(scene, users, tenant, users.value(1));
  const linked = await made(scene, users, tenant, { ...users.value(2), linked_to: primary.user_id });
  const bystander = await made(scene, users, tenant, users.value(3));
  const session = await made(scene, sessions, tenant, { ...sessions.value(1), user_id: linked.user_id });
  const visit = await made(scene, visits, tenant, { ...visits.value(1), session_id: session.id, user_id: undefined });

  await users.remove?.(scene.data, tenant, primary);

  expect(await users.get?.(scene.data, tenant, linked)).toBeNull();
  expect(await sessions.get?.(scene.data, tenant, session)).toBeNull();
  expect(await visits.get?.(scene.data, tenant, visit)).toBeNull();
  expect(await users.get?.(scene.data, tenant, bystander)).not.toBeNull();
}

async function ordered(scene: Scene): Promise<void> {
  const [clients, connections] = [sampleOf("clients"), sampleOf("connections")];
  const tenant = scene.tenant();
  const doomed = await made(scene, connections, tenant, connections.value(1));
  const client = await made(scene, clients, tenant, { ...clients.value(1), connections: ["z", doomed.id, "a", "m"] });

  await connections.remove?.(scene.data, tenant, doomed);

  expect(await clients.get?.(scene.data, tenant, client)).toMatchObject({ connections: ["z", "a", "m"] });
}

async function independent(scene: Scene): Promise<void> {
  const [visits, sessions, tokens] = [sampleOf("loginSessions"), sampleOf("sessions"), sampleOf("refreshTokens")];
  const tenant = scene.tenant();
  const visit = await made(scene, visits, tenant, visits.value(1));
  const session = await made(scene, sessions, tenant, { ...sessions.value(1), login_session_id: visit.id });
  const token = await made(scene, tokens, tenant, { ...tokens.value(1), login_id: visit.id });

  await visits.remove?.(scene.data, tenant, visit);

  expect(await sessions.get?.(scene.data, tenant, session)).not.toBeNull();
  expect(await tokens.get?.(scene.data, tenant, token)).not.toBeNull();
}

async function tokensStay(scene: Scene): Promise<void> {
  const [sessions, tokens] = [sampleOf("sessions"), sampleOf("refreshTokens")];
  const tenant = scene.tenant();
  const session = await made(scene, sessions, tenant, { ...sessions.value(1), login_session_id: "visit" });
  const token = await made(scene, tokens, tenant, { ...tokens.value(1), login_id: "visit", user_id: session.user_id });

  await sessions.remove?.(scene.data, tenant, session);

  expect(await tokens.get?.(scene.data, tenant, token)).not.toBeNull();
}

/** Two events of one id: the second cannot be written, so nothing of the deletion may be. */
async function allOrNothing(scene: Scene): Promise<void> {
  const [users, roles, events] = [sampleOf("users"), sampleOf("userRoles"), sampleOf("outbox")];
  const tenant = scene.tenant();
  const user = await made(scene, users, tenant, users.value(1));
  const role = await made(scene, roles, tenant, { ...roles.value(1), user_id: user.user_id });
  const event = { ...events.value(1), id: `event-of-${tenant}` } as OutboxEvent;

  const removal = scene.data.users.remove(tenant, String(user.user_id), { outboxEvents: [event, event] });

  await expect(removal).rejects.toMatchObject({ status: 409 });
  expect(await users.get?.(scene.data, tenant, user)).not.toBeNull();
  expect(await roles.get?.(scene.data, tenant, role)).not.toBeNull();
}

type OutboxEvent = NonNullable<NonNullable<Parameters<Scene["data"]["users"]["remove"]>[2]>["outboxEvents"]>[number];
