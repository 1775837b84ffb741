import { useEffect, useState } from 'preact/hooks';

/** Whether a media query matches, now and after each change. */
export function useMedia(wanted: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(wanted).matches);
  useEffect(() => {
    const query = matchMedia(wanted);
    const changed = () => setMatches(query.matches);
    query.addEventListener('change', changed);
    return () => query.removeEventListener('change', changed);
  }, [wanted]);
  return matches;
}
