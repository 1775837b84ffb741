interface ChoiceProps<T extends string> {
  readonly legend: string;
  readonly name: string;
  readonly value: T;
  readonly choices: readonly {
    readonly value: T;
    readonly label: string;
    readonly count?: number | undefined;
  }[];
  readonly onChoose: (value: T) => void;
}

/** One of a few, as a row of radio buttons: Tab enters it, arrows choose. */
export function Choice<T extends string>({ legend, name, value, choices, onChoose }: ChoiceProps<T>) {
  return (
    <fieldset class="choice">
      <legend class="unseen">{legend}</legend>
      {choices.map((choice) => (
        <label key={choice.value} class={choice.value === value ? 'chosen' : ''}>
          <input
            type="radio"
            name={name}
            checked={choice.value === value}
            onChange={() => onChoose(choice.value)}
          />
          {choice.label}
          {choice.count !== undefined && <span class="count">{choice.count.toLocaleString('en-US')}</span>}
        </label>
      ))}
    </fieldset>
  );
}
