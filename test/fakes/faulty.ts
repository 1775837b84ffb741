/** The result of one call: it succeeds, fails before or after its effect, or succeeds after a delay. */
export type Fault = 'ok' | { failBefore: Error } | { failAfter: Error } | { delay: () => Promise<void> };

/** Decides about each call. `openWriter.write`, `.close` and `.abort` are the methods of a writer. */
export type DecideFault = (methodName: string, args: readonly unknown[]) => Fault;

const STREAMS: ReadonlySet<string> = new Set(['read', 'readFile']);
const WRITERS: ReadonlySet<string> = new Set(['openWriter']);

/**
 * Returns the same port, which fails where `decide` says. A stream fails before its first byte (`failBefore`) or
 * halfway through its first piece (`failAfter`). Keep the fake itself to read its state, because the wrapped methods
 * all return promises, streams or writers.
 */
export function withFaults<P extends object>(port: P, decide: DecideFault): P {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function' || typeof name !== 'string') return member;
      return (...args: unknown[]) => {
        const call = (): unknown => Reflect.apply(member, target, args);
        if (STREAMS.has(name)) return faultyStream(call, decide(name, args));
        if (WRITERS.has(name)) return faultyWriter(call(), name, decide);
        return faultyCall(call, decide(name, args));
      };
    },
  });
}

async function faultyCall(call: () => unknown, fault: Fault): Promise<unknown> {
  if (fault === 'ok') return call();
  if ('failBefore' in fault) throw fault.failBefore;
  if ('delay' in fault) {
    await fault.delay();
    return call();
  }
  await call();
  throw fault.failAfter;
}

async function* faultyStream(call: () => unknown, fault: Fault): AsyncGenerator<unknown> {
  if (fault !== 'ok' && 'failBefore' in fault) throw fault.failBefore;
  if (fault !== 'ok' && 'delay' in fault) await fault.delay();
  const stream = call();
  if (!isStream(stream)) throw new Error('withFaults: a method named as a stream returned something else');
  if (fault === 'ok' || !('failAfter' in fault)) return yield* stream;
  for await (const piece of stream) {
    if (piece instanceof Uint8Array) yield piece.slice(0, Math.floor(piece.length / 2));
    break;
  }
  throw fault.failAfter;
}

function faultyWriter(writer: unknown, name: string, decide: DecideFault): unknown {
  if (typeof writer !== 'object' || writer === null) {
    throw new Error('withFaults: a method named as a writer returned something else');
  }
  return withFaults(writer, (method, args) => decide(`${name}.${method}`, args));
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
