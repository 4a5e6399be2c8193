// Numbers, times and ages as a person reads them.

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const TENTH = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const CLOCK = new Intl.DateTimeFormat("en", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const DAY = new Intl.DateTimeFormat("en", { month: "short", day: "numeric" });

export const NONE = "–";

/** A number with as many digits as help: 3.4, 120, 12,400, 1.2M. */
export function number(value) {
  if (value === null || value === undefined) return NONE;
  if (value >= 1e5) return SHORT.format(value);
  return value < 10 ? TENTH.format(value) : WHOLE.format(value);
}

export const whole = (value) => WHOLE.format(value);

/** A time that something takes, from microseconds. */
export function duration(us) {
  if (us === null || us === undefined) return NONE;
  if (us < 1000) return `${number(us)} µs`;
  if (us < 1e6) return `${number(us / 1000)} ms`;
  return `${number(us / 1e6)} s`;
}

export function bytes(count) {
  if (count < 1024) return `${whole(count)} B`;
  if (count < 1024 ** 2) return `${number(count / 1024)} KiB`;
  return `${number(count / 1024 ** 2)} MiB`;
}

/** A time that has passed, from seconds. */
export function age(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  if (seconds < 90) return `${whole(seconds)} s`;
  if (seconds < 5400) return `${whole(seconds / 60)} min`;
  if (seconds < 172800) return `${whole(seconds / 3600)} h`;
  return `${whole(seconds / 86400)} days`;
}

/** A time of the day; with its date if it is not today. */
export function clock(seconds) {
  const date = new Date(seconds * 1000);
  const text = CLOCK.format(date);
  return date.toDateString() === new Date().toDateString() ? text : `${DAY.format(date)} ${text}`;
}

/** The text of a sentence, with its time in it. */
export const told = (sentence) =>
  sentence.time_s === null || sentence.time_s === undefined
    ? sentence.text
    : sentence.text.replace("{time}", clock(sentence.time_s));

export const LEVELS = {
  good: { icon: "✓", word: "All is well" },
  note: { icon: "…", word: "Something is going on" },
  warn: { icon: "!", word: "Needs a look" },
  bad: { icon: "✕", word: "Trouble" },
};

/** A text with a full stop; it may begin with a name, which stays as it is. */
export const ended = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** A text as a sentence: it begins with a capital, too. */
export const sentence = (text) => (text ? ended(text[0].toUpperCase() + text.slice(1)) : "");
