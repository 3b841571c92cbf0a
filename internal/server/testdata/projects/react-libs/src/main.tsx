import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { BrowserRouter, NavLink, Route, Routes } from 'react-router'
import './index.css'
import Chart from './pages/Chart'
import List from './pages/List'

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <BrowserRouter>
      <nav aria-label="Pages">
        <NavLink to="/">List</NavLink>
        <NavLink to="/chart">Chart</NavLink>
      </nav>
      <Routes>
        <Route path="/" element={<List />} />
        <Route path="/chart" element={<Chart />} />
      </Routes>
    </BrowserRouter>
  </StrictMode>,
)
