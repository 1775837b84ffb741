import { Argument, Command } from 'commander';
import { confirmPlace } from '../../connection/confirm-place.ts';
import { type ActionOptions, withActionOptions, withConnection } from '../../connection/connection.ts';
import type { Finding } from '../../operations/finding.ts';
import { checkSetup } from '../../operations/webhook/checks.ts';
import {
  disableWebhooks,
  type Enabled,
  enableWebhooks,
  rotateWebhookSecret,
} from '../../operations/webhook/registration.ts';
import { NotManaged, type WebhookSetup, withWebhookSetup } from '../../operations/webhook/setup.ts';
import { proveWebhooks } from '../../operations/webhook/test-event.ts';
import { counted, momentShown } from '../../terminal/amounts.ts';
import { escapeControlCharacters } from '../../terminal/escape-control-characters.ts';
import { withExamples } from '../../terminal/examples.ts';
import { printFinding } from '../../terminal/finding-line.ts';
import { type FormatOptions, isForPeople, printFacts } from '../../terminal/output-format.ts';

type Options = ActionOptions & FormatOptions;
type Action = (setup: WebhookSetup, options: Options) => Promise<void>;

const ACTIONS = { enable, status, test, rotate, disable } as const satisfies Record<string, Action>;

/** What is asked before an action that changes the API's registration, if only the environment names the stack. */
const QUESTIONS: Partial<Record<keyof typeof ACTIONS, string>> = {
  enable: 'Enable webhooks',
  rotate: 'Make a new signing secret',
  disable: 'Disable webhooks',
};

/** `batchdrop webhook ACTION`: manages the webhooks of a deployed stack. */
export function webhookCommand(): Command {
  const action = new Argument('<action>', 'what to do').choices(Object.keys(ACTIONS));
  return withExamples(
    withActionOptions(
      new Command('webhook')
        .summary('Set up, check, and test webhooks')
        .description(
          'Manage the webhooks of a stack with the prop webhook. This uses the API key of the stack. enable: register the URL at the API, and store the signing secret. status: check the setup. test: have the API send a test event, and wait until the ledger shows it. rotate: make a new signing secret; the old one stays valid for 24 hours. disable: remove what enable made. You can repeat each action.',
        )
        .addArgument(action),
    ),
    'batchdrop webhook enable --stack Batchdrop',
    'batchdrop webhook test --stack Batchdrop',
  ).action(manage);
}

async function manage(action: keyof typeof ACTIONS, options: Options): Promise<void> {
  await withConnection(options, async (connection) => {
    const question = QUESTIONS[action];
    if (question !== undefined) await confirmPlace(connection, options, question);
    try {
      await withWebhookSetup(connection, (setup) => ACTIONS[action](setup, options));
    } catch (failure) {
      if (!(failure instanceof NotManaged) || isForPeople(options)) throw failure;
      printFacts(options, { managed: false, reason: failure.why, ...failure.steps }, () => []);
      process.exitCode = 1;
    }
  });
}

async function enable(setup: WebhookSetup, options: Options): Promise<void> {
  const enabled = await enableWebhooks(setup);
  print(options, { url: setup.url, ...enabled }, [
    ...sentencesOf(setup, enabled),
    'To test the whole path: batchdrop webhook test',
  ]);
}

function sentencesOf({ host, url, secret }: WebhookSetup, enabled: Enabled): string[] {
  const { endpointId, created, rotated, changedEventTypes, removedEndpoints } = enabled;
  if (created)
    return [
      `Enabled: ${host} sends the ends of batches to ${url}.`,
      `Its signing secret is in ${secret.id}.`,
    ];
  const done = [
    ...(rotated ? [`Stored a new signing secret of ${endpointId} in ${secret.id}.`] : []),
    ...(changedEventTypes ? [`${endpointId} now sends all four ends of batches.`] : []),
    ...(removedEndpoints > 0
      ? [`Deleted ${counted(removedEndpoints, 'other endpoint', 'other endpoints')} with the same URL.`]
      : []),
  ];
  return done.length > 0
    ? done
    : [`Webhooks were already enabled: ${host} sends the ends of batches to ${url}.`];
}

async function status(setup: WebhookSetup, options: Options): Promise<void> {
  const findings: Finding[] = [];
  for await (const finding of checkSetup(setup)) {
    findings.push(finding);
    if (isForPeople(options)) printFinding(finding);
  }
  const working = findings.every(({ verdict }) => verdict !== 'failed');
  printFacts(options, { url: setup.url, working, findings }, () => []);
  if (!working) process.exitCode = 1;
}

async function test(setup: WebhookSetup, options: Options): Promise<void> {
  const { endpointId, seenAt } = await proveWebhooks(setup);
  print(options, { url: setup.url, endpointId, seenAt: new Date(seenAt).toISOString() }, [
    `Webhooks work: the test event of ${setup.host} arrived, its signature is valid, and the ledger shows it.`,
  ]);
}

async function rotate(setup: WebhookSetup, options: Options): Promise<void> {
  const { endpointId, oldSecretUntil } = await rotateWebhookSecret(setup);
  const old =
    oldSecretUntil === null
      ? []
      : [`The old one is valid until ${momentShown(Date.parse(oldSecretUntil))} UTC.`];
  print(options, { url: setup.url, endpointId, oldSecretUntil }, [
    `Stored a new signing secret of ${endpointId} in ${setup.secret.id}.`,
    ...old,
  ]);
}

async function disable(setup: WebhookSetup, options: Options): Promise<void> {
  const disabled = await disableWebhooks(setup);
  const { removedEndpoints, secret } = disabled;
  const said = {
    deleted: [`Deleted the secret ${setup.secret.id}.`],
    emptied: [`Removed the signing secrets from ${setup.secret.id}.`],
    absent: [],
  }[secret];
  const nothing = removedEndpoints === 0 && secret === 'absent';
  print(options, { url: setup.url, ...disabled }, [
    nothing ? 'Webhooks were not enabled.' : `Disabled: ${setup.host} sends nothing to ${setup.url}.`,
    ...said,
    'POLL finds all ends.',
  ]);
}

function print(options: Options, facts: object, lines: readonly string[]): void {
  printFacts(options, facts, () => lines.map(escapeControlCharacters));
}
