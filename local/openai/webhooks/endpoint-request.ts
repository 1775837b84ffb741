import { invalid } from '../api-error.ts';
import type { Json, JsonObject } from '../json.ts';

/** The ends of a batch that webhooks report. */
export const BATCH_EVENT_TYPES = [
  'batch.completed',
  'batch.failed',
  'batch.expired',
  'batch.cancelled',
] as const;

/** All types to which an endpoint can subscribe. Only those of batches occur here. */
const EVENT_TYPES: ReadonlySet<string> = new Set([
  ...BATCH_EVENT_TYPES,
  'response.completed',
  'response.failed',
  'response.cancelled',
  'response.incomplete',
  'eval.run.succeeded',
  'eval.run.failed',
  'eval.run.canceled',
  'fine_tuning.job.succeeded',
  'fine_tuning.job.failed',
  'fine_tuning.job.cancelled',
  'realtime.call.incoming',
  'video.completed',
  'video.failed',
  'agent.environment.ready',
  'agent.environment.failed',
  'agent.environment.suspended',
  'agent.environment.expired',
  'agent.session.created',
  'agent.session.action_required',
  'agent.session.in_progress',
  'agent.session.idle',
  'agent.session.failed',
  'safety.alert.created',
]);

const MAX_NAME = 256;
const MAX_URL = 2_048;
const THIS_MACHINE = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** The settings of an endpoint. */
export interface EndpointSettings {
  readonly name: string;
  readonly url: string;
  readonly eventTypes: readonly string[];
}

/** Parses the body of a create. Throws `ApiError` 400. */
export function parseEndpoint(body: JsonObject): EndpointSettings {
  return {
    name: parseName(body.name),
    url: parseUrl(body.url),
    eventTypes: parseEventTypes(body.event_types),
  };
}

/** Parses the body of an update, in which all fields are optional. Throws `ApiError` 400. */
export function parseEndpointChange(body: JsonObject): Partial<EndpointSettings> {
  return {
    ...(body.name !== undefined && { name: parseName(body.name) }),
    ...(body.url !== undefined && { url: parseUrl(body.url) }),
    ...(body.event_types !== undefined && { eventTypes: parseEventTypes(body.event_types) }),
  };
}

/** Parses the type of a sample event. Throws `ApiError` 400. */
export function parseEventType(value: Json | undefined): string {
  if (typeof value === 'string' && EVENT_TYPES.has(value)) return value;
  throw invalid('event_type', `Invalid 'event_type': must be one of ${[...EVENT_TYPES].join(', ')}.`);
}

/** Parses whether the old secret remains valid. Throws `ApiError` 400. */
export function parseKeepsOldSecret(value: Json | undefined): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return value;
  const param = 'keep_old_secret_active_for_24_hours';
  throw invalid(param, `Invalid '${param}': must be true or false.`, 'invalid_type');
}

/** Returns why no webhook may be sent to the URL, as the end of a sentence. Undefined if it may. */
export function reasonAgainstUrl(text: string): string | undefined {
  if (text.length > MAX_URL) return `must have at most ${MAX_URL} characters`;
  if (/\s/.test(text) || !URL.canParse(text)) return 'must be a URL';
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== '' || password !== '') return 'must not contain a user name or password';
  if (protocol === 'https:' || (protocol === 'http:' && THIS_MACHINE.test(hostname))) return undefined;
  return 'must start with https://; http:// is for this machine only';
}

function parseName(value: Json | undefined): string {
  if (typeof value === 'string' && value.length >= 1 && value.length <= MAX_NAME) return value;
  throw invalid('name', `Invalid 'name': must be a text of 1 to ${MAX_NAME} characters.`);
}

function parseUrl(value: Json | undefined): string {
  const reason = typeof value === 'string' ? reasonAgainstUrl(value) : 'must be a URL';
  if (typeof value === 'string' && reason === undefined) return value;
  throw invalid('url', `Invalid 'url': ${reason}.`);
}

function parseEventTypes(value: Json | undefined): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalid('event_types', "Invalid 'event_types': must be a list with at least one type.");
  }
  const types = value.map((type, at) => {
    if (typeof type === 'string' && EVENT_TYPES.has(type)) return type;
    const param = `event_types[${at}]`;
    throw invalid(param, `Invalid '${param}': must be one of ${[...EVENT_TYPES].join(', ')}.`);
  });
  return [...new Set(types)];
}
