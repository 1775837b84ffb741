import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../clock.ts';
import { ACCOUNT_OWNER, type Caller } from '../iam/caller.ts';
import type { AwsService } from '../protocol/aws-service.ts';
import { type JsonProtocol, serveJson } from '../protocol/json-protocol.ts';
import { messageOperations } from './message-operations.ts';
import { queueOperations } from './queue-operations.ts';
import { Queues } from './queues.ts';

/** SQS on the endpoint; the runtime uses `queues` directly, without HTTP. */
export class SqsEngine implements AwsService {
  readonly signingName = 'sqs';
  readonly queues: Queues;
  readonly #protocol: JsonProtocol;

  /** The state is `sqs.sqlite` in `directory`. `clock` is the time of queues created with `time: 'clock'`. */
  constructor(options: { directory: string; clock: Clock }) {
    this.queues = new Queues(options);
    this.#protocol = {
      signingName: this.signingName,
      contentType: 'application/x-amz-json-1.0',
      targetPrefix: 'AmazonSQS',
      missingFieldCode: 'MissingParameter',
      operations: { ...queueOperations(this.queues), ...messageOperations(this.queues) },
    };
  }

  handle(request: IncomingMessage, response: ServerResponse, caller: Caller = ACCOUNT_OWNER): Promise<void> {
    return serveJson(this.#protocol, request, response, caller);
  }

  async close(): Promise<void> {
    this.queues.close();
  }
}
