import { basename, extname, join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { createPriceList } from '../../../functions/shared/adapters/lambda/compose-price-list.ts';
import { ENDPOINTS, type Endpoint } from '../../../functions/shared/contract/request-file.ts';
import { type ActionOptions, withConnectionOptionsWithoutAddress } from '../../connection/connection.ts';
import { dataUrlsBelow } from '../../data/embedded/embedded-files.ts';
import { withOutput } from '../../data/output/fail-on-signal.ts';
import { openFileOutput } from '../../data/output/file-output.ts';
import { PipeOutput } from '../../data/output/pipe-output.ts';
import { type PreparedRequests, prepareRequests } from '../../data/requests/prepare-requests.ts';
import { RequestLines } from '../../data/requests/request-lines.ts';
import { endpointNamed, readRequestShape, refuseUnknownColumns } from '../../data/requests/request-shape.ts';
import { openTable, TABLE_FORMATS, type TableFormat } from '../../data/tables/open-table.ts';
import { forecastLines, plannedForecast } from '../../jobs/dry-run.ts';
import { copyOfStdin, sourceOf } from '../../jobs/request-source.ts';
import { WAIT_EXIT_CODES, type WaitOptions, withWaitOptions } from '../../jobs/waiting/await-jobs.ts';
import { printableJson } from '../../terminal/escape-control-characters.ts';
import { Failure } from '../../terminal/failure.ts';
import { temporaryFolder } from '../../terminal/temporary-folder.ts';
import { wholeNumber } from '../../terminal/whole-number.ts';
import { submitAll } from '../jobs/submit.ts';

interface Options extends Omit<ActionOptions, 'endpoint'>, WaitOptions {
  readonly template: string;
  readonly schema?: string;
  readonly id?: string;
  readonly endpoint?: Endpoint;
  readonly files?: string;
  readonly from?: TableFormat;
  readonly delimiter?: string;
  readonly quotes: boolean;
  readonly limit?: number;
  readonly out?: string;
  readonly submit?: boolean;
  readonly wait?: boolean;
  readonly name?: string;
}

const STDIN = '-';
const MAX_LIMIT = 5_000_000;

/** `batchdrop prepare`: makes a request file from a data file. */
export function prepareCommand(): Command {
  return withConnectionOptionsWithoutAddress(
    withWaitOptions(
      new Command('prepare')
        .summary('Make a request file from CSV, TSV, JSON Lines or Parquet')
        .description(
          'Make a request file from a data file: each row fills the places of a template. {{column}} is text, {{column:json}} and {{column:number}} are values, {{column:dataurl}} is a file.',
        )
        .argument('<file>', 'a .csv, .tsv, .jsonl or .parquet file, or - for stdin')
        .requiredOption('--template <file>', 'the body of a request as JSON, with places such as {{text}}')
        .option('--schema <file>', 'a JSON Schema that the answers must match')
        .option('--id <column>', 'the column with the custom_id (default: row-1, row-2, …)')
        .option(
          '--endpoint <name>',
          'such as responses or embeddings (default: chat/completions, if the template has messages)',
          parseEndpoint,
        )
        .option('-o, --out <file>', 'the request file (default: stdout)')
        .option('--limit <rows>', 'only the first rows', wholeNumber('--limit', 1, MAX_LIMIT))
        .option('--files <directory>', 'where the files of {{column:dataurl}} are')
        .addOption(new Option('--from <format>', 'the format of the data').choices(TABLE_FORMATS))
        .option('--delimiter <character>', 'between the values of a CSV file', parseDelimiter)
        .option('--no-quotes', 'quotes are ordinary characters in the CSV or TSV file')
        .option('--submit', 'upload the request file after the last row')
        .option('--name <key>', 'with --submit: the object key (default: the name of the file)')
        .option('--yes', 'with --submit: do not ask')
        .option('--wait', 'with --submit: wait until the job has ended, and print what failed'),
    ).addHelpText('after', WAIT_EXIT_CODES + EXAMPLES),
  ).action(prepare);
}

const EXAMPLES = `
Examples:
  batchdrop prepare reviews.csv --template classify.json --id id -o reviews.jsonl
  batchdrop prepare reviews.csv --template classify.json --schema answer.json --submit
  batchdrop prepare reviews.parquet --template classify.json --limit 20 | less`;

async function prepare(file: string, options: Options): Promise<void> {
  refuseContradictions(file, options);
  const data = file === STDIN ? await copyOfStdin() : { path: file, discard: () => {} };
  try {
    const name = file === STDIN ? 'stdin' : file;
    if (options.submit) await prepareAndSubmit(name, data.path, options);
    else await prepareAndPrint(name, data.path, options);
  } finally {
    data.discard();
  }
}

function refuseContradictions(file: string, { submit, wait, name, out, from }: Options): void {
  if (!submit && (wait || name !== undefined))
    throw new Failure('--wait and --name work only with --submit.');
  if (file !== STDIN) return;
  if (from === undefined)
    throw new Failure('stdin has no name that says its format. Add --from csv, tsv or jsonl.');
  if (from === 'parquet')
    throw new Failure('Parquet is read from files only, because it is not read in order.');
  if (submit && name === undefined && out === undefined)
    throw new Failure('stdin needs an object key. Add --name NAME.jsonl.');
}

async function prepareAndPrint(file: string, path: string, options: Options): Promise<void> {
  const prepared = await preparedAt(options.out, file, path, options);
  const source = { file: options.out ?? 'stdout', key: basename(options.out ?? ''), bytes: prepared.bytes };
  const known = plannedForecast(source, prepared, createPriceList(undefined).at(Date.now()));
  const text = options.json ? printableJson(known, 2) : forecastLines(known).join('\n');
  if (options.out === undefined)
    console.error(text); // stdout has the requests
  else console.log(text);
}

async function prepareAndSubmit(file: string, path: string, options: Options): Promise<void> {
  const directory = temporaryFolder('batchdrop-prepare');
  try {
    const key = options.name ?? basename(options.out ?? `${basename(file, extname(file))}.jsonl`);
    const out = options.out ?? join(directory.path, 'requests.jsonl');
    await preparedAt(out, file, path, options);
    const source = await sourceOf(options.out ?? key, { path: out, key });
    const { endpoint: _, ...where } = options; // that of the API, not of a runtime
    await submitAll([source], where);
  } finally {
    directory.discard();
  }
}

/** Writes the requests to a file, or to stdout. */
async function preparedAt(
  out: string | undefined,
  file: string,
  path: string,
  options: Options,
): Promise<PreparedRequests> {
  const { delimiter, quotes, files, from: format, template, schema, id } = options;
  const inputs = [path, template, ...(schema === undefined ? [] : [schema])];
  const open = async () => (out === undefined ? new PipeOutput() : openFileOutput(out, inputs));
  return withOutput(open, async (output) => {
    const shape = await readRequestShape(options);
    const table = await openTable({ path, file, format, delimiter, quotes });
    const readFile = files === undefined ? refuseFile : dataUrlsBelow(files);
    const lines = new RequestLines({ ...shape, id, readFile });
    refuseUnknownColumns(table, lines.columns, file);
    return prepareRequests(table, lines, output, options.limit);
  });
}

function refuseFile(): never {
  throw new Failure('The template has {{…:dataurl}}. Add --files with the directory of these files.');
}

function parseEndpoint(name: string): Endpoint {
  const endpoint = endpointNamed(name);
  if (endpoint === undefined) throw new InvalidArgumentError(`The endpoints are ${ENDPOINTS.join(', ')}.`);
  return endpoint;
}

function parseDelimiter(text: string): string {
  const character = text === '\\t' || text === 'tab' ? '\t' : text;
  if (character.length !== 1 || /["\r\n]/.test(character))
    throw new InvalidArgumentError('Give one character, or tab for a tab.');
  return character;
}
