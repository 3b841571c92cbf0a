// What a person does with an app and sees of it, by the words that stand there.
window.person = (() => {
  const thrown = [];
  addEventListener("error", (e) => thrown.push(e.message));
  addEventListener("unhandledrejection", (e) => thrown.push(String(e.reason)));
  const shown = (n) => n.checkVisibility({ visibilityProperty: true }) && (!document.querySelector("dialog:modal") || n.closest("dialog:modal"));
  const words = (n) => (n.getAttribute("aria-label") ?? n.textContent ?? "").trim();
  const buttons = () => [...document.querySelectorAll("button, a[href], summary")].filter((n) => shown(n) && !n.disabled && n.getAttribute("aria-disabled") !== "true");
  const named = (name) => buttons().find((n) => words(n) === name) ?? buttons().find((n) => words(n).includes(name));
  const text = () => document.body.innerText + "\n" + [...document.querySelectorAll("[aria-label]")].map(words).join("\n");
  // A step is tried until it is true, 250 times, which is five seconds where the machine has nothing else to do; the answer says what was
  // seen instead, "" for nothing.
  const until = (step) => new Promise((done) => {
    let left = 250;
    const look = () => {
      let ok = false;
      left -= 1;
      try { ok = step(); } catch (e) { if (left <= 0) return done(String(e)); }
      if (ok) return done("");
      if (left <= 0) return done("never: " + text().slice(0, 400));
      setTimeout(look, 20);
    };
    look();
  });
  // What the app has the browser save as a file.
  const files = [];
  const { createObjectURL } = URL;
  URL.createObjectURL = (blob) => { blob.text().then((text) => files.push(text)); return createObjectURL(blob); };
  // What makes the page wider than the window, "" for nothing.
  const wide = () => document.documentElement.scrollWidth <= innerWidth ? "" : [...document.querySelectorAll("main *")].filter((n) => n.getBoundingClientRect().right > innerWidth).slice(0, 3).map((n) => n.outerHTML.slice(0, 120)).join(" ") || "something";
  return { thrown, until, named, text, shown, files, wide };
})();
var press = (name) => { const n = person.named(name); n?.focus(); n?.click(); return !!n; };
var pick = (selector) => { const n = [...document.querySelectorAll(selector)].find((m) => person.shown(m) && m.getAttribute("aria-disabled") !== "true"); n?.click(); return !!n; };
var sees = (words) => person.text().includes(words);
var seesNot = (words) => !sees(words);
var pressed = (name, on) => person.named(name)?.getAttribute("aria-pressed") === String(on);
var key = (name, key) => { const n = person.named(name); n?.focus(); n?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })); return !!n; };
var column = (heading, words) => [...document.querySelectorAll("section")].some((s) => s.querySelector("h2")?.textContent.startsWith(heading) && s.innerText.includes(words));
var fieldOf = (label) => [...document.querySelectorAll("input, textarea, select")].find((f) => person.shown(f) && [...(f.labels ?? [])].some((l) => l.textContent.trim().startsWith(label)));
var shows = (label, value) => fieldOf(label)?.value === value;
var type = (label, value) => {
  const field = fieldOf(label);
  if (!field) return false;
  field.focus();
  Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, value);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
  return true;
};
var kept = (name, value) => Object.keys(localStorage).some((k) => k.includes("/part/") && JSON.parse(localStorage.getItem(k))[name] === value);
var listed = () => [...document.querySelectorAll("[data-id]")].map((entry) => entry.querySelector("h2, h3, th").textContent.trim());
var table = () => person.files.at(-1).trim().split("\r\n");
var isDark = () => {
  const { colorScheme, backgroundColor } = getComputedStyle(document.body);
  return colorScheme === "dark" && backgroundColor.match(/\d+/g).slice(0, 3).every((part) => Number(part) < 60);
};
