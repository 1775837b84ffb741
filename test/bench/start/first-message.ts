/** For each function, an event that leaves it nothing to do: what it names does not exist. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DETAIL_TYPE } from '../../../functions/shared/contract/events.ts';
import { TASK_ERRORS } from '../../../functions/shared/contract/messages/start-request.ts';

const JOB_ID = 'a'.repeat(26);

const queueMessage = (body: object) => ({
  Records: [
    {
      messageId: 'm1',
      body: JSON.stringify(body),
      attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1' },
    },
  ],
});

/** By the function's name. WEBHOOK refuses what is not signed, with an answer; START a missing file and ANSWER an unknown job, with an error. */
export const FIRST_EVENT: Readonly<Record<string, object>> = {
  intake: queueMessage({ jobId: JOB_ID }),
  submit: queueMessage({ ref: { jobId: JOB_ID, planId: JOB_ID, number: 1 } }),
  deliver: queueMessage({ jobId: JOB_ID }),
  cancel: queueMessage({ jobId: JOB_ID }),
  approve: queueMessage({ jobId: JOB_ID }),
  poll: {},
  webhook: { requestContext: { http: { method: 'GET' } }, headers: {}, body: '' },
  start: { bucket: 'a-bucket', key: 'missing.jsonl', taskToken: 'token', timeoutSeconds: 60 },
  answer: queueMessage({
    'detail-type': DETAIL_TYPE.jobStatusChange,
    detail: { metadata: { jobId: JOB_ID }, data: { status: 'completed' } },
  }),
};

/** Part of the error with which a function refuses its first event. */
export const REFUSAL: Readonly<Record<string, string>> = {
  start: TASK_ERRORS.sourceMissing,
  answer: 'all 1 records failed',
};

/**
 * Answers every request as AWS does when there is nothing: for DynamoDB no item, for S3 no object, for EventBridge an accepted
 * event.
 */
export function emptyAws(): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    request.resume();
    const target = String(request.headers['x-amz-target'] ?? '');
    const answer = target.endsWith('PutEvents') ? { FailedEntryCount: 0, Entries: [{ EventId: 'e' }] } : {};
    response.writeHead(request.method === 'HEAD' ? 404 : 200, {
      'content-type': 'application/x-amz-json-1.0',
    });
    response.end(JSON.stringify(answer));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server });
    });
  });
}
