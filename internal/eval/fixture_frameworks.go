package eval

// reactFixture is an app of React and Vite. With tailwind its looks are utility classes, else a style sheet's.
func reactFixture(things []entity, tailwind bool) map[string]string {
	dependencies, plugin, plugins, css := "", "", "react()", ".button { padding: 0.25rem 0.75rem; border: 1px solid #2255aa; }\n.row { display: flex; gap: 1rem; }\n.done { text-decoration: line-through; }\nbody { font-family: system-ui, sans-serif; }\n"
	looks := map[string]string{"button": "button", "row": "row", "done": "row done", "form": "form"}
	if tailwind {
		dependencies = ",\n    \"tailwindcss\": \"^4.1.0\",\n    \"@tailwindcss/vite\": \"^4.1.0\""
		plugin, plugins, css = "import tailwindcss from \"@tailwindcss/vite\";\n", "react(), tailwindcss()", "@import \"tailwindcss\";\n"
		looks = map[string]string{"button": "px-3 py-1 rounded border border-blue-700 text-blue-700", "row": "flex gap-4", "done": "flex gap-4 line-through", "form": "mt-4 flex flex-wrap gap-2"}
	}
	files := map[string]string{
		"package.json":              "{\n  \"name\": \"office\",\n  \"private\": true,\n  \"type\": \"module\",\n  \"scripts\": { \"dev\": \"vite\", \"build\": \"vite build\", \"test\": \"vitest run\" },\n  \"dependencies\": {\n    \"react\": \"^19.0.0\",\n    \"react-dom\": \"^19.0.0\"\n  },\n  \"devDependencies\": {\n    \"@testing-library/react\": \"^16.0.0\",\n    \"@types/react\": \"^19.0.0\",\n    \"@types/react-dom\": \"^19.0.0\",\n    \"@vitejs/plugin-react\": \"^5.0.0\",\n    \"vite\": \"^7.0.0\",\n    \"vitest\": \"^3.0.0\"" + dependencies + "\n  }\n}\n",
		"tsconfig.json":             "{\n  \"compilerOptions\": { \"target\": \"ES2023\", \"module\": \"ESNext\", \"moduleResolution\": \"bundler\", \"jsx\": \"react-jsx\", \"types\": [\"vite/client\"], \"strict\": true, \"noEmit\": true }\n}\n",
		"vite.config.ts":            "import react from \"@vitejs/plugin-react\";\n" + plugin + "import { defineConfig } from \"vite\";\n\nexport default defineConfig({ plugins: [" + plugins + "] });\n",
		"index.html":                "<!doctype html>\n<html lang=\"en\">\n  <head>\n    <meta charset=\"utf-8\">\n    <title>Office</title>\n  </head>\n  <body>\n    <div id=\"root\"></div>\n    <script type=\"module\" src=\"/src/main.tsx\"></script>\n  </body>\n</html>\n",
		"README.md":                 "# Office\n\nKeeps what a small office works with. React with Vite; each feature has a folder in src/features.\n" + each(things, "\n- $many") + "\n",
		"src/main.tsx":              "import { StrictMode } from \"react\";\nimport { createRoot } from \"react-dom/client\";\nimport { App } from \"./App\";\nimport \"./index.css\";\n\nconst root = document.getElementById(\"root\");\nif (root) {\n  createRoot(root).render(\n    <StrictMode>\n      <App />\n    </StrictMode>,\n  );\n}\n",
		"src/index.css":             css,
		"src/App.tsx":               each(things, "import { $OneList } from \"./features/$many/$OneList\";\n") + "\nexport function App() {\n  return (\n    <main>\n      <h1>Office</h1>\n" + each(things, "      <$OneList />\n") + "    </main>\n  );\n}\n",
		"src/lib/format.ts":         formatSource,
		"src/components/Button.tsx": "import type { ReactNode } from \"react\";\n\ninterface ButtonProps {\n  children: ReactNode;\n  type?: \"button\" | \"submit\";\n  onClick?: () => void;\n}\n\nexport function Button({ children, type = \"button\", onClick }: ButtonProps) {\n  return (\n    <button type={type} className=\"" + looks["button"] + "\" onClick={onClick}>\n      {children}\n    </button>\n  );\n}\n",
	}
	for _, e := range things {
		dir := "src/features/" + e.many + "/"
		files[dir+"types.ts"] = e.fill("export interface $One {\n  id: string;\n  name: string;\n  cents: number;\n  due: string;\n  done: boolean;\n}\n")
		files[dir+"data.ts"] = e.fill("import type { $One } from \"./types\";\n\nexport const $manySamples: $One[] = [\n$items\n];\n")
		files[dir+e.One+"List.tsx"] = e.fill(`import { useState } from "react";
import { Button } from "../../components/Button";
import { formatDate, formatMoney } from "../../lib/format";
import { $manySamples } from "./data";
import { $OneForm } from "./$OneForm";
import type { $One } from "./types";

export function $OneList() {
  const [items, setItems] = useState<$One[]>($manySamples);
  const total = items.filter((item) => !item.done).reduce((sum, item) => sum + item.cents, 0);
  const close = (id: string) => setItems(items.map((item) => (item.id === id ? { ...item, done: true } : item)));
  return (
    <section aria-label="$Many">
      <h2>$Many</h2>
      <ul>
        {items.map((item) => (
          <li key={item.id} className={item.done ? "` + looks["done"] + `" : "` + looks["row"] + `"}>
            <span>{item.name}</span>
            <span>{formatDate(item.due)}</span>
            <span>{formatMoney(item.cents)}</span>
            <Button onClick={() => close(item.id)}>Close</Button>
          </li>
        ))}
      </ul>
      <p>Total: {formatMoney(total)}</p>
      <$OneForm onAdd={(item) => setItems([...items, item])} />
    </section>
  );
}
`)
		files[dir+e.One+"Form.tsx"] = e.fill(`import { useState, type FormEvent } from "react";
import { Button } from "../../components/Button";
import type { $One } from "./types";

interface $OneFormProps {
  onAdd: (item: $One) => void;
}

export function $OneForm({ onAdd }: $OneFormProps) {
  const [name, setName] = useState("");
  const [amount, setAmount] = useState("");
  const [due, setDue] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onAdd({ id: crypto.randomUUID(), name: name.trim(), cents: Math.round(Number(amount) * 100), due, done: false });
    setName("");
    setAmount("");
  };
  return (
    <form onSubmit={submit} className="` + looks["form"] + `">
      <label>
        Name <input value={name} onChange={(event) => setName(event.target.value)} required />
      </label>
      <label>
        Amount <input type="number" value={amount} onChange={(event) => setAmount(event.target.value)} required />
      </label>
      <label>
        Due <input type="date" value={due} onChange={(event) => setDue(event.target.value)} required />
      </label>
      <Button type="submit">Add $one</Button>
    </form>
  );
}
`)
		files[dir+e.One+"List.test.tsx"] = e.fill(`import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { $OneList } from "./$OneList";

test("shows $many", () => {
  render(<$OneList />);
  expect(screen.getByText("Alder $One")).toBeTruthy();
});
`)
	}
	return files
}

func vueFixture(things []entity) map[string]string {
	files := map[string]string{
		"package.json":   "{\n  \"name\": \"office\",\n  \"private\": true,\n  \"type\": \"module\",\n  \"scripts\": { \"dev\": \"vite\", \"build\": \"vite build\", \"test\": \"vitest run\" },\n  \"dependencies\": { \"vue\": \"^3.5.0\" },\n  \"devDependencies\": { \"@vitejs/plugin-vue\": \"^6.0.0\", \"vite\": \"^7.0.0\", \"vitest\": \"^3.0.0\" }\n}\n",
		"tsconfig.json":  "{\n  \"compilerOptions\": { \"target\": \"ES2023\", \"module\": \"ESNext\", \"moduleResolution\": \"bundler\", \"types\": [\"vite/client\"], \"strict\": true, \"noEmit\": true }\n}\n",
		"vite.config.ts": "import vue from \"@vitejs/plugin-vue\";\nimport { defineConfig } from \"vite\";\n\nexport default defineConfig({ plugins: [vue()] });\n",
		"index.html":     "<!doctype html>\n<html lang=\"en\">\n  <head>\n    <meta charset=\"utf-8\">\n    <title>Office</title>\n  </head>\n  <body>\n    <div id=\"app\"></div>\n    <script type=\"module\" src=\"/src/main.ts\"></script>\n  </body>\n</html>\n",
		"README.md":      "# Office\n\nKeeps what a small office works with. Vue with Vite; each feature has a folder in src/features.\n" + each(things, "\n- $many") + "\n",
		"src/main.ts":    "import { createApp } from \"vue\";\nimport App from \"./App.vue\";\nimport \"./style.css\";\n\ncreateApp(App).mount(\"#app\");\n",
		"src/style.css":  ".row { display: flex; gap: 1rem; }\n.done { text-decoration: line-through; }\nbody { font-family: system-ui, sans-serif; }\n",
		"src/App.vue": "<script setup lang=\"ts\">\n" + each(things, "import $OneList from \"./features/$many/$OneList.vue\";\n") + "</script>\n\n<template>\n  <main>\n    <h1>Office</h1>\n" +
			each(things, "    <$OneList />\n") + "  </main>\n</template>\n",
		"src/lib/format.ts":             formatSource,
		"src/components/BaseButton.vue": "<script setup lang=\"ts\">\ndefineProps<{ type?: \"button\" | \"submit\" }>();\ndefineEmits<{ press: [] }>();\n</script>\n\n<template>\n  <button :type=\"type ?? 'button'\" @click=\"$emit('press')\"><slot /></button>\n</template>\n",
	}
	for _, e := range things {
		dir := "src/features/" + e.many + "/"
		files[dir+"types.ts"] = e.fill("export interface $One {\n  id: string;\n  name: string;\n  cents: number;\n  due: string;\n  done: boolean;\n}\n")
		files[dir+"store.ts"] = e.fill(`import { computed, ref } from "vue";
import type { $One } from "./types";

export const $many = ref<$One[]>([
$items
]);

export const open$Many = computed(() => $many.value.filter((item) => !item.done));

export const total$Many = computed(() => open$Many.value.reduce((sum, item) => sum + item.cents, 0));

export function add$One(item: $One): void {
  $many.value.push(item);
}
`)
		files[dir+e.One+"List.vue"] = e.fill(`<script setup lang="ts">
import { formatDate, formatMoney } from "../../lib/format";
import $OneForm from "./$OneForm.vue";
import { add$One, $many, total$Many } from "./store";
</script>

<template>
  <section aria-label="$Many">
    <h2>$Many</h2>
    <ul>
      <li v-for="item in $many" :key="item.id" class="row" :class="{ done: item.done }">
        <span>{{ item.name }}</span>
        <span>{{ formatDate(item.due) }}</span>
        <span>{{ formatMoney(item.cents) }}</span>
      </li>
    </ul>
    <p>Total: {{ formatMoney(total$Many) }}</p>
    <$OneForm @add="add$One" />
  </section>
</template>
`)
		files[dir+e.One+"Form.vue"] = e.fill(`<script setup lang="ts">
import { ref } from "vue";
import BaseButton from "../../components/BaseButton.vue";
import type { $One } from "./types";

const emit = defineEmits<{ add: [item: $One] }>();
const name = ref("");
const amount = ref(0);
const due = ref("");

function submit(): void {
  emit("add", { id: crypto.randomUUID(), name: name.value.trim(), cents: Math.round(amount.value * 100), due: due.value, done: false });
  name.value = "";
}
</script>

<template>
  <form @submit.prevent="submit">
    <label>Name <input v-model="name" required /></label>
    <label>Amount <input v-model.number="amount" type="number" required /></label>
    <label>Due <input v-model="due" type="date" required /></label>
    <BaseButton type="submit">Add $one</BaseButton>
  </form>
</template>
`)
		files[dir+e.many+".test.ts"] = e.fill(`import { expect, test } from "vitest";
import { total$Many } from "./store";

test("the total of $many counts what is open", () => {
  expect(total$Many.value).toBeGreaterThan(0);
});
`)
	}
	return files
}
