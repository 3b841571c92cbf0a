import { type FormEvent, useState } from 'react'
import hero from './assets/hero.png'
import { useBooks } from './books'
import { BookRow } from './components/BookRow'

export default function App() {
  const { books, add, rename, toggle, remove } = useBooks()
  const [title, setTitle] = useState('')
  const submit = (e: FormEvent) => {
    e.preventDefault()
    if (title.trim() === '') return
    add(title.trim())
    setTitle('')
  }
  return (
    <main className="mx-auto min-h-screen max-w-xl bg-paper p-6 text-ink">
      <img src={hero} alt="" width={64} className="mb-4 size-16 object-contain" />
      <h1 className="font-display text-4xl">Reading list</h1>
      <p className="mt-1 text-ink/70">{books.filter((b) => !b.done).length} to read</p>
      <form onSubmit={submit} className="mt-6 flex gap-2">
        <input data-test="new" aria-label="Title" className="min-w-0 grow rounded-lg border border-ink/30 px-3" value={title} onChange={(e) => setTitle(e.target.value)} />
        <button data-test="add" className="button">
          Add
        </button>
      </form>
      <ul className="mt-4">
        {books.map((b) => (
          <BookRow key={b.id} book={b} onRename={(t) => rename(b.id, t)} onToggle={() => toggle(b.id)} onRemove={() => remove(b.id)} />
        ))}
      </ul>
    </main>
  )
}
