import { useId } from 'preact/hooks';

interface FileChooserProps {
  readonly hasFile: boolean;
  readonly onChoose: (file: File) => void;
}

/** The place to drop a file, and the button to choose one. */
export function FileChooser({ hasFile, onChoose }: FileChooserProps) {
  const id = useId();
  return (
    <div class={`drop-place ${hasFile ? 'small' : ''}`}>
      <svg viewBox="0 0 48 48" aria-hidden="true">
        <path d="M24 6v24M15 22l9 9 9-9M8 34v6h32v-6" />
      </svg>
      <p>
        <b>{hasFile ? 'Drop another file' : 'Drop a .jsonl file here'}</b>, or{' '}
        <label for={id} class="choose">
          choose one
          <input
            id={id}
            type="file"
            accept=".jsonl"
            onChange={({ currentTarget }) => {
              const file = currentTarget.files?.[0];
              if (file) onChoose(file);
              currentTarget.value = ''; // the same file can be chosen again, after it was corrected
            }}
          />
        </label>
      </p>
      {!hasFile && (
        <p class="quiet">
          One request a line. It is checked before anything is sent, and costs nothing until you send it.
        </p>
      )}
    </div>
  );
}
