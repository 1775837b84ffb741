import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import OpenAI from 'openai';
import { expect, onTestFinished } from 'vitest';

/** A webhook as it arrived. */
export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly path: string;
}

/** How a receiver responds: with a status, or as the function does. */
export type Answer = number | RequestListener;

/** A user's program that receives webhooks over HTTP. It responds with 200, or with the next entry of `answers`. */
export class WebhookReceiver {
  readonly received: Received[] = [];
  readonly url: string;
  readonly answers: Answer[];

  private constructor(url: string, answers: Answer[]) {
    this.url = url;
    this.answers = answers;
  }

  static async open(answers: Answer[] = []): Promise<WebhookReceiver> {
    let receiver: WebhookReceiver | undefined;
    const server = createServer(async (request, response) => {
      const body = await text(request);
      receiver?.received.push({ headers: request.headers, body, path: request.url ?? '' });
      const answer = receiver?.answers.shift() ?? 200;
      if (typeof answer === 'function') return answer(request, response);
      response.writeHead(answer).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => {
      server.close();
      server.closeAllConnections();
    });
    receiver = new WebhookReceiver(
      `http://127.0.0.1:${Object(server.address()).port}/hook?of=batchdrop`,
      answers,
    );
    return receiver;
  }

  /** Waits until this many have arrived. `poke` runs before each check. */
  async until(count: number, poke: () => void = () => {}): Promise<Received[]> {
    await expect
      .poll(
        () => {
          poke();
          return this.received.length;
        },
        { timeout: 30_000, interval: 5 },
      )
      .toBeGreaterThanOrEqual(count);
    return this.received;
  }
}

/**
 * Returns the event in a webhook, as the official SDK reads it. Rejects if the signature was not made with this secret.
 */
export async function unwrapped({ body, headers }: Received, secret: string) {
  const client = new OpenAI({ apiKey: 'sk-test' });
  return await client.webhooks.unwrap(body, new Headers(Object(headers)), secret);
}
