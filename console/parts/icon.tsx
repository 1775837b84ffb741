import type { Shape, Tone } from '../words/statuses.ts';

const STROKES: Readonly<Record<Exclude<Shape, 'pie'>, string>> = {
  dots: 'M8 2a6 6 0 0 1 5.2 3M14 8a6 6 0 0 1-2.2 4.6M8 14a6 6 0 0 1-5.2-3M2 8a6 6 0 0 1 2.2-4.6',
  ring: 'M8 2a6 6 0 1 1 0 12a6 6 0 1 1 0-12z',
  diamond: 'M8 1.6 14.4 8 8 14.4 1.6 8zM8 5v3.6M8 10.6v.4',
  check: 'M8 2a6 6 0 1 1 0 12a6 6 0 1 1 0-12zM5.2 8.2l2 2 3.6-4.2',
  cross: 'M8 2a6 6 0 1 1 0 12a6 6 0 1 1 0-12zM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4',
  stop: 'M5.4 1.8h5.2l3.6 3.6v5.2l-3.6 3.6H5.4l-3.6-3.6V5.4zM8 4.8v4M8 11v.4',
  clock: 'M8 2a6 6 0 1 1 0 12a6 6 0 1 1 0-12zM8 4.8V8l2.2 1.6',
  slash: 'M8 2a6 6 0 1 1 0 12a6 6 0 1 1 0-12zM3.8 3.8l8.4 8.4',
  link: 'M6.6 9.4a2.6 2.6 0 0 0 3.7 0l2.6-2.6a2.6 2.6 0 0 0-3.7-3.7l-.9.9M9.4 6.6a2.6 2.6 0 0 0-3.7 0L3.1 9.2a2.6 2.6 0 0 0 3.7 3.7l.9-.9',
  arrow: 'M3 8h10M9 4l4 4-4 4',
  triangle: 'M8 2 14.6 13.6H1.4zM8 6.4v3.2M8 11.4v.4',
};

/** The shape of a status. The word beside it says the same, so a screen reader skips it. `share`: of a pie, 0 to 1. */
export function Icon({ shape, tone, share = 0.5 }: { shape: Shape; tone: Tone; share?: number }) {
  return (
    <svg class={`icon ${tone}`} viewBox="0 0 16 16" aria-hidden="true">
      {shape === 'pie' ? (
        <>
          <path class="faint" d={STROKES.ring} />
          <path d={arc(share)} />
        </>
      ) : (
        <path d={STROKES[shape]} />
      )}
    </svg>
  );
}

/** A part of the ring, from the top. At least a little of it is seen. */
function arc(share: number): string {
  const angle = 2 * Math.PI * Math.min(0.999, Math.max(0.06, share));
  const [x, y] = [8 + 6 * Math.sin(angle), 8 - 6 * Math.cos(angle)];
  return `M8 2A6 6 0 ${angle > Math.PI ? 1 : 0} 1 ${x.toFixed(2)} ${y.toFixed(2)}`;
}

/** The mark of Batchdrop: a drop over a line. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path class="drop" d="M12 2.5c3.2 4 5.4 6.7 5.4 9.6a5.4 5.4 0 0 1-10.8 0c0-2.9 2.2-5.6 5.4-9.6z" />
      <path class="row" d="M4 21.2h16" />
    </svg>
  );
}
