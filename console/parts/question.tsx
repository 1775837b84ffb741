import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

interface QuestionProps {
  readonly title: string;
  /** The label of the button that does it. */
  readonly yes: string;
  readonly no: string;
  readonly tone?: 'bad';
  readonly isBusy: boolean;
  readonly onYes: () => void;
  readonly onNo: () => void;
  readonly children: ComponentChildren;
}

/** Asks before something is done. The button that changes nothing has the focus; Escape does the same. */
export function Question({ title, yes, no, tone, isBusy, onYes, onNo, children }: QuestionProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="question-title"
      onCancel={(event) => {
        event.preventDefault();
        onNo();
      }}
    >
      <h2 id="question-title">{title}</h2>
      {children}
      <div class="buttons">
        <button type="button" autofocus onClick={onNo}>
          {no}
        </button>
        <button type="button" class={tone ?? 'main'} disabled={isBusy} onClick={onYes}>
          {yes}
        </button>
      </div>
    </dialog>
  );
}
