import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** How far a scroller is scrolled, and how high it is, in pixels. */
export interface ScrollerState {
  readonly top: number;
  readonly height: number;
}

/** Follows the scroller, once a frame at most. */
export function useScroller(scroller: RefObject<HTMLElement | null>): ScrollerState {
  const [state, setState] = useState<ScrollerState>({ top: 0, height: 800 });
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    let frame = 0;
    const measure = () => setState({ top: element.scrollTop, height: element.clientHeight });
    const soon = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(measure);
    };
    const size = new ResizeObserver(soon);
    size.observe(element);
    element.addEventListener('scroll', soon, { passive: true });
    measure();
    return () => {
      cancelAnimationFrame(frame);
      size.disconnect();
      element.removeEventListener('scroll', soon);
    };
  }, [scroller]);
  return state;
}
