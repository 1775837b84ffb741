import { GetBucketLocationCommand } from '@aws-sdk/client-s3';
import type { Since } from '../jobs/since.ts';
import type { Connection } from './connection.ts';

const RUNTIME_TIME = 'x-batchdrop-time'; // a header of the local endpoint, whose clock may run faster than real time

/** Returns a point in time, in milliseconds. The clock of a runtime on this machine may run ahead. */
export async function sinceTime(since: Since, connection: Connection): Promise<number> {
  if ('at' in since) return since.at;
  return (await timeNow(connection)) - since.backMs;
}

/** Returns the present time, in milliseconds. It is asked for only on this machine. */
export async function timeNow(connection: Connection): Promise<number> {
  return connection.target.kind === 'local' ? await serverTime(connection) : Date.now();
}

/** Returns the current time of the Batchdrop, in milliseconds. AWS responses have a precision of one second. */
export async function serverTime({ s3, names }: Pick<Connection, 's3' | 'names'>): Promise<number> {
  let headers: Record<string, string> = {};
  const command = new GetBucketLocationCommand({ Bucket: names.requestBucket });
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      headers = { ...Object(result.response).headers };
      return result;
    },
    { step: 'deserialize', priority: 'low' },
  );
  await s3.send(command);
  const time = Number(headers[RUNTIME_TIME] ?? Date.parse(headers.date ?? ''));
  if (Number.isNaN(time)) throw new Error('The response contains no time.');
  return time;
}
