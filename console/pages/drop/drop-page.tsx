import { useStore } from '../../connection/use-store.ts';
import { useConsole } from '../../console-context.ts';
import { Notice } from '../../parts/notice.tsx';
import { placeText } from '../../words/place.ts';
import { CheckedFile } from './checked-file.tsx';
import { droppedFile } from './dropped-file.ts';
import { FileChooser } from './file-chooser.tsx';

/** A file of requests is chosen, checked, and then sent. */
export function DropPage() {
  const { session } = useConsole();
  const file = useStore(droppedFile);
  return (
    <div class="page drop-page">
      <header class="page-head">
        <h1>Drop a file</h1>
        <p class="quiet">Destination: {placeText(session)}</p>
      </header>
      {session.mayOperate ? (
        <>
          <FileChooser hasFile={file !== undefined} onChoose={(chosen) => droppedFile.set(chosen)} />
          {file && <CheckedFile key={`${file.name} ${file.size} ${file.lastModified}`} file={file} />}
        </>
      ) : (
        <Notice tone="quiet">
          <p>This session is read-only: it may look at jobs, but not send files.</p>
        </Notice>
      )}
    </div>
  );
}
