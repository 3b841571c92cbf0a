import { type FormEvent, useState } from 'react'
import { Habit } from '@/components/Habit'
import { useStored } from '@/stored'

export default function App() {
  const [habits, setHabits] = useStored<string[]>('habits', [])
  const [name, setName] = useState('')
  const add = (e: FormEvent) => {
    e.preventDefault()
    if (name) setHabits([...habits, name])
    setName('')
  }
  return (
    <main className="mx-auto max-w-md p-6">
      <h1 className="text-3xl font-bold text-leaf">Habits</h1>
      <form onSubmit={add} className="my-4 flex gap-2">
        <input type="text" data-test="new" aria-label="Habit" className="min-w-0 flex-1 rounded-md" value={name} onChange={(e) => setName(e.target.value)} />
        <button data-test="add" className="rounded-md bg-leaf px-4 text-white">
          Add
        </button>
      </form>
      <ul className="card space-y-2 empty:hidden">
        {habits.map((h, i) => (
          <Habit key={i} name={h} onRename={(now) => setHabits(habits.with(i, now))} onRemove={() => setHabits(habits.toSpliced(i, 1))} />
        ))}
      </ul>
    </main>
  )
}
