// What a person does with a page and sees of it, as steps that are true once they worked. Things are found as people find them:
// by the words on them, never by how a page is made.
window.person = (() => {
  const shown = (node) => {
    if (node.disabled || !node.checkVisibility({ visibilityProperty: true })) return false;
    const modal = document.querySelector("dialog:modal");
    return !modal || modal.contains(node);
  };
  const all = (selector) => [...document.querySelectorAll(selector)].filter(shown);
  const words = (node) => [node.getAttribute("aria-label"), node.innerText, node.value, node.title].filter(Boolean).join(" ").trim();
  const labelOf = (field) => [...(field.labels ?? [])].map((l) => l.innerText)
    .concat(field.getAttribute("aria-label"), field.placeholder, field.name, field.id).filter(Boolean).join(" ");
  const fields = () => all("input, textarea, select").filter((f) => !["hidden", "button", "submit", "reset", "image"].includes(f.type) && !f.readOnly);
  const set = (field, value) => {
    field.focus();
    if (field.type === "checkbox" || field.type === "radio") {
      if (field.checked !== Boolean(value)) field.click();
      return;
    }
    const proto = Object.getPrototypeOf(field);
    Object.getOwnPropertyDescriptor(proto, "value").set.call(field, value);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const buttons = () => all("button, a[href], summary, input[type=submit], input[type=button], [role=button], [role=tab], [role=switch]");
  const press = (node) => { node.focus(); node.click(); return true; };
  const find = (list, pattern, text) => list.find((n) => pattern.test(text(n)));

  // A value that a field takes.
  const plausible = (field) => {
    switch (field.type) {
      case "number": case "range": return field.min || "1";
      case "date": return "2030-05-17";
      case "datetime-local": return "2030-05-17T10:00";
      case "time": return "10:00";
      case "month": return "2030-05";
      case "week": return "2030-W20";
      case "email": return "ada@example.org";
      case "url": return "https://example.org/";
      case "tel": return "+15550100";
      case "color": return "#336699";
      case "checkbox": return field.checked;
      case "select-one": return [...field.options].find((o) => o.value && !o.disabled)?.value ?? "";
      default: return "Some words";
    }
  };

  return {
    sees: (pattern) => pattern.test(document.body.innerText),
    seesNot: (pattern) => !pattern.test(document.body.innerText),
    presses: (pattern) => { const n = find(buttons(), pattern, words); return !!n && press(n); },
    fills: (pattern, value) => { const f = find(fields(), pattern, labelOf); if (f) set(f, value); return !!f; },
    // Adds an entry of that name to whatever the app keeps: fills in the first form that is open, else opens one, else goes where
    // one may be. It takes several tries until the entry is seen.
    adds: (name) => {
      if (document.body.innerText.includes(name) && !fields().some((f) => f.value === name)) return true;
      const form = fields().filter((f) => !/search|filter|find/i.test(f.type + labelOf(f)));
      const first = form.find((f) => f.type === "text" || f.tagName === "TEXTAREA");
      const scope = first?.closest("form, dialog, [role=dialog]") ?? document;
      const submit = buttons().filter((b) => scope.contains(b) && b.tagName !== "A")
        .find((b) => (b.type === "submit" && b.form) || /\b(save|add|create|done|keep)\b/i.test(words(b)));
      if (first && submit) {
        for (const f of form.filter((f) => scope.contains(f))) set(f, f === first ? name : plausible(f));
        press(submit);
        return false;
      }
      const opens = find(buttons(), /\b(add|new|create|write|record|enter|plan)\b|^\+/i, words);
      if (opens) { press(opens); return false; }
      const links = all("nav a[href], a[href]").filter((a) => a.origin === location.origin && a.pathname !== location.pathname);
      if (links.length) {
        const at = Number(sessionStorage.getItem("person") ?? 0);
        sessionStorage.setItem("person", String(at + 1));
        press(links[at % links.length]);
      }
      return false;
    },
  };
})();
window.personErrors = [];
addEventListener("error", (e) => window.personErrors.push(String(e.message)));
addEventListener("unhandledrejection", (e) => window.personErrors.push(String(e.reason)));
