import { useState } from 'react'

export function useStored<T>(key: string, initial: T): [T, (now: T) => void] {
  const [value, setValue] = useState<T>(() => {
    const text = localStorage.getItem(key)
    return text === null ? initial : (JSON.parse(text) as T)
  })
  return [
    value,
    (now) => {
      localStorage.setItem(key, JSON.stringify(now))
      setValue(now)
    },
  ]
}
