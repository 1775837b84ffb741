/** Scripts with which a shell completes the command line: the names of commands, their options, and the values of these. */

/** A command, as its completion needs it. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** The values of its argument, if only some are possible. */
  readonly values: readonly string[];
  /** It takes files. */
  readonly takesFiles: boolean;
}

/** An option of a command. */
export interface CompletedOption {
  /** With its dashes. */
  readonly names: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  /** The values, if only some are possible; otherwise a file is suggested. */
  readonly values: readonly string[];
}

/** The shells for which there is a script. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

type Shell = (typeof SHELLS)[number];

const SCRIPTS: Readonly<Record<Shell, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
};

/** Returns the script for a shell. */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  return SCRIPTS[shell](commands);
}

const BASH_COMMAND_WORD = `\${COMP_WORDS[1]}`;

function bashScript(commands: readonly CompletedCommand[]): string {
  const words = commands.map(
    ({ name, options, values }) =>
      `    ${name}) words='${[...values, ...options.flatMap((option) => option.names)].join(' ')}' ;;`,
  );
  return [
    '# Completion of batchdrop for bash. In ~/.bashrc: eval "$(batchdrop completion bash)"',
    '_batchdrop() {',
    '  local word="$2" before="$3" words="" values=""',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')} help --help --version' -- "$word"))`,
    '    return',
    '  fi',
    `  case "${BASH_COMMAND_WORD} $before" in`,
    ...commands.flatMap(bashValues),
    '  esac',
    '  if [ -n "$values" ]; then COMPREPLY=($(compgen -W "$values" -- "$word")); return; fi',
    `  case "${BASH_COMMAND_WORD}" in`,
    ...words,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    '}',
    'complete -o bashdefault -o default -F _batchdrop batchdrop',
  ].join('\n');
}

function bashValues({ name, options }: CompletedCommand): string[] {
  return options
    .filter(({ values }) => values.length > 0)
    .map(
      ({ names, values }) =>
        `    ${names.map((option) => `'${name} ${option}'`).join('|')}) values='${values.join(' ')}' ;;`,
    );
}

function zshScript(commands: readonly CompletedCommand[]): string {
  const list = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = commands.map(
    ({ name, options, values, takesFiles }) =>
      `    ${name}) _arguments ${[...options.flatMap(zshOption), ...zshArgument(values, takesFiles)].join(' ')} ;;`,
  );
  return [
    '#compdef batchdrop',
    '# Completion of batchdrop for zsh. In ~/.zshrc, after compinit: eval "$(batchdrop completion zsh)"',
    '_batchdrop() {',
    '  local -a commands',
    '  commands=(',
    ...list,
    '  )',
    '  if (( CURRENT == 2 )); then _describe command commands; return; fi',
    '  local command=$words[2]',
    '  shift words; (( CURRENT-- ))',
    '  case $command in',
    ...cases,
    '  esac',
    '}',
    'if [ "$funcstack[1]" = "_batchdrop" ]; then _batchdrop; else compdef _batchdrop batchdrop; fi',
  ].join('\n');
}

function zshOption({ names, description, takesValue, values }: CompletedOption): string[] {
  const text = description.replace(/[[\]\\:]/g, ' ');
  const value = takesValue ? `:value:${values.length > 0 ? `(${values.join(' ')})` : '_files'}` : '';
  return names.map((name) => quoted(`${name}[${text}]${value}`));
}

function zshArgument(values: readonly string[], takesFiles: boolean): string[] {
  if (values.length > 0) return [quoted(`1:value:(${values.join(' ')})`)];
  return takesFiles ? [quoted('*:file:_files')] : [];
}

function fishScript(commands: readonly CompletedCommand[]): string {
  return [
    '# Completion of batchdrop for fish. In config.fish: batchdrop completion fish | source',
    'complete -c batchdrop -f',
    ...commands.flatMap(({ name, summary, options, values, takesFiles }) => {
      const inIt = `-n '__fish_seen_subcommand_from ${name}'`;
      return [
        `complete -c batchdrop -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
        ...(values.length > 0 ? [`complete -c batchdrop ${inIt} -a ${quoted(values.join(' '))}`] : []),
        ...(takesFiles ? [`complete -c batchdrop ${inIt} -F`] : []),
        ...options.map((option) => `complete -c batchdrop ${inIt} ${fishOption(option)}`),
      ];
    }),
  ].join('\n');
}

function fishOption({ names, description, takesValue, values }: CompletedOption): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const value = values.length > 0 ? `-x -a ${quoted(values.join(' '))}` : takesValue ? '-r -F' : '';
  return [...flags, value, `-d ${quoted(description)}`].filter((part) => part !== '').join(' ');
}

/** Quotes a text for all three shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’').replaceAll('\\', '')}'`;
}
