import { styleText } from 'node:util';
import type { Credentials } from '../../local/aws/iam/signature.ts';
import type { RuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import { DATA_DIRECTORY } from '../connection/target.ts';
import { escapeControlCharacters } from '../terminal/escape-control-characters.ts';

/** What `up` prints in addition to the endpoints. */
interface Shown {
  readonly data: string;
  readonly consoleUrl: string;
  readonly isPaid: boolean;
  readonly speed: number;
  /** The credentials with which every call must be signed. Absent if any will do. */
  readonly owner?: Credentials | undefined;
  readonly ephemeral?: boolean;
  /** Whether the user has to enter the URL of WEBHOOK somewhere. The built-in server knows it. */
  readonly isUrlForOthers?: boolean;
}

/** Returns the text that `up` prints first: endpoints, and the commands to upload, download, cancel and stop. */
export function welcome(
  endpoints: RuntimeEndpoints,
  { data, consoleUrl, isPaid, speed, owner, ephemeral, isUrlForOthers }: Shown,
): string {
  const here = Object.values<string>(DATA_DIRECTORY).includes(data) ? '' : ` --data ${data}`;
  const openAi = isPaid ? `${endpoints.openAiUrl}: every file costs money` : endpoints.openAiUrl;
  const pace = speed === 1 ? 'real time' : `up to ${speed} times as fast as real time`;
  const resultsCommand = `npx batchdrop results JOB_ID${here}`;
  const lines: [string, string][] = [
    ['console', consoleUrl],
    ['AWS endpoint', `${endpoints.url} (AWS_ENDPOINT_URL, ${owner ? 'only these' : 'any'} credentials)`],
    ...exportLines(owner),
    ['Batch API', openAi],
    ...(isUrlForOthers && endpoints.webhookUrl ? [row('webhook URL', endpoints.webhookUrl)] : []),
    ['time', pace],
    ['data', ephemeral ? `${data}, deleted at the end` : data],
    ['submit', `npx batchdrop submit examples/embeddings.jsonl${here}`],
    ['', `or upload to s3://${endpoints.requestBucket}/ with any S3 client`],
    ['results', isPaid ? `downloaded to ${data}/results/JOB_ID/ as jobs end` : resultsCommand],
    ['', `or s3://${endpoints.resultsBucket}/${endpoints.resultsPrefix ?? ''}KEY/JOB_ID/`],
    ['cancel', `npx batchdrop cancel JOB_ID${here}`],
    ['cancel queue', endpoints.cancelQueueUrl],
    ['event bus', `${endpoints.eventBus} (npx batchdrop watch${here})`],
    ['stop', 'Ctrl-C; npm start resumes'],
  ];
  const shown = lines.map(
    ([label, value]) => `  ${styleText('bold', label.padEnd(13))}${escapeControlCharacters(value)}`,
  );
  return ['Batchdrop is up.', ...shown, ''].join('\n');
}

function row(label: string, value: string): [string, string] {
  return [label, value];
}

/** Returns the lines to paste into a shell whose programs call the endpoint. */
function exportLines(owner: Credentials | undefined): [string, string][] {
  if (owner === undefined) return [];
  return [
    ['', `export AWS_ACCESS_KEY_ID=${owner.accessKeyId}`],
    ['', `export AWS_SECRET_ACCESS_KEY=${owner.secretAccessKey}`],
  ];
}
