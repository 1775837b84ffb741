import { useEffect, useState } from 'preact/hooks';
import type { Store } from './store.ts';

/** The value of a store, in a component. */
export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState({ of: store.value });
  useEffect(() => {
    setValue({ of: store.value }); // it may have changed since the first rendering
    return store.follow((changed) => setValue({ of: changed }));
  }, [store]);
  return value.of;
}
