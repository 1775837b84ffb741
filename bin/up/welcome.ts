import { styleText } from 'node:util';
import type { ApiKind } from '../../local/runtime/data-directory.ts';
import type { RuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import { DATA_DIRECTORY } from '../connection/target.ts';

/** Returns the text that `up` prints first: endpoints, and the commands to upload, download, cancel and stop. */
export function welcome(
  endpoints: RuntimeEndpoints,
  { data, api, speed, ephemeral }: { data: string; api: ApiKind; speed: number; ephemeral?: boolean },
): string {
  const here = Object.values<string>(DATA_DIRECTORY).includes(data) ? '' : ` --data ${data}`;
  const openAi = api === 'real' ? `${endpoints.openAiUrl}: every file costs money` : endpoints.openAiUrl;
  const pace = speed === 1 ? 'real time' : `up to ${speed} times as fast as real time`;
  const resultsCommand = `npx batchdrop results JOB_ID${here}`;
  const lines: [string, string][] = [
    ['AWS endpoint', `${endpoints.url} (AWS_ENDPOINT_URL, any credentials)`],
    ['Batch API', openAi],
    ['time', pace],
    ['data', ephemeral ? `${data}, deleted at the end` : data],
    ['submit', `npx batchdrop submit examples/embeddings.jsonl${here}`],
    ['', `or upload to s3://${endpoints.requestBucket}/ with any S3 client`],
    ['results', api === 'real' ? `downloaded to ${data}/results/JOB_ID/ as jobs end` : resultsCommand],
    ['', `or s3://${endpoints.resultsBucket}/KEY/JOB_ID/`],
    ['cancel', `npx batchdrop cancel JOB_ID${here}`],
    ['stop', 'Ctrl-C; npm start resumes'],
  ];
  const shown = lines.map(([label, value]) => `  ${styleText('bold', label.padEnd(13))}${value}`);
  return ['Batchdrop is up.', ...shown, ''].join('\n');
}
