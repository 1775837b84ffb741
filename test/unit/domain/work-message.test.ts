import { expect, it } from 'vitest';
import { TerminalError } from '../../../functions/shared/domain/errors.ts';
import { jobIdOf } from '../../../functions/shared/domain/job-id.ts';
import { jobIdIn, parseWorkMessage } from '../../../functions/shared/domain/work-message.ts';

const ID = 'k5mhx3q2vwn7tjzr4ydaf6bcgs';
const PLAN = 'c2zq7fwl5vh3xktm6ndybr4jpa';

it('a work message names a part or a job; other fields are ignored', () => {
  const ref = { jobId: ID, planId: PLAN, number: 3 };
  expect(parseWorkMessage(JSON.stringify({ ref: { ...ref, extra: 1 }, jobId: 7 }))).toEqual({ ref });
  expect(parseWorkMessage(JSON.stringify({ jobId: ID, extra: 1 }))).toEqual({ jobId: ID });
});

it.each([
  ['text that is not JSON', 'part 3'],
  ['null', 'null'],
  ['a list', '[]'],
  ['no fields', '{}'],
  ['an id in another format', '{"jobId":"JOB-1"}'],
  ['an id that is a number', '{"jobId":7}'],
  ['an id with a line end', JSON.stringify({ jobId: `${ID}\n` })],
  ['a part without a number', JSON.stringify({ ref: { jobId: ID, planId: PLAN } })],
  ['a part with a number that is text', JSON.stringify({ ref: { jobId: ID, planId: PLAN, number: '3' } })],
  ['a part with a fractional number', JSON.stringify({ ref: { jobId: ID, planId: PLAN, number: 1.5 } })],
  ['a part with a plan id in another format', JSON.stringify({ ref: { jobId: ID, planId: 'x', number: 1 } })],
  ['a part that is null', '{"ref":null}'],
])('a work message is refused when it contains %s', (_, body) => {
  let refusal: unknown;
  try {
    parseWorkMessage(body);
  } catch (thrown) {
    refusal = thrown;
  }
  expect(refusal).toBeInstanceOf(TerminalError);
  expect(refusal).toHaveProperty('code', 'unreadable_message');
});

const S3_EVENT = {
  detail: { bucket: { name: 'requests' }, object: { key: 'ü a.jsonl', 'version-id': 'v1', size: 3 } },
};

it.each([
  ['to SUBMIT or DELIVER', { ref: { jobId: ID, planId: PLAN, number: 1 } }, ID],
  ['on a job', { jobId: ID }, ID],
  ['of S3', S3_EVENT, jobIdOf({ bucket: 'requests', key: 'ü a.jsonl', versionId: 'v1' })],
  ['of S3 without a version', { detail: { bucket: { name: 'requests' }, object: { key: 'a' } } }, undefined],
  ['with the event of a job, to ANSWER', { detail: { metadata: { jobId: ID }, data: {} } }, ID],
  ['that cancels a batch', { batchId: 'batch_1' }, undefined],
  ['with an id that is not a job id', { jobId: 'JOB-1' }, undefined],
  [
    'with ids that are not text',
    { jobId: 7, ref: { jobId: null }, detail: { bucket: 'x', object: [] } },
    undefined,
  ],
  ['that is a list', [ID], undefined],
  ['that is null', null, undefined],
])('the log line of a message %s has the id of its job if the message contains it', (_, message, jobId) => {
  expect(jobIdIn(JSON.stringify(message))).toBe(jobId);
});

it('the log line of a message that is not JSON has no job id', () => {
  expect(jobIdIn(`${ID}`)).toBeUndefined();
});
