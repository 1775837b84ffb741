import type { ComponentChildren } from 'preact';
import type { RequestFailure } from '../connection/request-failure.ts';
import type { Shape, Tone } from '../words/statuses.ts';
import { Icon } from './icon.tsx';

const SHAPES: Readonly<Record<Tone, Shape>> = {
  quiet: 'arrow',
  busy: 'ring',
  good: 'check',
  warning: 'triangle',
  bad: 'cross',
};

/** Something that the reader should know here and now. */
export function Notice({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <div class={`notice ${tone}`}>
      <Icon shape={SHAPES[tone]} tone={tone} />
      <div>{children}</div>
    </div>
  );
}

/** A request failed: what happened, and what the reader can do. */
export function FailureNotice({ failure, onRetry }: { failure: RequestFailure; onRetry: () => void }) {
  return (
    <Notice tone="bad">
      <p>
        {failure.message}{' '}
        {failure.kind === 'unreachable' && 'Check that the command still runs in your terminal.'}
      </p>
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </Notice>
  );
}

/** A page or a section that has nothing to show, and why. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}
