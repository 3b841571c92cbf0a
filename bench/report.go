package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// report is what a run found.
type report struct {
	Machine string   `json:"machine"`
	Tables  []*table `json:"tables"`
	out     io.Writer
}

// table is a part of it.
type table struct {
	Title   string   `json:"title"`
	Columns []string `json:"columns"`
	Rows    []row    `json:"rows"`
	Notes   []string `json:"notes,omitempty"`
}

type row struct {
	Name   string   `json:"name"`
	Values []number `json:"values"`
}

// number is what was measured; NaN: nothing was.
type number float64

var none = math.NaN()

func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

func (n number) String() string {
	v := float64(n)
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return ""
	case math.Abs(v) >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case math.Abs(v) >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func newTable(title string, columns ...string) *table { return &table{Title: title, Columns: columns} }

func (t *table) add(name string, values ...float64) {
	r := row{Name: name}
	for _, v := range values {
		r.Values = append(r.Values, number(v))
	}
	t.Rows = append(t.Rows, r)
}

func (t *table) note(format string, args ...any) {
	t.Notes = append(t.Notes, fmt.Sprintf(format, args...))
}

// show prints a table as Markdown, and keeps it.
func (r *report) show(t *table) {
	r.Tables = append(r.Tables, t)
	lines := [][]string{append([]string{""}, t.Columns...)}
	for _, line := range t.Rows {
		cells := []string{line.Name}
		for _, v := range line.Values {
			cells = append(cells, v.String())
		}
		lines = append(lines, cells)
	}
	widths := make([]int, len(t.Columns)+1)
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	fmt.Fprintf(r.out, "\n## %s\n\n", t.Title)
	for i, line := range lines {
		for j, cell := range line {
			pad := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell))
			if j == 0 {
				fmt.Fprintf(r.out, "| %s%s |", cell, pad)
			} else {
				fmt.Fprintf(r.out, " %s%s |", pad, cell)
			}
		}
		fmt.Fprintln(r.out)
		if i == 0 {
			for j, w := range widths {
				if j == 0 {
					fmt.Fprintf(r.out, "| %s |", strings.Repeat("-", w))
				} else {
					fmt.Fprintf(r.out, " %s: |", strings.Repeat("-", max(w-1, 1)))
				}
			}
			fmt.Fprintln(r.out)
		}
	}
	for _, n := range t.Notes {
		fmt.Fprintf(r.out, "\n%s\n", n)
	}
}

// quantile is the value below which that share of all lies.
func quantile(all []float64, share float64) float64 {
	if len(all) == 0 {
		return none
	}
	all = slices.Sorted(slices.Values(all))
	return all[min(len(all)-1, int(share*float64(len(all))))]
}

func median(all []float64) float64 { return quantile(all, 0.5) }
