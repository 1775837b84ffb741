import { GetBucketLocationCommand } from '@aws-sdk/client-s3';
import type { Connection } from './connection.ts';

const RUNTIME_TIME = 'x-batchdrop-time'; // what the endpoint of one machine says: its clock may run ahead of the wall

/** What time it is where Batchdrop runs, in milliseconds: AWS says it in seconds, and with each answer. */
export async function serverTime({ s3, names }: Pick<Connection, 's3' | 'names'>): Promise<number> {
  let headers: Record<string, string> = {};
  const command = new GetBucketLocationCommand({ Bucket: names.requestBucket });
  command.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next(args);
      headers = { ...Object(answer.response).headers };
      return answer;
    },
    { step: 'deserialize', priority: 'low' },
  );
  await s3.send(command);
  const told = Number(headers[RUNTIME_TIME] ?? Date.parse(headers.date ?? ''));
  if (Number.isNaN(told)) throw new Error('the answer does not say what time it is there');
  return told;
}
