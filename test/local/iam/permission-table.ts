import type { AccessRequest } from '../../../local/aws/iam/decision.ts';
import { SCENARIOS } from './permission-scenarios.ts';
import type { RecordedRuntime } from './recorded-runtime.ts';
import { dependsOn, type Permission, permissionsOf } from './single-permissions.ts';

/** A permission and the scenarios that need it, the most frequent first. */
export interface TableRow {
  readonly permission: Permission;
  readonly fails: readonly string[];
}

/** The requests of the start or of a scenario. */
interface Recorded {
  readonly fails: string;
  readonly requests: AccessRequest[];
}

/** Runs every scenario. Returns for each permission the scenarios in which a call would be denied without it. */
export async function permissionTable(runtime: RecordedRuntime): Promise<TableRow[]> {
  const records = [startOf(runtime)];
  for (const { fails, run } of SCENARIOS) {
    const before = runtime.decisions.length;
    await run(runtime);
    records.push({
      fails,
      requests: distinct(runtime.decisions.slice(before).map(({ request }) => request)),
    });
  }
  const { policies } = runtime.plan;
  return permissionsOf(policies).map((permission) => {
    const needing = records.filter(({ requests }) =>
      requests.some((request) => dependsOn(policies, permission, request)),
    );
    return { permission, fails: needing.map(({ fails }) => failureOf(permission, fails)) };
  });
}

/** Returns the rows for assuming roles, which the start checks. */
export function trustRows({ plan }: RecordedRuntime): string[][] {
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

function startOf(runtime: RecordedRuntime): Recorded {
  return { fails: AT_START, requests: distinct(runtime.decisions.map(({ request }) => request)) };
}

/** Lambda checks the log's permissions when it starts a process, but also runs the process without them. */
function failureOf({ action }: Permission, fails: string): string {
  return action.startsWith('logs:') ? 'the function writes no logs' : fails;
}

function distinct(requests: readonly AccessRequest[]): AccessRequest[] {
  return [...new Map(requests.map((request) => [JSON.stringify(request), request])).values()];
}

/** Returns the cells of a row: who, action, resource, what fails. */
export function cellsOf({ permission, fails }: TableRow): string[] {
  return [
    whoIn(permission),
    `\`${permission.action}\``,
    `\`${legible(permission.resource)}\``,
    fails[0] ?? '**nothing: remove it**',
  ];
}

/** Returns a Markdown table. */
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
  approval: 'APPROVE',
  webhooks: 'WEBHOOK',
};

function whoIn({ holder, statement }: Permission): string {
  const stageName = /batchdrop-(\w+)-worker-role$/.exec(holder)?.[1];
  if (stageName !== undefined) return STAGES[stageName] ?? stageName;
  if (holder.endsWith('-tick-role')) return 'the schedule';
  return statement.principals.map((each) => (each === 'anybody' ? 'anybody' : each.name)).join(', ');
}

/** Returns an ARN without account and region. */
function legible(arn: string): string {
  return arn.replace(/^arn:aws:(\w+):[^:]*:[^:]*:/, '$1:');
}
