import { styleText } from 'node:util';
import type { Credentials } from '../../local/aws/iam/signature.ts';
import type { RuntimeEndpoints } from '../../local/runtime/runtime-endpoints.ts';
import type { Batchdrop } from '../../local/runtime/template/batchdrops.ts';
import { DATA_DIRECTORY } from '../connection/target.ts';
import { escapeControlCharacters } from '../terminal/escape-control-characters.ts';

/** A Batchdrop of the app, and its console. */
export interface ShownBatchdrop extends Batchdrop {
  readonly consoleUrl: string;
}

/** What `up` prints in addition to the endpoints. */
interface Shown {
  readonly data: string;
  readonly batchdrops: readonly ShownBatchdrop[];
  /** Whether it runs an app of the user's. */
  readonly isApp?: boolean;
  readonly isPaid: boolean;
  readonly speed: number;
  /** The credentials with which every call must be signed. Absent if any will do. */
  readonly owner?: Credentials | undefined;
  readonly ephemeral?: boolean;
  /** Whether the user has to enter the URL of WEBHOOK somewhere. The built-in server knows it. */
  readonly isUrlForOthers?: boolean;
}

/** A label and its value. */
type Line = readonly [string, string];

/** Returns the text that `up` prints first: endpoints, and the commands to upload, download, cancel and stop. */
export function welcome(endpoints: Pick<RuntimeEndpoints, 'url' | 'openAiUrl'>, shown: Shown): string {
  const { data, isPaid, speed, owner, ephemeral, batchdrops } = shown;
  const openAi = isPaid ? `${endpoints.openAiUrl}: every file costs money` : endpoints.openAiUrl;
  const pace = speed === 1 ? 'real time' : `up to ${speed} times as fast as real time`;
  const [only] = batchdrops;
  const isOne = only !== undefined && batchdrops.length === 1;
  const lines: Line[] = [
    ...(isOne ? [['console', only.consoleUrl] as const] : []),
    ['AWS endpoint', `${endpoints.url} (AWS_ENDPOINT_URL, ${owner ? 'only these' : 'any'} credentials)`],
    ...exportLines(owner),
    ['Batch API', openAi],
    ...(isOne ? webhookLine(only, shown) : []),
    ['time', pace],
    ['data', ephemeral ? `${data}, deleted at the end` : data],
    ...(isOne ? batchdropLines(only, shown) : batchdrops.flatMap((each) => sectionOf(each, shown))),
    ['stop', shown.isApp ? 'Ctrl-C; the same command resumes' : 'Ctrl-C; npm start resumes'],
  ];
  const printed = lines.map(([label, value]) =>
    label === '' && value === ''
      ? ''
      : `  ${styleText('bold', escapeControlCharacters(label).padEnd(13))}${escapeControlCharacters(value)}`,
  );
  return ['Batchdrop is up.', ...printed, ''].join('\n');
}

/** The lines of one Batchdrop of several. */
function sectionOf(batchdrop: ShownBatchdrop, shown: Shown): Line[] {
  return [
    ['', ''],
    [batchdrop.construct, `of the stack ${batchdrop.stack}`],
    ['console', batchdrop.consoleUrl],
    ...webhookLine(batchdrop, shown),
    ...batchdropLines(batchdrop, shown),
  ];
}

function batchdropLines(batchdrop: ShownBatchdrop, shown: Shown): Line[] {
  const { data, isPaid, isApp } = shown;
  const here = selection(batchdrop, shown);
  const file = isApp ? 'FILE.jsonl' : 'examples/embeddings.jsonl';
  return [
    ['submit', `npx batchdrop submit ${file}${here}`],
    ['', `or upload to s3://${batchdrop.requestBucket}/ with any S3 client`],
    [
      'results',
      isPaid ? `downloaded to ${data}/results/JOB_ID/ as jobs end` : `npx batchdrop results JOB_ID${here}`,
    ],
    ['', `or s3://${batchdrop.resultsBucket}/${batchdrop.resultsPrefix ?? ''}KEY/JOB_ID/`],
    ['cancel', `npx batchdrop cancel JOB_ID${here}`],
    ['cancel queue', batchdrop.cancelQueueUrl],
    ['event bus', `${batchdrop.eventBus} (npx batchdrop watch${here})`],
  ];
}

/** The options with which a command finds this Batchdrop. */
function selection({ stack, construct }: Batchdrop, { data, batchdrops }: Shown): string {
  const isUsual = Object.values<string>(DATA_DIRECTORY).includes(data);
  const where = isUsual ? '' : ` --data ${data}`;
  if (batchdrops.length === 1) return where;
  const stacks = new Set(batchdrops.map((each) => each.stack));
  const which = stacks.size > 1 ? ` --stack ${stack} --construct ${construct}` : ` --construct ${construct}`;
  return `${isUsual ? ' --local' : where}${which}`;
}

function webhookLine({ webhookUrl }: Batchdrop, { isUrlForOthers }: Shown): Line[] {
  return isUrlForOthers && webhookUrl ? [['webhook URL', webhookUrl]] : [];
}

/** Returns the lines to paste into a shell whose programs call the endpoint. */
function exportLines(owner: Credentials | undefined): Line[] {
  if (owner === undefined) return [];
  return [
    ['', `export AWS_ACCESS_KEY_ID=${owner.accessKeyId}`],
    ['', `export AWS_SECRET_ACCESS_KEY=${owner.secretAccessKey}`],
  ];
}
