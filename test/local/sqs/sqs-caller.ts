import { Agent, request } from 'node:http';
import { json } from 'node:stream/consumers';

/** A response of SQS, or the name of its error in the form that an SDK shows. */
export type SqsAnswer = { readonly [field: string]: unknown };

const AUTHORIZATION = 'AWS4-HMAC-SHA256 Credential=any/20261101/us-east-1/sqs/aws4_request, Signature=x';

/** Calls SQS over HTTP without an SDK, which would take about ten times as long as the call. */
export class SqsCaller {
  readonly origin: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(origin: string) {
    this.origin = origin;
  }

  async call(operation: string, input: object): Promise<SqsAnswer> {
    const body = JSON.stringify(input);
    const { status, answer } = await this.#post(operation, body);
    if (status === 200) return answer;
    return { refused: String(answer.__type).split('#').at(-1) };
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(operation: string, body: string): Promise<{ status: number | undefined; answer: SqsAnswer }> {
    return new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/x-amz-json-1.0',
        'content-length': Buffer.byteLength(body),
        'x-amz-target': `AmazonSQS.${operation}`,
        authorization: AUTHORIZATION,
      };
      const sent = request(this.origin, { method: 'POST', agent: this.#agent, headers }, (response) => {
        json(response).then(
          (answer) => resolve({ status: response.statusCode, answer: Object(answer) }),
          reject,
        );
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
