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
export function beep(hertz = 880, seconds = 0.7): void {
  if (!context) return;
  const { tone, volume, from } = toneOf(context, hertz);
  volume.gain.setValueAtTime(0.25, from);
  volume.gain.exponentialRampToValueAtTime(0.001, from + seconds);
  tone.start();
  tone.stop(from + seconds);
}

/** Tones from now on: when each begins and how long it lasts, in seconds. */
export function signals(all: readonly (readonly [at: number, seconds: number])[], hertz = 600): void {
  const end = all.at(-1);
  if (!context || !end) return;
  const { tone, volume, from } = toneOf(context, hertz);
  volume.gain.setValueAtTime(0, from);
  for (const [at, seconds] of all) {
    volume.gain.setValueAtTime(0.2, from + at);
    volume.gain.setValueAtTime(0, from + at + seconds);
  }
  tone.start();
  tone.stop(from + end[0] + end[1]);
}

function toneOf(sound: AudioContext, hertz: number): { tone: OscillatorNode; volume: GainNode; from: number } {
  const tone = sound.createOscillator();
  const volume = sound.createGain();
  tone.frequency.value = hertz;
  tone.connect(volume).connect(sound.destination);
  return { tone, volume, from: sound.currentTime };
}
