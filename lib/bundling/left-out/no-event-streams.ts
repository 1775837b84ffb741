/*
 * Replaces `@smithy/core/event-streams` in the bundles (`left-out.ts`). The functions call no operation with an event
 * stream. The SDK's only `import()` of that module makes esbuild wrap half of the SDK for lazy loading.
 */

export function eventStreamSerdeProvider(): undefined {
  return undefined;
}

export function resolveEventStreamSerdeConfig<T>(config: T): T {
  return config;
}

/** The SDK would create this for an operation with an event stream. */
export class EventStreamSerde {
  constructor() {
    throw new Error('the bundle contains no event streams');
  }
}
