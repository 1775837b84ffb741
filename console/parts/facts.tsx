import type { ComponentChildren } from 'preact';

/** Names and values, as large figures in a row or as a list. */
export function Facts({
  facts,
  class: look = '',
}: {
  facts: readonly (readonly [name: string, value: ComponentChildren])[];
  class?: 'figures' | '';
}) {
  return (
    <dl class={`facts ${look}`}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
