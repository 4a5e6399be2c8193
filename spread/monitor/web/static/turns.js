// Work in pieces: each in a task of its own, so that a large ring holds up no frame and no key.

const QUEUE_MAX = 24;

const waiting = [];
// Not a timer: those are put off where the page is not seen.
const bell = new MessageChannel();

/** Do the pieces one after the other, behind those that wait already. */
export function inTurn(...pieces) {
  const isIdle = waiting.length === 0;
  waiting.push(...pieces);
  // Where a browser falls behind, it is more use to catch up than to be smooth.
  while (waiting.length > QUEUE_MAX) waiting.shift()();
  if (isIdle) bell.port2.postMessage(null);
}

bell.port1.onmessage = () => {
  const piece = waiting.shift();
  if (waiting.length > 0) bell.port2.postMessage(null);
  piece?.();
};
