import { create } from 'zustand'
import { persist } from 'zustand/middleware'

export interface Expense {
  id: string
  what: string
  cents: number
  on: string
}

interface State {
  expenses: Expense[]
  add: (what: string) => void
  rename: (id: string, what: string) => void
  move: (from: number, to: number) => void
  remove: (id: string) => void
}

export const useExpenses = create<State>()(
  persist(
    (set) => ({
      expenses: [],
      add: (what) =>
        set((s) => ({ expenses: [...s.expenses, { id: `e${Date.now()}-${s.expenses.length}`, what, cents: 100 * (1 + what.length), on: new Date().toISOString() }] })),
      rename: (id, what) => set((s) => ({ expenses: s.expenses.map((e) => (e.id === id ? { ...e, what } : e)) })),
      move: (from, to) =>
        set((s) => {
          const expenses = [...s.expenses]
          expenses.splice(to, 0, ...expenses.splice(from, 1))
          return { expenses }
        }),
      remove: (id) => set((s) => ({ expenses: s.expenses.filter((e) => e.id !== id) })),
    }),
    { name: 'spending' },
  ),
)
