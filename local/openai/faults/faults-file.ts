import { readFileSync } from 'node:fs';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import {
  FAULTS,
  FAULTS_OF_THE_YOUNG,
  type Fault,
  type FaultPlan,
  type FaultRule,
  OPERATIONS,
  type Operation,
  PAGE_BODIES,
  WEBHOOK_DELAYS,
} from './faults.ts';
import { isPreset, PRESET_NAMES, presetPlan } from './faults-presets.ts';
import { isRefusalName, REFUSALS } from './refusals.ts';

/** Returns a preset by name, or the rules of a file. Throws an Error that says what to correct. */
export function readFaultPlan(nameOrPath: string): FaultPlan {
  if (isPreset(nameOrPath)) return presetPlan(nameOrPath);
  let text: string;
  try {
    text = readFileSync(nameOrPath, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`--faults takes a file or one of ${PRESET_NAMES.join(', ')}: ${reason}`, { cause });
  }
  try {
    return parseFaultPlan(parsed(text));
  } catch (cause) {
    throw new Error(`${nameOrPath}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** Parses `{"faults": [rule, …]}`. Throws an Error with the place and the expected value. */
export function parseFaultPlan(value: Json): FaultPlan {
  const plan = fieldsOf(value, 'the file', ['faults']);
  if (!Array.isArray(plan.faults)) throw expected('faults', 'a list of rules', plan.faults);
  return plan.faults.map((rule, at) => parseRule(rule, `faults[${at}]`));
}

/** Parses the header: the name of a fault, or the JSON of a rule without `on`, `rate`, `times` and `lasts`. */
export function parseHeader(text: string): Fault {
  const place = 'the fault';
  if (!text.trimStart().startsWith('{')) return parseFault({ fault: text.trim() }, place, []);
  return parseFault(parsed(text), place, []);
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`it is not JSON: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

function parseRule(value: Json, place: string): FaultRule {
  const fault = parseFault(value, place, ['on', 'rate', 'times', 'lasts']);
  const fields: JsonObject = isJsonObject(value) ? value : {};
  return {
    fault,
    on: parseOperations(fields.on, `${place}.on`, fault.fault),
    rate: numberIn(fields.rate, `${place}.rate`, { least: 0, most: 1, usual: 1 }),
    times: wholeIn(fields.times, `${place}.times`, { least: 1, most: 1e9, usual: Number.POSITIVE_INFINITY }),
    lasts: numberIn(fields.lasts, `${place}.lasts`, { least: 0, most: 1e9, usual: Number.POSITIVE_INFINITY }),
  };
}

function parseFault(value: Json, place: string, more: readonly string[]): Fault {
  const { fault: name } = fieldsOf(value, place);
  if (typeof name !== 'string' || !isFaultName(name)) {
    throw expected(`${place}.fault`, `one of ${Object.keys(FAULTS).join(', ')}`, name);
  }
  const own = OWN_FIELDS[name] ?? [];
  const fields = fieldsOf(value, place, ['fault', ...own, ...more]);
  const seconds = (usual: number) =>
    numberIn(fields.seconds, `${place}.seconds`, { least: 0, most: 1e9, usual });
  switch (name) {
    case 'error':
    case 'error-after': {
      const status = wholeIn(fields.status, `${place}.status`, { least: 400, most: 599, usual: 500 });
      if (fields.retryAfter === undefined) return { fault: name, status, retryAfter: null };
      const bounds = { least: 0, most: 86_400, usual: 0 };
      return { fault: name, status, retryAfter: wholeIn(fields.retryAfter, `${place}.retryAfter`, bounds) };
    }
    case 'refusal': {
      const { says } = fields;
      if (typeof says === 'string' && isRefusalName(says)) return { fault: name, says };
      throw expected(`${place}.says`, `one of ${Object.keys(REFUSALS).join(', ')}`, says);
    }
    case 'page':
    case 'page-after': {
      const status = wholeIn(fields.status, `${place}.status`, { least: 200, most: 599, usual: 403 });
      const body = PAGE_BODIES.find((known) => known === (fields.body ?? 'html'));
      if (body === undefined)
        throw expected(`${place}.body`, `one of ${PAGE_BODIES.join(', ')}`, fields.body);
      return { fault: name, status, body };
    }
    case 'slow': {
      const bounds = { least: 0, most: 600_000, usual: 1_000 };
      return { fault: name, ms: wholeIn(fields.ms, `${place}.ms`, bounds) };
    }
    case 'failing-rows': {
      const share = numberIn(fields.share, `${place}.share`, { least: 0, most: 1, usual: 0.05 });
      const bounds = { least: 400, most: 599, usual: 503 };
      return { fault: name, share, status: wholeIn(fields.status, `${place}.status`, bounds) };
    }
    case 'late':
      return { fault: name, seconds: seconds(60) };
    case 'lag':
    case 'late-output-id':
    case 'not-found':
    case 'not-visible':
    case 'pending':
    case 'foreign-lines':
    case 'short':
      return { fault: name, seconds: seconds(FAULTS_OF_THE_YOUNG[name]) };
    case 'webhook-late':
    case 'webhook-out-of-order':
      return { fault: name, seconds: seconds(WEBHOOK_DELAYS[name]) };
    case 'webhook-lost':
    case 'webhook-twice':
    case 'webhook-forged':
    case 'webhook-wrong-secret':
    case 'webhook-early':
      return { fault: name };
    default:
      return { fault: name };
  }
}

const OWN_FIELDS: Partial<Record<keyof typeof FAULTS, readonly string[]>> = {
  error: ['status', 'retryAfter'],
  'error-after': ['status', 'retryAfter'],
  refusal: ['says'],
  page: ['status', 'body'],
  'page-after': ['status', 'body'],
  slow: ['ms'],
  late: ['seconds'],
  ...Object.fromEntries(
    Object.keys({ ...FAULTS_OF_THE_YOUNG, ...WEBHOOK_DELAYS }).map((name) => [name, ['seconds']]),
  ),
  'failing-rows': ['share', 'status'],
};

function isFaultName(name: string): name is keyof typeof FAULTS {
  return Object.hasOwn(FAULTS, name);
}

/** By default, returns every operation that the fault supports. */
function parseOperations(
  value: Json | undefined,
  place: string,
  fault: keyof typeof FAULTS,
): readonly Operation[] {
  const possible: readonly Operation[] = FAULTS[fault];
  if (value === undefined) return possible;
  const names = Array.isArray(value) ? value : [value];
  return names.map((name) => {
    const operation = OPERATIONS.find((known) => known === name);
    if (operation === undefined) throw expected(place, `one or a list of ${OPERATIONS.join(', ')}`, name);
    if (possible.includes(operation)) return operation;
    throw new Error(`${place}: ${fault} applies to ${possible.join(', ')} only, not to ${operation}`);
  });
}

/** Returns the fields of an object. Throws for a field that is not in `known`, if `known` is given. */
function fieldsOf(value: Json | undefined, place: string, known?: readonly string[]): JsonObject {
  if (!isJsonObject(value)) throw expected(place, 'an object', value);
  const unknown = known && Object.keys(value).find((name) => !known.includes(name));
  if (unknown === undefined) return value;
  throw new Error(
    `${place} has the unknown field ${JSON.stringify(unknown)}; known are ${known?.join(', ')}`,
  );
}

interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly usual: number;
}

function wholeIn(value: Json | undefined, place: string, bounds: Bounds): number {
  if (value === undefined || Number.isInteger(value)) return numberIn(value, place, bounds);
  throw expected(place, `a whole number from ${bounds.least} to ${bounds.most}`, value);
}

function numberIn(value: Json | undefined, place: string, { least, most, usual }: Bounds): number {
  if (value === undefined) return usual;
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw expected(place, `a number from ${least} to ${most}`, value);
}

function expected(place: string, what: string, found: Json | undefined): Error {
  const shown = found === undefined ? 'nothing' : JSON.stringify(found).slice(0, 60);
  return new Error(`${place}: expected ${what}, found ${shown}`);
}
