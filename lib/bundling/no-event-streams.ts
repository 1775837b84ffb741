/*
 * Replaces `@smithy/core/event-streams` in the bundles (`bundle.ts`). The functions call no operation with an event
 * stream, and the SDK's one `import()` of that module makes esbuild wrap half of the SDK for lazy loading.
 */

export function eventStreamSerdeProvider(): undefined {
  return undefined;
}

export function resolveEventStreamSerdeConfig<T>(config: T): T {
  return config;
}

/** An operation with an event stream would create one. */
export class EventStreamSerde {
  constructor() {
    throw new Error('the bundle contains no event streams');
  }
}
