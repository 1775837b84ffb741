import type { ComponentChildren } from 'preact';

interface SectionProps {
  readonly title: string;
  /** Beside the title, such as a choice. */
  readonly aside?: ComponentChildren;
  readonly children: ComponentChildren;
  readonly class?: string;
}

/** A titled part of a page. */
export function Section({ title, aside, children, class: more = '' }: SectionProps) {
  return (
    <section class={`section ${more}`}>
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
