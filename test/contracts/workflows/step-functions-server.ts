import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SFNClient } from '@aws-sdk/client-sfn';
import { createInMemoryTasks, type InMemoryTasks } from '../../fakes/workflows/in-memory-tasks.ts';
import { localAws } from '../ledger/local-dynamodb.ts';

/** A server with the two calls of Step Functions that answer tasks, in the protocol of the service: AWS JSON 1.0. */
export interface StepFunctionsServer {
  readonly state: InMemoryTasks;
  readonly client: SFNClient;
  readonly url: string;
  /** The next calls end with this error. */
  failNext(times: number, error: { status: number; type: string; message?: string }): void;
  close(): Promise<void>;
}

/** Of two errors about tasks that do not wait, the service uses one or the other; this server uses both. */
const GONE = ['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken'];

export async function startStepFunctions(): Promise<StepFunctionsServer> {
  const state = createInMemoryTasks();
  let goneErrors = 0;
  const failures: { status: number; type: string; message?: string }[] = [];
  const server = createServer(async (request, response) => {
    const input = JSON.parse(await textOf(request));
    const reply = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
      response.end(JSON.stringify(body));
    };
    const failure = failures.shift();
    if (failure) {
      const { status, type, message = `about ${input.taskToken}` } = failure;
      reply(status, { __type: `com.amazonaws.swf.service.v2.model#${type}`, message });
      return;
    }
    const isSuccess = request.headers['x-amz-target'] === 'AWSStepFunctions.SendTaskSuccess';
    const told = isSuccess
      ? await state.succeed(input.taskToken, input.output)
      : await state.fail(input.taskToken, input.error, input.cause);
    if (told === 'answered') return reply(200, {});
    const type = GONE[goneErrors++ % GONE.length];
    reply(400, {
      __type: `com.amazonaws.swf.service.v2.model#${type}`,
      message: `no task of ${input.taskToken}`,
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const client = new SFNClient({ ...localAws(url), maxAttempts: 1 });
  return {
    state,
    client,
    url,
    failNext: (times, error) => void failures.push(...Array.from({ length: times }, () => error)),
    async close() {
      client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}
