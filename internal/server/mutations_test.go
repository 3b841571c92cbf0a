package server

// mutation is a change of one of the projects of testdata/projects, and whether the project's own compiler and bundler refuse
// what comes of it: TestProjectsAsTheirTools asks them.
type mutation struct {
	app, file string
	old, now  string // a text and what takes its place; both "": the file is deleted; old "": a new file
	broken    bool
}

// mutations are planted type errors, missing exports, bad imports, missing assets and wrong packages, and beside them changes
// that look like one and are none. Types of Vue's and Svelte's components are left out.
var mutations = []mutation{
	// Types.
	{"react-tailwind", "src/App.tsx", "add(title.trim())", "add(title.length)", true},
	{"react-tailwind", "src/App.tsx", "rename(b.id, t)", "rename(b.id)", true},
	{"react-tailwind", "src/App.tsx", "!b.done", "!b.finished", true},
	{"react-tailwind", "src/books.ts", "title, done: false", "title", true},
	{"react-tailwind", "src/books.ts", "id: number", "id: string", true},
	{"react-tailwind", "src/components/BookRow.tsx", "onToggle: () => void", "onToggle: (done: boolean) => string", true},
	{"react-tailwind", "src/components/BookRow.tsx", "setDraft(book.title)", "setDraft(book.title, true)", true},
	{"react-tailwind", "src/App.tsx", "<BookRow key={b.id} book={b}", "<BookRow key={b.id}", true},
	{"react-tailwind", "src/components/BookRow.tsx", "useState<string | null>(null)", "useState<string>(null)", true},
	{"react-tailwind", "src/App.tsx", "e.preventDefault()", "event2.preventDefault()", true},
	{"react-libs", "src/store.ts", "remove: (id) => set((s) => ({ expenses: s.expenses.filter((e) => e.id !== id) })),", "", true},
	{"react-libs", "src/pages/List.tsx", "size={16} /> Add", "size={{}} /> Add", true},
	{"react-libs", "src/pages/List.tsx", "strategy={verticalListSortingStrategy}", "strategy={vertical}", true},
	{"react-libs", "src/pages/List.tsx", "({ active, over }: DragEndEvent)", "({ active, under }: DragEndEvent)", true},
	{"react-libs", "src/pages/Chart.tsx", "s.expenses)", "s.expanses)", true},
	{"react-libs", "src/pages/List.tsx", "parseISO(expense.on)", "parseISO(expense)", true},
	{"react-tailwind3", "src/App.tsx", "useStored<string[]>('habits', [])", "useStored<string[]>('habits', {})", true},
	{"react-tailwind3", "src/stored.ts", "setValue(now)", "setValue(later)", true},
	{"react-tailwind3", "src/components/Habit.tsx", "export function Habit({ name, onRename, onRemove }: HabitProps)", "export function Habit({ name, onRename, onRemove })", true},
	{"react-tailwind3", "src/components/Habit.tsx", "const editing = draft", "const unused = 1\n  const editing = draft", true},
	{"vanilla-ts", "src/main.ts", "list.set(i, draft.value)", "list.set(draft.value, i)", true},
	{"vanilla-ts", "src/main.ts", "app.querySelector('form')!", "app.querySelector('form')", true},
	{"vanilla-ts", "src/list.ts", "this.items.push(text)", "this.items = [text]", true},
	{"vanilla-ts", "src/main.ts", "list.items.map", "list.keep().items.map", true},
	{"vue", "src/groceries.ts", "list.value.push({ id: Date.now() + list.value.length, name })", "list.value.push({ id: 'x', name })", true},
	{"vue", "src/groceries.ts", "computed(() => list.value.length)", "computed(() => list.length)", true},
	{"vue", "src/main.ts", ".mount('#app')", ".mount(42)", true},

	// Exports.
	{"react-tailwind", "src/components/BookRow.tsx", "export function BookRow", "export function Row", true},
	{"react-tailwind", "src/App.tsx", "export default function App", "export function App", true},
	{"react-libs", "src/pages/List.tsx", "import { GripVertical, Pencil, Plus, Trash2 }", "import { GripVertical, Pencil, Plus, TrashTwo as Trash2 }", true},
	{"react-libs", "src/main.tsx", "import { BrowserRouter, NavLink, Route, Routes }", "import { BrowserRouter, NavLink, Route, Switch as Routes }", true},
	{"react-libs", "src/pages/List.tsx", "import clsx from 'clsx'", "import { classes as clsx } from 'clsx'", true},
	{"react-tailwind3", "src/stored.ts", "export function useStored", "function useStored", true},
	{"vue", "src/groceries.ts", "export const useGroceries", "export const useShopping", true},
	{"svelte", "src/lib/plants.svelte.ts", "export class Plants", "export class Flowers", true},
	{"vanilla-ts", "src/list.ts", "export class List", "export default class List", true},
	{"cra", "src/Chore.js", "export default function Chore", "export function Chore", true},

	// Imports.
	{"react-tailwind", "src/App.tsx", "'./components/BookRow'", "'./components/Bookrow'", true},
	{"react-tailwind", "src/App.tsx", "'./books'", "'./book'", true},
	{"react-libs", "src/main.tsx", "'./pages/Chart'", "'./Chart'", true},
	{"react-tailwind3", "src/App.tsx", "'@/stored'", "'@/lib/stored'", true},
	{"vue", "src/App.vue", "'./components/GroceryRow.vue'", "'./components/Row.vue'", true},
	{"svelte", "src/App.svelte", "'./lib/PlantRow.svelte'", "'./PlantRow.svelte'", true},
	{"cra", "src/App.js", "'./Chore'", "'./chore'", true},
	{"vanilla-ts", "src/main.ts", "'./list.ts'", "'./lists.ts'", true},

	// Assets and style sheets.
	{"react-tailwind", "src/assets/hero.png", "", "", true},
	{"react-tailwind", "src/App.tsx", "'./assets/hero.png'", "'./assets/hero.webp'", true},
	{"cra", "src/logo.svg", "", "", true},
	{"react-tailwind3", "src/components/Habit.module.css", "", "", true},
	{"react-tailwind", "src/index.css", "@apply rounded-lg", "@apply rounded-enormous", true},
	{"react-tailwind3", "src/index.css", "bg-leaf-light", "bg-leef-light", true},
	{"vue", "src/style.css", "", "", true},

	// Packages.
	{"react-libs", "src/store.ts", "'zustand/middleware'", "'zustand/middlewares'", true},
	{"react-libs", "package.json", "    \"lucide-react\": \"^0.525.0\",\n", "", true},
	{"react-libs", "package.json", "\"date-fns\": \"^4.1.0\"", "\"date-fns\": \"^400.0.0\"", true},
	{"react-libs", "src/pages/Chart.tsx", "'recharts'", "'rechart'", true},
	{"vue", "package.json", "    \"pinia\": \"^3.0.3\",\n", "", true},
	{"cra", "src/Chore.js", "from 'react'", "from 'raect'", true},
	{"vanilla-ts", "src/main.ts", "import './style.css'", "import './style.css'\nimport confetti from 'canvas-confetti'\nconfetti()", true},

	// None of them is a mistake.
	{"react-tailwind", "src/App.tsx", "text-ink/70", "text-nothing/70", false},
	{"react-tailwind", "src/books.ts", "const key = 'reading-list'", "const key: string = 'reading-list'", false},
	{"react-tailwind", "src/extra.d.ts", "", "declare const BUILD: string\n", false},
	{"react-libs", "src/pages/List.tsx", "import * as Dialog from '@radix-ui/react-dialog'", "import * as Dialog from \"@radix-ui/react-dialog\" // as a namespace", false},
	{"react-tailwind3", "src/App.tsx", "import { Habit } from '@/components/Habit'", "import { Habit } from './components/Habit.tsx'", false},
	{"react-tailwind3", "src/components/Habit.tsx", "styles.name", "styles['name']", false},
	{"vue", "src/App.vue", "max-width: 30rem;", "max-width: calc(30rem + 1px);", false},
	{"svelte", "src/lib/PlantRow.svelte", "gap: 0.5rem;", "gap: 0.75rem;", false},
	{"vanilla-ts", "src/unused.ts", "", "export const nobodyImportsThis = 1\n", false},
	{"cra", "src/App.js", "import { Component } from 'react';", "import { Component, Fragment as Unused } from 'react';", false},
	{"react-tailwind3", "vite.config.ts", "'@': path", "'~': path", false},   // the tsconfig has its paths too
	{"react-libs", "package.json", "    \"clsx\": \"^2.1.1\",\n", "", false}, // recharts brings it
	{"react-libs", "src/pages/Chart.tsx", "height={240}", "height={'100%'}", false},
	{"react-libs", "src/main.tsx", "import List from './pages/List'", "import { lazy, Suspense } from 'react'\nconst Lazy = lazy(() => import('./pages/List'))\nconst List = () => <Suspense fallback=\"…\"><Lazy /></Suspense>", false},
}
