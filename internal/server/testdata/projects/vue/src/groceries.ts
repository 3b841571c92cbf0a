import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'

export interface Grocery {
  id: number
  name: string
}

export const useGroceries = defineStore('groceries', () => {
  const list = ref<Grocery[]>(JSON.parse(localStorage.getItem('groceries') ?? '[]'))
  watch(list, (now) => localStorage.setItem('groceries', JSON.stringify(now)), { deep: true })
  const count = computed(() => list.value.length)
  function add(name: string) {
    list.value.push({ id: Date.now() + list.value.length, name })
  }
  function remove(id: number) {
    list.value = list.value.filter((g) => g.id !== id)
  }
  return { list, count, add, remove }
})
