let context: AudioContext | undefined;

/** Browsers let a page sound only after somebody used it: call this where a button is pressed. */
export function allowSound(): void {
  try {
    context ??= new AudioContext();
  } catch {
    context = undefined; // a browser without sound: the page still says what happened
  }
}

/** A short tone. */
export function beep(hertz = 880): void {
  if (!context) return;
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.frequency.value = hertz;
  volume.gain.setValueAtTime(0.25, context.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.7);
  tone.connect(volume).connect(context.destination);
  tone.start();
  tone.stop(context.currentTime + 0.7);
}
