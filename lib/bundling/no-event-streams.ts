/*
 * Stands in the bundles in the place of `@smithy/core/event-streams` (`bundle.ts`). No operation that is called here
 * streams events, and the SDK's one `import()` of that module makes esbuild wrap half of the SDK for loading it late.
 */

export function eventStreamSerdeProvider(): undefined {
  return undefined;
}

export function resolveEventStreamSerdeConfig<T>(config: T): T {
  return config;
}

/** What an operation with an event stream would begin with. */
export class EventStreamSerde {
  constructor() {
    throw new Error('event streams are left out of the bundle');
  }
}
