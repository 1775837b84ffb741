import type { AccessRequest } from '../../../local/aws/iam/decision.ts';
import { type Atom, atomsOf, hangsOn } from './permission-atoms.ts';
import { SCENARIOS } from './permission-scenarios.ts';
import type { PermissionStage } from './permission-stage.ts';

/** An atom, and what was seen to need it, the most usual first. */
export interface TableRow {
  readonly atom: Atom;
  readonly fails: readonly string[];
}

/** What was asked for, by what asked: the start, then each scenario. */
interface Recorded {
  readonly fails: string;
  readonly requests: AccessRequest[];
}

/** Plays every scenario on the stage, and finds for each atom the ones in which a call would be refused without it. */
export async function permissionTable(stage: PermissionStage): Promise<TableRow[]> {
  const records = [startOf(stage)];
  for (const { fails, play } of SCENARIOS) {
    const before = stage.decisions.length;
    await play(stage);
    records.push({ fails, requests: distinct(stage.decisions.slice(before).map(({ request }) => request)) });
  }
  const { policies } = stage.plan;
  return atomsOf(policies).map((atom) => {
    const needing = records.filter(({ requests }) =>
      requests.some((request) => hangsOn(policies, atom, request)),
    );
    return { atom, fails: needing.map(({ fails }) => failureOf(atom, fails)) };
  });
}

/** What may be taken on by whom; the start checks each. */
export function trustRows({ plan }: PermissionStage): string[][] {
  return [...plan.policies.trust].flatMap(([role, statements]) =>
    statements.flatMap(({ principals }) =>
      principals.map((each) => [
        each === 'anybody' ? 'anybody' : each.name,
        '`sts:AssumeRole`',
        `\`${legible(role)}\``,
        AT_START,
      ]),
    ),
  );
}

const AT_START = 'nothing runs: `npm start` stops with the error message of AWS';

function startOf(stage: PermissionStage): Recorded {
  return { fails: AT_START, requests: distinct(stage.decisions.map(({ request }) => request)) };
}

/** Lambda asks for the log's permissions when it starts a process, and goes on without. */
function failureOf({ action }: Atom, fails: string): string {
  return action.startsWith('logs:') ? 'the function writes no logs' : fails;
}

function distinct(requests: readonly AccessRequest[]): AccessRequest[] {
  return [...new Map(requests.map((request) => [JSON.stringify(request), request])).values()];
}

/** The cells of a row: who, action, resource, what fails. */
export function cellsOf({ atom, fails }: TableRow): string[] {
  return [
    whoIn(atom),
    `\`${atom.action}\``,
    `\`${legible(atom.resource)}\``,
    fails[0] ?? '**nothing: remove it**',
  ];
}

/** A table of Markdown. */
export function markdownOf(rows: readonly (readonly string[])[]): string {
  const head = ['who', 'action', 'resource', 'what fails without it'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

const STAGES: Readonly<Record<string, string>> = {
  intake: 'INTAKE',
  submission: 'SUBMIT',
  polling: 'POLL',
  delivery: 'DELIVER',
  cancellation: 'CANCEL',
};

function whoIn({ holder, statement }: Atom): string {
  const stageName = /batchdrop-(\w+)-worker-role$/.exec(holder)?.[1];
  if (stageName !== undefined) return STAGES[stageName] ?? stageName;
  if (holder.endsWith('-tick-role')) return 'the schedule';
  return statement.principals.map((each) => (each === 'anybody' ? 'anybody' : each.name)).join(', ');
}

/** An ARN without what is the same in all of them here. */
function legible(arn: string): string {
  return arn.replace(/^arn:aws:(\w+):[^:]*:[^:]*:/, '$1:');
}
