import { Bar, BarChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'
import { useExpenses } from '../store'

export default function Chart() {
  const expenses = useExpenses((s) => s.expenses)
  const data = expenses.map((e) => ({ name: e.what, amount: e.cents / 100 }))
  return (
    <main>
      <h1>Chart</h1>
      {data.length === 0 ? (
        <p>Nothing was spent yet.</p>
      ) : (
        <ResponsiveContainer width="100%" height={240}>
          <BarChart data={data}>
            <XAxis dataKey="name" />
            <YAxis />
            <Tooltip />
            <Bar dataKey="amount" fill="#3b6fd4" />
          </BarChart>
        </ResponsiveContainer>
      )}
    </main>
  )
}
