import { Argument, Command } from 'commander';
import { confirm, confirmPlace, placeShown } from '../../connection/confirm-place.ts';
import { type ActionOptions, withActionOptions, withConnection } from '../../connection/connection.ts';
import { apiOf } from '../../connection/stack-names.ts';
import { readSecretText } from '../../operations/key/secret-text.ts';
import { accountShown, newApiKey, storeApiKey } from '../../operations/key/set-api-key.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { withExamples } from '../../terminal/examples.ts';
import { Failure } from '../../terminal/failure.ts';
import { type FormatOptions, printFacts } from '../../terminal/output-format.ts';

interface Options extends ActionOptions, FormatOptions {
  /** A text: why the key is not verified. */
  readonly verify: boolean | string;
}

/** `batchdrop key set`: stores the API key of a deployed stack. */
export function keyCommand(): Command {
  return withExamples(
    withActionOptions(
      new Command('key')
        .summary('Store or rotate the API key')
        .description(
          'Store the API key of a stack in its secret, which is created if there is none, or rotate it. The command asks for the key and does not show it, or reads it from stdin. It first calls the API with the key once. The old key stays as the previous version of the secret.',
        )
        .addArgument(new Argument('<action>', 'what to do').choices(['set']))
        .option(
          '--no-verify <reason>',
          'store the key without calling the API, for a reason such as "only the VPC reaches it"',
        )
        .allowExcessArguments(),
    ),
    'batchdrop key set --stack Batchdrop',
    'pass show openai | batchdrop key set --stack Batchdrop',
  ).action(setKey);
}

async function setKey(_action: string, options: Options, command: Command): Promise<void> {
  refuseArguments(command);
  const { verify } = options;
  if (typeof verify === 'string' && verify.trim() === '')
    throw new Failure('Give a reason with --no-verify: why the key cannot be checked from here.');
  await withConnection(options, async (connection) => {
    const { target } = connection;
    if (target.kind === 'local')
      throw new Failure(
        'A runtime on this machine takes its key from OPENAI_API_KEY when it starts (npm start -- --real). For a deployed stack, add --stack or --region.',
      );
    const api = await apiOf(target);
    await confirmPlace(connection, options, 'Store an API key');
    const typed = await readSecretText(`API key for ${new URL(api.baseUrl).host} (not shown): `);
    const found = await newApiKey(connection, api, { typed, verify: verify === true });
    const { concern, account, isStored } = found;
    if (concern !== undefined && !options.yes) await confirm(`${concern} Store the key anyway?`);
    const stored: Stored = isStored ? 'unchanged' : await storeApiKey(connection, api, found);
    const facts = {
      ...{ secret: api.secret, stored, verified: verify === true },
      ...(account !== undefined && { account: accountShown(account) ?? null }),
      ...(typeof verify === 'string' && { reason: verify }),
      concern: concern ?? null,
    };
    printFacts(options, facts, () =>
      [...sentences(facts, placeShown(connection)), ...(concern === undefined ? [] : [concern])].map(
        escapeControlCharacters,
      ),
    );
  });
}

/** Arguments of a command are in the history of the shell, and every user of the machine sees them in the list of processes. */
function refuseArguments({ args }: Command): void {
  if (args.length <= 1) return;
  throw new Failure(
    'Do not give the key as an argument: it stays in the history of your shell, and other users see it in the list of processes. Revoke it at the API if it was a real one. Run `batchdrop key set`, and type or paste the key, or pipe it in.',
  );
}

type Stored = 'created' | 'changed' | 'unchanged';

interface Facts {
  readonly secret: string;
  readonly stored: Stored;
  readonly verified: boolean;
  readonly account?: string | null;
}

function sentences({ secret, stored, verified, account }: Facts, where: string): string[] {
  const owner = account ? `, as a key of ${account}` : '';
  const checked = verified ? `The API accepts the key${owner}.` : 'The key was not checked.';
  switch (stored) {
    case 'unchanged':
      return [`The secret ${secret} has this key already${where}. ${checked}`];
    case 'created':
      return [
        `Created the secret ${secret} with the key${where}. ${checked}`,
        'To check the stack: batchdrop doctor',
      ];
    case 'changed':
      return [
        `Stored the key in the secret ${secret}${where}. ${checked}`,
        'Running functions use it within five minutes. Then revoke the old key at the API. Until the next change, it is the version AWSPREVIOUS of the secret.',
      ];
  }
}
