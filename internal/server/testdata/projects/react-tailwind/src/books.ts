import { useEffect, useState } from 'react'

export interface Book {
  id: number
  title: string
  done: boolean
}

const key = 'reading-list'

function load(): Book[] {
  try {
    return JSON.parse(localStorage.getItem(key) ?? '[]') as Book[]
  } catch {
    return []
  }
}

export function useBooks() {
  const [books, setBooks] = useState<Book[]>(load)
  useEffect(() => localStorage.setItem(key, JSON.stringify(books)), [books])
  return {
    books,
    add: (title: string) => setBooks((all) => [...all, { id: Date.now() + all.length, title, done: false }]),
    rename: (id: number, title: string) => setBooks((all) => all.map((b) => (b.id === id ? { ...b, title } : b))),
    toggle: (id: number) => setBooks((all) => all.map((b) => (b.id === id ? { ...b, done: !b.done } : b))),
    remove: (id: number) => setBooks((all) => all.filter((b) => b.id !== id)),
  }
}
