import { styleText } from 'node:util';
import type { ApiKind } from '../../local/runtime/data-directory.ts';
import type { RuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import { DATA_DIRECTORY } from '../connection/target.ts';

/** What a person needs to know once the runtime is up: where it is, and how to drop, see, cancel and stop. */
export function welcome(
  endpoints: RuntimeEndpoints,
  { data, api, speed, ephemeral }: { data: string; api: ApiKind; speed: number; ephemeral?: boolean },
): string {
  const here = Object.values<string>(DATA_DIRECTORY).includes(data) ? '' : ` --data ${data}`;
  const openAi = api === 'real' ? `${endpoints.openAiUrl}: what you drop costs money` : endpoints.openAiUrl;
  const pace = speed === 1 ? 'real time' : `${speed} times as fast as the wall while nothing computes`;
  const resultsCommand = `npx batchdrop results JOB_ID${here}`;
  const lines: [string, string][] = [
    ['AWS endpoint', `${endpoints.url} (AWS_ENDPOINT_URL; any credentials)`],
    ['Batch API', openAi],
    ['time', pace],
    ['data', ephemeral ? `${data}, removed at the end` : data],
    ['drop a file', `npx batchdrop submit examples/embeddings.jsonl${here}`],
    ['', `or any S3 client: PUT to s3://${endpoints.requestBucket}/`],
    ['results', api === 'real' ? `come into ${data}/results/JOB_ID/ as jobs end` : resultsCommand],
    ['', `or s3://${endpoints.resultsBucket}/<file>/<job id>/`],
    ['cancel', `npx batchdrop cancel JOB_ID${here}`],
    ['stop', 'Ctrl-C; npm start goes on where it stopped'],
  ];
  const shown = lines.map(([label, value]) => `  ${styleText('bold', label.padEnd(13))}${value}`);
  return ['Batchdrop is up.', ...shown, ''].join('\n');
}
