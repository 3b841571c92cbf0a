package npm

import (
	"maps"
	"slices"
	"strings"
)

// common are packages that people and models mean when they misspell a name.
var common = strings.Fields(`react react-dom react-router react-router-dom react-hook-form react-icons react-query react-redux react-markdown react-i18next
	react-hot-toast react-toastify react-select react-dropzone react-dnd react-chartjs-2 react-table react-helmet react-spring react-transition-group
	@types/react @types/react-dom @types/node @types/lodash @vitejs/plugin-react @vitejs/plugin-react-swc @vitejs/plugin-vue vite vitest typescript esbuild rollup
	tailwindcss @tailwindcss/vite @tailwindcss/postcss @tailwindcss/forms @tailwindcss/typography postcss autoprefixer sass clsx classnames tailwind-merge
	class-variance-authority lucide-react @heroicons/react framer-motion motion zustand jotai redux @reduxjs/toolkit recoil mobx immer
	@tanstack/react-query @tanstack/react-table @tanstack/react-router axios swr graphql @apollo/client date-fns dayjs moment luxon lodash lodash-es uuid nanoid
	zod yup formik recharts chart.js d3 three @react-three/fiber @react-three/drei leaflet react-leaflet @dnd-kit/core @dnd-kit/sortable @dnd-kit/utilities
	@radix-ui/react-dialog @radix-ui/react-dropdown-menu @radix-ui/react-select @radix-ui/react-slot @radix-ui/react-tabs @radix-ui/react-tooltip @headlessui/react
	@mui/material @mui/icons-material @emotion/react @emotion/styled styled-components bootstrap react-bootstrap antd @chakra-ui/react
	vue vue-router pinia vuex svelte @sveltejs/kit @sveltejs/vite-plugin-svelte solid-js preact htm lit alpinejs jquery next nuxt express cors dotenv
	i18next firebase @supabase/supabase-js socket.io-client marked dompurify prismjs highlight.js eslint prettier sonner cmdk vaul embla-carousel-react`)

// Suggest names the package that was likely meant by one that there is not: of those that the project declares, that are
// known here, and that many people use. "": none is near.
func (c *Client) Suggest(name string, declared ...string) string {
	known := map[string]int{} // the lower the likelier
	for _, name := range c.metadata.names() {
		known[name] = 2
	}
	for _, name := range common {
		known[name] = 1
	}
	for _, name := range declared {
		known[name] = 0
	}
	delete(known, name)
	return nearest(name, known)
}

// nearest is the name that differs by the fewest letters, if that is few.
func nearest(name string, known map[string]int) string {
	best, least := "", 2*mostApart(name)+2
	for _, other := range slices.Sorted(maps.Keys(known)) {
		d := distance(name, other)
		if d > mostApart(name) {
			if !containsWord(other, name) {
				continue
			}
			d = mostApart(name)
		}
		if d = 2*d + min(known[other], 1); d < least {
			best, least = other, d
		}
	}
	return best
}

func mostApart(name string) int { return min(3, max(1, len(name)/4)) }

// containsWord reports whether a name is another one with a mark and a word more, or without its scope.
func containsWord(long, short string) bool {
	if len(short) < 4 {
		return false
	}
	_, own, scoped := strings.Cut(long, "/")
	return scoped && strings.HasPrefix(long, "@") && own == short || long == short+"css" || long == short+"js" || long == short+"-react" || long == "react-"+short ||
		strings.ReplaceAll(strings.TrimPrefix(long, "@"), "/", "-") == short
}

// distance counts the letters to change, add, drop or swap with their neighbour.
func distance(a, b string) int {
	if len(a)-len(b) > 3 || len(b)-len(a) > 3 {
		return 99
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
