import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import { ApiError, invalid } from '../api-error.ts';
import type { AuditLog } from '../audit-log.ts';
import type { Call } from '../router.ts';
import { type Disturbance, UNDISTURBED } from './disturbance.ts';
import { FAULTS, type Fault, type FaultPlan, type FaultRule, type Operation } from './faults.ts';
import { parseHeader } from './faults-file.ts';
import { sendPage } from './gateway-page.ts';
import { ODD_ANSWERS, type OddAnswer, oddly, withoutYoungResults, withPendingFiles } from './odd-answers.ts';
import { refusalCalled } from './refusals.ts';
import { seededRandom } from './seeded-random.ts';

const FAULT_HEADER = 'x-batchdrop-fault';
const ORGANIZATION_HEADER = 'openai-organization';

type Handle = (call: Call) => object | null | Promise<object | null>;

/** Faults that determine the response. At most one of them applies to a request: the first that is drawn. */
const DECIDE_THE_ANSWER: ReadonlySet<Fault['fault']> = new Set([
  'error',
  'error-after',
  'refusal',
  'reset',
  'reset-after',
  'late',
  'html',
  'page',
  'page-after',
  'hang',
  'hang-after',
  'truncate',
  'stall',
] as const);

/**
 * Draws the faults of each request and carries them out. The draw depends on the seed, and on the number of earlier
 * requests for the same operation since the server's start.
 */
export class FaultInjector {
  readonly #plan: FaultPlan;
  readonly #state: { readonly seed: number; readonly clock: Clock; readonly audit: AuditLog };
  readonly #asked: number[] = [];
  readonly #met: number[] = [];
  readonly #begunAt: number;
  readonly #closing = new AbortController();

  constructor(plan: FaultPlan, state: { seed: number; clock: Clock; audit: AuditLog }) {
    this.#plan = plan;
    this.#state = state;
    this.#begunAt = state.clock.now();
  }

  /** Runs the operation with its faults. Returns the JSON to send, or null if there is none. */
  async run(operation: Operation, call: Call, handle: Handle): Promise<object | null> {
    const faults = this.#faultsOf(operation, call);
    for (const { fault } of faults) {
      this.#state.audit.record(this.#state.clock.now(), { event: 'fault.injected', fault, on: operation });
    }
    if (faults.length > 0) this.#state.audit.flush();
    for (const fault of faults) {
      if (fault.fault === 'slow') await wait(fault.ms, undefined, { signal: this.#closing.signal });
    }
    if (faults.some(({ fault }) => fault === 'no-organization'))
      call.response.removeHeader(ORGANIZATION_HEADER);
    const decisive = faults.find(({ fault }) => DECIDE_THE_ANSWER.has(fault));
    const answer = await carryOut(
      decisive,
      { ...call, disturbance: this.#disturbance(faults, call) },
      handle,
      this.#closing.signal,
    );
    return answer === null ? null : oddly(answer, faults.flatMap(oddnessOf), this.#state.clock.now());
  }

  /** Ends all delays; the delayed requests fail. */
  close(): void {
    this.#closing.abort();
  }

  #faultsOf(operation: Operation, { request }: Call): Fault[] {
    const header = request.headers[FAULT_HEADER];
    if (header !== undefined) return [demanded(String(header), operation)];
    const drawn = this.#plan.flatMap((rule, at) => (this.#meets(at, operation) ? rule.fault : []));
    const decisive = drawn.find(({ fault }) => DECIDE_THE_ANSWER.has(fault));
    return drawn.filter((fault) => fault === decisive || !DECIDE_THE_ANSWER.has(fault.fault));
  }

  #meets(at: number, operation: Operation): boolean {
    const rule = this.#plan[at];
    if (rule === undefined || !rule.on.includes(operation)) return false;
    const asked = this.#asked[at] ?? 0;
    const met = this.#met[at] ?? 0;
    this.#asked[at] = asked + 1;
    if (met >= rule.times || this.#isOver(rule)) return false;
    if (seededRandom(`${this.#state.seed}/fault/${at}/${asked}`)() >= rule.rate) return false;
    this.#met[at] = met + 1;
    return true;
  }

  #isOver({ lasts = Number.POSITIVE_INFINITY }: FaultRule): boolean {
    return this.#state.clock.now() - this.#begunAt >= lasts * 1_000;
  }

  #disturbance(faults: readonly Fault[], { request }: Call): Disturbance {
    let disturbance = UNDISTURBED;
    for (const fault of faults) {
      disturbance = { ...disturbance, ...disturbanceOf(fault, disturbance) };
      if (fault.fault !== 'late') continue;
      const read = async () => {
        request.socket.destroy();
        await this.#sleep(fault.seconds * 1_000);
      };
      disturbance = { ...disturbance, read };
    }
    return disturbance;
  }

  async #sleep(ms: number): Promise<void> {
    const { clock } = this.#state;
    const { signal } = this.#closing;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const disarm = clock.at(clock.now() + ms, resolve);
    const giveUp = () => {
      disarm();
      reject(new Error('the server is closing'));
    };
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp);
    await promise.finally(() => signal.removeEventListener('abort', giveUp));
  }
}

function demanded(header: string, operation: Operation): Fault {
  try {
    const fault = parseHeader(header);
    const possible: readonly Operation[] = FAULTS[fault.fault];
    if (possible.includes(operation)) return fault;
    throw new Error(`${fault.fault} applies to ${possible.join(', ')} only, not to ${operation}`);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw invalid(FAULT_HEADER, `The header ${FAULT_HEADER} is invalid: ${problem}.`);
  }
}

/** Returns what the operation itself needs to know about a fault. */
function disturbanceOf(fault: Fault, { webhookFaults }: Disturbance): Partial<Disturbance> {
  switch (fault.fault) {
    case 'lag':
      return { lagMs: fault.seconds * 1_000 };
    case 'not-found':
      return { notFoundMs: fault.seconds * 1_000 };
    case 'not-visible':
      return { invisibleMs: fault.seconds * 1_000 };
    case 'foreign-lines':
      return { foreignMs: fault.seconds * 1_000 };
    case 'short':
      return { shortMs: fault.seconds * 1_000 };
    case 'truncate':
      return { truncates: true };
    case 'stall':
      return { stalls: true };
    case 'same-page':
      return { samePage: true };
    case 'twice':
      return { twice: true };
    case 'odd-rows':
      return { oddRows: true };
    case 'token-limit':
    case 'expire':
      return { behavior: fault.fault };
    case 'failing-rows':
      return { failingRows: { share: fault.share, status: fault.status } };
    case 'webhook-lost':
    case 'webhook-twice':
    case 'webhook-late':
    case 'webhook-out-of-order':
    case 'webhook-forged':
    case 'webhook-wrong-secret':
    case 'webhook-early':
      return { webhookFaults: [...webhookFaults, fault] };
    default:
      return {};
  }
}

/** Returns the changes that a fault makes to the response. */
function oddnessOf(fault: Fault): OddAnswer[] {
  if (fault.fault === 'late-output-id') return [withoutYoungResults(fault.seconds * 1_000)];
  if (fault.fault === 'pending') return [withPendingFiles(fault.seconds * 1_000)];
  const odd = Object.entries(ODD_ANSWERS).find(([name]) => name === fault.fault);
  return odd === undefined ? [] : [odd[1]];
}

async function carryOut(
  fault: Fault | undefined,
  call: Call,
  handle: Handle,
  closing: AbortSignal,
): Promise<object | null> {
  switch (fault?.fault) {
    case 'error':
      throw injectedError(fault.status, fault.retryAfter);
    case 'error-after':
      await handle(call);
      throw injectedError(fault.status, fault.retryAfter);
    case 'refusal':
      throw refusalCalled(fault.says);
    case 'page':
      call.request.resume();
      return sendPage(call.response, fault);
    case 'page-after':
      await handle(call);
      return sendPage(call.response, fault);
    case 'hang':
      call.request.resume();
      return await neverAnswer(call, closing);
    case 'hang-after':
      await handle(call);
      return await neverAnswer(call, closing);
    case 'reset':
      call.request.socket.destroy();
      return null;
    case 'reset-after':
    case 'late':
      await handle(call);
      call.request.socket.destroy();
      return null;
    case 'html':
      call.request.resume();
      call.response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<html><body>Please wait</body></html>');
      return null;
    default:
      return await handle(call);
  }
}

/** Waits until the client has left. */
async function neverAnswer({ response }: Call, closing: AbortSignal): Promise<null> {
  if (!response.destroyed) await once(response, 'close', { signal: closing });
  return null;
}

function injectedError(status: number, retryAfter: number | null): ApiError {
  const headers = retryAfter === null ? {} : { 'retry-after': String(retryAfter) };
  const message = `Injected fault: this request fails with ${status}.`;
  if (status === 429)
    return new ApiError(status, message, { type: 'requests', code: 'rate_limit_exceeded', headers });
  if (status === 401) return new ApiError(status, message, { code: 'invalid_api_key', headers });
  return new ApiError(status, message, status >= 500 ? { type: 'server_error', headers } : { headers });
}
