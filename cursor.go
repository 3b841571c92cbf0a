package codeforge

import (
	"math"
	"strconv"
)

// Cursors of lists that are read page by page name the row at which a page ended, by its number in its store. To those who get them they
// are opaque.

// cursorBase is what numbers are written in.
const cursorBase = 36

// Cursor is the place of a row; 0 is no row, and none.
func Cursor(row int64) string {
	if row == 0 {
		return ""
	}
	return strconv.FormatInt(row, cursorBase)
}

// ParseCursor reads a cursor; none is the given row.
func ParseCursor(cursor string, none int64) (row int64, err error) {
	if cursor == "" {
		return none, nil
	}
	row, err = strconv.ParseInt(cursor, cursorBase, 64)
	if err != nil || row <= 0 || row == math.MaxInt64 {
		return 0, InvalidField("cursor", "must be the next_cursor of a page of this list")
	}
	return row, nil
}
