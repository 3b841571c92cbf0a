package restest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// query is a request on its way to SQL.
type query struct {
	cache   *schema
	r       *http.Request
	rows    int
	version int

	sql, count string
	args       []any
	reads      bool // may change nothing
	status     int
	offset     int
	table      bool // answers with rows of a table
	whole      bool // answers with what was changed
	empty      bool // of no content
	one        bool // of one row, and an error when there are more or none
	undoes     bool // which undoes what was done

	text     string
	n, total int
	merged   int // of n: put over rows that were there
}

// merged counts the rows of an insertion that were put over others, as PostgREST does.
const merged = "coalesce(nullif(current_setting('restest.merged', true), ''), '0')::int"

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// bind adds a value and returns its place.
func (q *query) bind(v any) string {
	q.args = append(q.args, v)
	return "$" + strconv.Itoa(len(q.args))
}

func (q *query) prefers(what string) bool {
	for _, h := range q.r.Header.Values("Prefer") {
		for p := range strings.SplitSeq(h, ",") {
			if strings.TrimSpace(p) == what {
				return true
			}
		}
	}
	return false
}

func bad(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "PGRST100", fmt.Sprintf(format, args...))
}

func (q *query) plan() error {
	name := strings.TrimPrefix(q.r.URL.Path, "/rest/v1/")
	values, err := url.ParseQuery(q.r.URL.RawQuery)
	if err != nil {
		return bad("%v", err)
	}
	if f, ok := strings.CutPrefix(name, "rpc/"); ok {
		return q.planCall(f, values)
	}
	columns, ok := q.cache.tables[name]
	if !ok {
		if q.version < 13 {
			return refuse(http.StatusNotFound, "42P01", fmt.Sprintf("relation \"public.%s\" does not exist", name))
		}
		return missing("PGRST205", "table", name)
	}
	return q.planTable(name, columns, values)
}

// returning is the list of columns of a select parameter.
func returning(values url.Values) (string, error) {
	all := values.Get("select")
	if all == "" || all == "*" {
		return "*", nil
	}
	var out []string
	for item := range strings.SplitSeq(all, ",") {
		if strings.ContainsAny(item, "()!>") || strings.Contains(item, "::") {
			return "", bad("the stand-in knows no %q in select", item)
		}
		alias, column, renamed := strings.Cut(item, ":")
		if !renamed {
			column = alias
		}
		out = append(out, quote(column)+" as "+quote(alias))
	}
	return strings.Join(out, ", "), nil
}

var operators = map[string]string{"eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "like": "like", "ilike": "ilike"}

// where is the condition of all parameters that are filters.
func (q *query) where(values url.Values) (string, error) {
	out := []string{"true"}
	for _, column := range slices.Sorted(maps.Keys(values)) {
		switch column {
		case "select", "order", "limit", "offset", "on_conflict", "columns":
			continue
		case "and", "or", "not.and", "not.or":
			return "", bad("the stand-in knows no %q", column)
		}
		for _, condition := range values[column] {
			not := ""
			if rest, negated := strings.CutPrefix(condition, "not."); negated {
				not, condition = "not ", rest
			}
			op, value, ok := strings.Cut(condition, ".")
			if !ok {
				return "", bad("failed to parse filter (%s)", condition)
			}
			var text string
			switch {
			case operators[op] != "":
				if strings.HasSuffix(op, "like") {
					value = strings.ReplaceAll(value, "*", "%")
				}
				text = quote(column) + " " + operators[op] + " " + q.bind(value)
			case op == "is" && slices.Contains([]string{"null", "true", "false", "unknown"}, strings.ToLower(value)):
				text = quote(column) + " is " + value
			case op == "in":
				list, err := elements(value)
				if err != nil {
					return "", err
				}
				var places []string
				for _, v := range list {
					places = append(places, q.bind(v))
				}
				text = "false"
				if len(places) > 0 {
					text = quote(column) + " in (" + strings.Join(places, ", ") + ")"
				}
			default:
				return "", bad("failed to parse filter (%s)", condition)
			}
			out = append(out, not+"("+text+")")
		}
	}
	return strings.Join(out, " and "), nil
}

// elements reads the list of an in filter: (a,"b,c").
func elements(s string) (out []string, err error) {
	if !strings.HasPrefix(s, "(") || !strings.HasSuffix(s, ")") {
		return nil, bad("failed to parse list %s", s)
	}
	s = s[1 : len(s)-1]
	for len(s) > 0 {
		var v strings.Builder
		if s[0] == '"' {
			i := 1
			for ; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' && i+1 < len(s) {
					i++
				}
				v.WriteByte(s[i])
			}
			if i >= len(s) {
				return nil, bad("a quote is open in %s", s)
			}
			s = s[i+1:]
		} else {
			end := strings.IndexByte(s, ',')
			if end < 0 {
				end = len(s)
			}
			v.WriteString(s[:end])
			s = s[end:]
		}
		out = append(out, v.String())
		if s = strings.TrimPrefix(s, ","); s == "" {
			break
		}
	}
	return out, nil
}

func order(values url.Values) (string, error) {
	if values.Get("order") == "" {
		return "", nil
	}
	var out []string
	for item := range strings.SplitSeq(values.Get("order"), ",") {
		parts := strings.Split(item, ".")
		var text strings.Builder
		text.WriteString(quote(parts[0]))
		for _, p := range parts[1:] {
			switch p {
			case "asc", "desc":
				text.WriteString(" " + p)
			case "nullsfirst":
				text.WriteString(" nulls first")
			case "nullslast":
				text.WriteString(" nulls last")
			default:
				return "", bad("failed to parse order (%s)", item)
			}
		}
		out = append(out, text.String())
	}
	return " order by " + strings.Join(out, ", "), nil
}

// window reads Range, limit and offset; the cap on rows has the last word.
func (q *query) window(values url.Values) (limit int, err error) {
	limit = q.rows
	if from, to, ok := strings.Cut(q.r.Header.Get("Range"), "-"); ok {
		if q.offset, err = strconv.Atoi(from); err != nil {
			return 0, bad("Range: %v", err)
		}
		if to != "" {
			n, err := strconv.Atoi(to)
			if err != nil || n < q.offset {
				return 0, refuse(http.StatusRequestedRangeNotSatisfiable, "PGRST103", "Requested range not satisfiable")
			}
			limit = min(limit, n-q.offset+1)
		}
	}
	for name, into := range map[string]*int{"limit": &limit, "offset": &q.offset} {
		if !values.Has(name) {
			continue
		}
		n, err := strconv.Atoi(values.Get(name))
		if err != nil || n < 0 {
			return 0, refuse(http.StatusRequestedRangeNotSatisfiable, "PGRST103", "Requested range not satisfiable")
		}
		if *into = n; name == "limit" {
			limit = min(n, q.rows)
		}
	}
	return limit, nil
}

func (q *query) planTable(table string, columns map[string]string, values url.Values) error {
	from := "public." + quote(table)
	list, err := returning(values)
	if err != nil {
		return err
	}
	condition, err := q.where(values)
	if err != nil {
		return err
	}
	q.status, q.table, q.whole = http.StatusOK, true, q.prefers("return=representation")
	wrap := func(change string) {
		if q.whole {
			q.sql = "with changed as (" + change + " returning " + list + ") select coalesce(json_agg(changed), '[]')::text, count(*) from changed"
			return
		}
		q.empty = true
		q.sql = "with changed as (" + change + " returning 1) select '', count(*) from changed"
	}
	switch q.r.Method {
	case http.MethodGet:
		limit, err := q.window(values)
		if err != nil {
			return err
		}
		sorted, err := order(values)
		if err != nil {
			return err
		}
		q.reads, q.whole = true, true
		q.sql = "select coalesce(json_agg(t), '[]')::text, count(*) from (select " + list + " from " + from + " where " + condition + sorted +
			" limit " + strconv.Itoa(limit) + " offset " + strconv.Itoa(q.offset) + ") t"
		if q.prefers("count=exact") {
			q.count = "select count(*) from " + from + " where " + condition
		}
	case http.MethodPost:
		body, names, err := q.body(columns)
		if err != nil {
			return err
		}
		q.status = http.StatusCreated
		insert := "insert into " + from + " (" + namesOf(names) + ") select " + namesOf(names) + " from json_to_recordset(" + q.bind(body) + "::json) as _ (" + typesOf(names, columns) + ")"
		if target := values.Get("on_conflict"); target != "" {
			var sets []string
			for _, n := range names {
				sets = append(sets, quote(n)+" = excluded."+quote(n))
			}
			switch {
			case q.prefers("resolution=merge-duplicates"):
				insert += " on conflict (" + namesOf(strings.Split(target, ",")) + ") do update set " + strings.Join(sets, ", ") +
					" where set_config('restest.merged', (" + merged + " + 1)::text, true) <> ''"
			case q.prefers("resolution=ignore-duplicates"):
				insert += " on conflict (" + namesOf(strings.Split(target, ",")) + ") do nothing"
			}
		}
		wrap(insert)
		q.sql = strings.Replace(q.sql, ", count(*) from changed", ", count(*), "+merged+" from changed", 1)
	case http.MethodPatch:
		body, names, err := q.body(columns)
		if err != nil {
			return err
		}
		var sets []string
		for _, n := range names {
			sets = append(sets, quote(n)+" = (select _."+quote(n)+" from body, json_to_recordset(body.j) as _ ("+typesOf(names, columns)+"))")
		}
		wrap("update " + from + " set " + strings.Join(sets, ", ") + " where " + condition)
		q.sql = strings.Replace(q.sql, "with ", "with body as (select "+q.bind(body)+"::json as j), ", 1)
	case http.MethodDelete:
		wrap("delete from " + from + " where " + condition)
	default:
		return refuse(http.StatusMethodNotAllowed, "PGRST117", "Unsupported HTTP method: "+q.r.Method)
	}
	if q.empty && q.status == http.StatusOK {
		q.status = http.StatusNoContent
	}
	q.one = q.whole && strings.Contains(q.r.Header.Get("Accept"), "vnd.pgrst.object")
	q.undoes = q.one && !q.reads
	return nil
}

func namesOf(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, quote(n))
	}
	return strings.Join(out, ", ")
}

func typesOf(names []string, types map[string]string) string {
	var out []string
	for _, n := range names {
		out = append(out, quote(n)+" "+types[n])
	}
	return strings.Join(out, ", ")
}

// body reads an object or a list of objects with the same keys, and returns it as a list.
func (q *query) body(columns map[string]string) (body string, names []string, err error) {
	raw, err := io.ReadAll(q.r.Body)
	if err != nil {
		return "", nil, err
	}
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '{' {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	var rows []map[string]json.RawMessage
	if json.Unmarshal(raw, &rows) != nil || len(rows) == 0 {
		return "", nil, refuse(http.StatusBadRequest, "PGRST102", "Empty or invalid json")
	}
	names = slices.Sorted(maps.Keys(rows[0]))
	for _, r := range rows {
		if !slices.Equal(slices.Sorted(maps.Keys(r)), names) {
			return "", nil, refuse(http.StatusBadRequest, "PGRST102", "All object keys must match")
		}
	}
	for _, n := range names {
		if columns[n] == "" {
			return "", nil, refuse(http.StatusBadRequest, "PGRST204", fmt.Sprintf("Could not find the '%s' column in the schema cache", n))
		}
	}
	return string(raw), names, nil
}

func (q *query) planCall(name string, values url.Values) error {
	if len(values) > 0 {
		return bad("the stand-in knows no parameters of functions")
	}
	if q.r.Method != http.MethodPost {
		return refuse(http.StatusMethodNotAllowed, "PGRST101", "Only POST is known here")
	}
	raw, err := io.ReadAll(q.r.Body)
	if err != nil {
		return err
	}
	given := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(raw)) > 0 && json.Unmarshal(raw, &given) != nil {
		return refuse(http.StatusBadRequest, "PGRST102", "Empty or invalid json")
	}
	names := slices.Sorted(maps.Keys(given))
	fits := func(f function) bool {
		for _, n := range names {
			if f.args[n] == "" {
				return false
			}
		}
		for _, n := range f.required {
			if given[n] == nil {
				return false
			}
		}
		return true
	}
	var found []function
	for _, f := range q.cache.functions[name] {
		if fits(f) {
			found = append(found, f)
		}
	}
	switch len(found) {
	case 0:
		return missing("PGRST202", "function", name+"("+strings.Join(names, ", ")+")")
	case 1:
	default:
		return refuse(http.StatusMultipleChoices, "PGRST203", "Could not choose the best candidate function")
	}
	f := found[0]
	q.reads, q.status = f.reads, http.StatusOK
	from, args := "", ""
	if len(names) > 0 {
		var list []string
		for _, n := range names {
			list = append(list, quote(n)+" := _."+quote(n))
		}
		args = strings.Join(list, ", ")
		from = "json_to_record(" + q.bind(string(raw)) + "::json) as _ (" + typesOf(names, f.args) + "), lateral "
	}
	call := "public." + quote(f.name) + "(" + args + ")"
	// Of a function that returns rows, so many are given and no more.
	switch {
	case f.empty:
		q.status, q.empty = http.StatusNoContent, true
		q.sql = "select '', count(*) from " + from + call + " f"
	case f.row && f.set:
		q.sql = "select coalesce(json_agg(t), '[]')::text, count(*) from (select f.* from " + from + call + " f limit " + strconv.Itoa(q.rows) + ") t"
	case f.row:
		q.sql = "select coalesce((json_agg(t) -> 0)::text, 'null'), count(*) from (select f.* from " + from + call + " f) t"
	case f.set:
		q.sql = "select coalesce(json_agg(t.v), '[]')::text, count(*) from (select f.v from " + from + call + " f (v) limit " + strconv.Itoa(q.rows) + ") t"
	default:
		q.sql = "select coalesce((json_agg(t.v) -> 0)::text, 'null'), count(*) from (select f.v from " + from + call + " f (v)) t"
	}
	return nil
}

// queue sends what was planned; answer words what came of it.
func (q *query) queue(b *pgx.Batch) {
	b.Queue(q.sql, q.args...).QueryRow(func(r pgx.Row) error {
		if q.table && q.r.Method == http.MethodPost {
			return r.Scan(&q.text, &q.n, &q.merged)
		}
		return r.Scan(&q.text, &q.n)
	})
	if q.count != "" {
		b.Queue(q.count, q.args...).QueryRow(func(r pgx.Row) error { return r.Scan(&q.total) })
	}
}

func (q *query) answer() (status int, header http.Header, body string, err error) {
	n, total, body, status := q.n, q.total, q.text, q.status
	all := "*"
	switch {
	case q.count != "":
		all = strconv.Itoa(total)
	case q.table && !q.reads && q.prefers("count=exact"):
		all = strconv.Itoa(n)
	}
	// Of what is inserted or deleted no window is given, and a function's answer is one too.
	window := "*"
	if inOrOut := q.table && (q.r.Method == http.MethodPost || q.r.Method == http.MethodDelete); n > 0 && !inOrOut {
		window = fmt.Sprintf("%d-%d", q.offset, q.offset+n-1)
	}
	header = http.Header{"Content-Range": {window + "/" + all}}
	if !q.table {
		return status, header, body, nil
	}
	if q.merged > 0 && q.merged == n { // nothing was created
		status = http.StatusOK
	}
	if q.count != "" {
		switch {
		case q.offset > total:
			details := fmt.Sprintf("An offset of %d was requested, but there are only %d rows.", q.offset, total)
			p := refuse(http.StatusRequestedRangeNotSatisfiable, "PGRST103", "Requested range not satisfiable")
			p.Details = &details
			return 0, header, "", p
		case n < total:
			status = http.StatusPartialContent
		}
	}
	if q.one {
		if n != 1 {
			details := fmt.Sprintf("The result contains %d rows", n)
			p := refuse(http.StatusNotAcceptable, "PGRST116", "Cannot coerce the result to a single JSON object")
			p.Details = &details
			return 0, header, "", p // and what was done is undone
		}
		var rows []json.RawMessage
		if err := json.Unmarshal([]byte(body), &rows); err != nil {
			return 0, nil, "", err
		}
		return status, header, string(rows[0]), nil
	}
	return status, header, body, nil
}
