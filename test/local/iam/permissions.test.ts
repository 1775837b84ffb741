import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCENARIOS, type Scenario } from './permission-scenarios.ts';
import { cellsOf, markdownOf, permissionTable, type TableRow, trustRows } from './permission-table.ts';
import { RecordedRuntime, stackWithShortIntake } from './recorded-runtime.ts';
import { tableOnPage } from './security-page.ts';
import { type Permission, withoutStatement } from './single-permissions.ts';

let assembly: string;
let runtime: RecordedRuntime;
let rows: TableRow[];

beforeAll(async () => {
  assembly = await stackWithShortIntake(); // a scenario interrupts writing a checkpoint
  runtime = await RecordedRuntime.start(assembly);
  rows = await permissionTable(runtime);
}, 300_000); // every permission is removed once: a minute on a machine that has nothing else to do

afterAll(async () => {
  await runtime?.close();
  rmSync(assembly, { recursive: true, force: true });
});

describe('the permissions of the template', () => {
  it('are each needed, because without it a call of some scenario is denied', () => {
    expect(rows.length).toBeGreaterThan(50);
    const unneeded = rows.filter(({ fails }) => fails.length === 0).map(cellsOf);
    expect(unneeded).toEqual([]);
  });

  it('are sufficient, because only calls whose permission a scenario removes are denied', () => {
    const refused = runtime.decisions.filter(({ verdict }) => verdict !== 'allowed');
    const what = refused.map(({ request }) => `${whoOf(request.principal)} ${request.action}`);
    expect([...new Set(what)].filter((each) => !REMOVED.has(each))).toEqual([]);
  });

  it('match docs/security.md, including what fails (to update: npm run docs:security)', () => {
    const onPage = tableOnPage();
    const fresh = [...rows.map(cellsOf), ...trustRows(runtime)];
    expect(withoutReasons(onPage)).toEqual(withoutReasons(markdownOf(fresh)));
    // The first scenario that needs a permission may differ between runs.
    const reasons = linesOf(onPage).map((line) => line.split(' | ').at(-1)?.replace(/ \|$/, ''));
    rows.forEach(({ fails }, at) => {
      expect(fails, onPage.split('\n')[at + 2]).toContain(reasons[at]);
    });
  });
});

describe('a statement that is removed while the stack runs', () => {
  it('makes a call of its function fail, for each statement', async () => {
    const statements = Map.groupBy(rows, ({ permission }) => permission.statement.id);
    let missed = 0;
    for (const [id, its] of statements) {
      // Permissions that only the start needs are removed in test/integration/runtime/wiring.test.ts.
      const scenario = SCENARIOS.find((each) => its.some(({ fails }) => fails[0] === each.fails));
      const [first] = its;
      if (scenario === undefined || first === undefined) continue;
      await untilMissed(id, scenario, first.permission);
      missed += 1;
    }
    expect(missed).toBe(37);
  }, 180_000);
});

/** Runs the scenario until a call is denied. An API key that a process has cached can make the first run succeed. */
async function untilMissed(id: string, scenario: Scenario, { holder, statement }: Permission): Promise<void> {
  const before = runtime.decisions.length;
  const isMissed = () =>
    runtime.decisions
      .slice(before)
      .some(
        ({ request, verdict }) =>
          verdict !== 'allowed' &&
          request.principal.kind === 'role' &&
          request.principal.roleArn === holder &&
          statement.actions.includes(request.action),
      );
  runtime.enforce(withoutStatement(runtime.plan.policies, id));
  for (let runs = 0; runs < 5 && !isMissed(); runs += 1) {
    const run = { hasEnded: false };
    const end = () => Object.assign(run, { hasEnded: true });
    scenario.run(runtime).then(end, end); // continues in the background, or is aborted at the end
    await runtime.until(`${id} is missed`, () => isMissed() || run.hasEnded);
  }
  runtime.enforce(runtime.plan.policies);
  expect(isMissed(), id).toBe(true);
}

const REMOVED = new Set(['intake s3:PutObject', 'delivery dynamodb:GetItem']);

function whoOf(principal: { kind: string; sessionName?: string; name?: string }): string {
  return /batchdrop-(\w+)-/.exec(principal.sessionName ?? '')?.[1] ?? principal.name ?? '';
}

function linesOf(table: string): string[] {
  return table.trim().split('\n').slice(2);
}

function withoutReasons(table: string): string[] {
  return linesOf(table).map((line) => line.split(' | ').slice(0, 3).join(' | '));
}
