import { useEffect, useState } from 'preact/hooks';
import { goTo } from '../../address/use-route.ts';
import { Store } from '../../connection/store.ts';

/** The file that the reader wants to send. It stays while another page is shown. */
export const droppedFile = new Store<File | undefined>(undefined);

/** A file can be dropped on any page: it leads to the page of that name. Returns whether one is over the window. */
export function useWindowDrop(): boolean {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const ended = new AbortController();
    const { signal } = ended;
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const onDrag = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault(); // else the browser opens the file in place of the page
      setOver(true);
    };
    const onLeave = (event: DragEvent) => event.relatedTarget === null && setOver(false);
    const onDrop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(false);
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      droppedFile.set(file);
      goTo({ page: 'drop' });
    };
    addEventListener('dragenter', onDrag, { signal });
    addEventListener('dragover', onDrag, { signal });
    addEventListener('dragleave', onLeave, { signal });
    addEventListener('drop', onDrop, { signal });
    return () => ended.abort();
  }, []);
  return isOver;
}
