import type { Scratch } from '../../functions/shared/ports/ports.ts';

/** A disk in memory. `openFiles` returns the number of open files. */
export function createInMemoryScratch(): Scratch & { openFiles(): number } {
  let openFiles = 0;
  return {
    openFiles: () => openFiles,
    async open() {
      openFiles += 1;
      let isOpen = true;
      let content = Buffer.alloc(0);
      return {
        async write(bytes) {
          content = Buffer.concat([content, bytes]);
        },
        read(start, target) {
          const end = start + target.length;
          if (end > content.length)
            throw new RangeError(`scratch: ${end} is beyond its ${content.length} bytes`);
          target.set(content.subarray(start, end));
        },
        async discard() {
          if (isOpen) openFiles -= 1;
          isOpen = false;
        },
      };
    },
  };
}
