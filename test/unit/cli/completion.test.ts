import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type CompletedCommand, completionScript } from '../../../bin/commands/completion-scripts.ts';

const option = (name: string, more: Partial<CompletedCommand['options'][number]> = {}) => ({
  ...{ names: [name], description: "what's said", takesValue: false, values: [] },
  ...more,
});

const COMMANDS: CompletedCommand[] = [
  {
    ...{ name: 'submit', summary: 'Upload files', takesFiles: true, values: [] },
    options: [option('--priority', { takesValue: true, values: ['high', 'low'] }), option('--wait')],
  },
  {
    ...{ name: 'redrive', summary: 'Move dead letters', takesFiles: false, values: ['intake', 'cancel'] },
    options: [option('--yes')],
  },
];

/** Returns what bash suggests for the last word. */
function suggested(...words: string[]): string[] {
  const script = `${completionScript('bash', COMMANDS)}
COMP_WORDS=(batchdrop ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}
_batchdrop batchdrop '${words.at(-1)}' '${['batchdrop', ...words].at(-2)}'
printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).split('\n').filter(Boolean);
}

describe('completion in bash', () => {
  it.each([
    ['a command', ['re'], ['redrive']],
    ['an option', ['submit', '--w'], ['--wait']],
    ['the values of an option', ['submit', '--priority', ''], ['high', 'low']],
    ['the values of an argument', ['redrive', 'i'], ['intake']],
    ['nothing after an unknown command', ['frobnicate', '--'], []],
  ])('suggests %s', (_, words, suggestions) => {
    expect(suggested(...words)).toEqual(suggestions);
  });
});

it.each(['zsh', 'fish'] as const)(
  'the script for %s names each command, option and value, and quotes texts',
  (shell) => {
    const script = completionScript(shell, COMMANDS);
    for (const part of ['submit', 'redrive', 'wait', 'priority', 'high', 'intake', 'what’s said'])
      expect(script).toContain(part);
    expect(
      script.split('\n').every((line) => line.startsWith('#') || (line.match(/'/g) ?? []).length % 2 === 0),
    ).toBe(true);
  },
);
