import schema from '@asyncapi/specs/schemas/3.0.0.json' with { type: 'json' };
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { asyncApiDocument } from '../../../docs/async-api.ts';
import { DETAIL_TYPE, jobStatusExamples } from '../../../functions/shared/contract/index.ts';

const document = JSON.parse(JSON.stringify(asyncApiDocument()));

/** The schema of AsyncAPI itself, without those of the bindings to protocols: the document has none, and they compile for seconds. */
const withoutBindings = Object.fromEntries(
  Object.entries(schema.definitions).map(([id, definition]) => [
    id,
    id.includes('/bindings/') ? { $id: id, not: {} } : definition,
  ]),
);
const isAsyncApi = new Ajv({
  ...{ strict: false, meta: false, validateSchema: false, validateFormats: false },
  ...{ inlineRefs: false, code: { optimize: false } },
}).compile({ ...schema, definitions: withoutBindings });

const ajv = new Ajv({ strict: false });
addFormats.default(ajv);

/** Returns what a reference within the document points to. */
function at(reference: string): unknown {
  const names = reference.replace('#/', '').split('/');
  return names.reduce((within, name) => Object(within)[name], document);
}

describe('the AsyncAPI document of the events', () => {
  it('is valid by the schema of AsyncAPI 3, which refuses a document with a mistake', () => {
    expect(isAsyncApi(document), JSON.stringify(isAsyncApi.errors)).toBe(true);
    const { eventBus } = document.channels;
    expect(isAsyncApi({ ...document, channels: { eventBus: { ...eventBus, topic: 'x' } } })).toBe(false);
    expect(isAsyncApi({ ...document, asyncapi: '2.6.0' })).toBe(false);
  });

  it('has no reference to nothing, and one operation for each message', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, to = '']) => to);
    expect(references.filter((to) => at(to) === undefined)).toEqual([]);
    expect(references.length).toBeGreaterThan(20);
    const messages = Object.keys(document.components.messages);
    expect(messages).toHaveLength(Object.keys(DETAIL_TYPE).length + 2);
    expect(Object.keys(document.operations)).toHaveLength(messages.length);
  });

  it('has examples of each message that match its payload', () => {
    for (const [name, message] of Object.entries(document.components.messages)) {
      const { payload, examples } = Object(message);
      const fits = ajv.compile(payload);
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) expect(fits(example.payload), `${name} ${example.name}`).toBe(true);
      expect(fits({}), name).toBe(false);
    }
    const { payload } = document.components.messages.OpenAIBatchJobStatusChange;
    const { detail, ...envelope } = jobStatusExamples.completed;
    const others = { ...detail, data: { ...detail.data, status: 'pondering' } };
    expect(ajv.compile(payload)({ ...envelope, detail: others })).toBe(false);
  });
});
