import { type JobFilter, NO_FILTER } from './job-filter.ts';

/** A page, and what it shows. Its address is the fragment of the URL, so that the server serves one document. */
export type Route =
  | { readonly page: 'jobs'; readonly filter: JobFilter }
  | { readonly page: 'job'; readonly jobId: string }
  | { readonly page: 'overview' }
  | { readonly page: 'drop' };

/** Returns the route of a fragment such as `#/jobs/JOB`. An unknown fragment is the table of jobs. */
export function routeOf(fragment: string): Route {
  const [path = '', query = ''] = fragment.replace(/^#/, '').split('?');
  const [, page, name] = path.split('/');
  if (page === 'overview' || page === 'drop') return { page };
  const jobId = page === 'jobs' && name ? decoded(name) : undefined;
  if (jobId !== undefined) return { page: 'job', jobId };
  const wanted = new URLSearchParams(query);
  return {
    page: 'jobs',
    filter: {
      status: wanted.get('status') ?? NO_FILTER.status,
      search: wanted.get('search') ?? NO_FILTER.search,
    },
  };
}

/** Returns the fragment of a route. */
export function addressOf(route: Route): string {
  if (route.page === 'job') return `#/jobs/${encodeURIComponent(route.jobId)}`;
  if (route.page !== 'jobs') return `#/${route.page}`;
  const { status, search } = route.filter;
  const query = new URLSearchParams({
    ...(status !== NO_FILTER.status && { status }),
    ...(search !== NO_FILTER.search && { search }),
  });
  return query.size === 0 ? '#/jobs' : `#/jobs?${query}`;
}

function decoded(name: string): string | undefined {
  try {
    return decodeURIComponent(name);
  } catch {
    return undefined; // a fragment that somebody typed
  }
}
