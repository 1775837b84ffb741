import type { PageFiles } from '../../lib/bundling/bundle-console.ts';

/** Returns the console's page. The project builds it if its source has changed; the package's command contains it. */
export async function pageFiles(): Promise<PageFiles> {
  const { keptPage } = await import('../../lib/bundling/bundle-console.ts');
  return keptPage();
}
