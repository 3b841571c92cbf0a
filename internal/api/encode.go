package api

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"codeforge"
)

// The append functions below write what is sent all the time, or a thousand times in one answer, without reflection.
// A test holds them against encoding/json.

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON text. Bytes that are no UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		n := plain(s, i)
		b = append(b, s[i:n]...)
		if i = n; i == len(s) {
			break
		}
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(b, "\ufffd"...)
			} else {
				b = append(b, s[i:i+size]...)
			}
			i += size
			continue
		}
		i++
	}
	return append(b, '"')
}

func appendKey(b []byte, key string) []byte {
	if c := b[len(b)-1]; c != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, key...)
	return append(b, '"', ':')
}

func appendText(b []byte, key, s string) []byte { return appendString(appendKey(b, key), s) }

func appendInt(b []byte, key string, n int64) []byte {
	return strconv.AppendInt(appendKey(b, key), n, 10)
}

func appendRaw(b []byte, key string, raw json.RawMessage) []byte {
	b = appendKey(b, key)
	if len(raw) == 0 {
		return append(b, "null"...)
	}
	return append(b, raw...)
}

func appendTime(b []byte, key string, t time.Time) []byte {
	b = append(appendKey(b, key), '"')
	b = t.AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

func appendTimeOrNull(b []byte, key string, t *time.Time) []byte {
	if t == nil {
		return append(appendKey(b, key), "null"...)
	}
	return appendTime(b, key, *t)
}

func appendProject(b []byte, p *codeforge.Project) []byte {
	b = append(b, '{')
	b = appendText(b, "id", p.ID)
	b = appendText(b, "user_id", p.UserID)
	b = appendText(b, "title", p.Title)
	b = appendText(b, "description", p.Description)
	b = appendText(b, "mode", string(p.Mode))
	b = appendText(b, "status", string(p.Status))
	b = appendRaw(b, "requirements_spec", p.Requirements)
	b = appendRaw(b, "architecture_spec", p.Architecture)
	b = appendKey(b, "tech_stack")
	if p.TechStack == nil {
		b = append(b, "null"...)
	} else {
		b = append(b, '[')
		for i, t := range p.TechStack {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, t)
		}
		b = append(b, ']')
	}
	b = appendInt(b, "revision", p.Revision)
	b = appendTime(b, "created_at", p.CreatedAt)
	b = appendTime(b, "updated_at", p.UpdatedAt)
	return append(b, '}')
}

func appendFile(b []byte, f *codeforge.File, content bool) []byte {
	b = append(b, '{')
	b = appendText(b, "id", f.ID)
	b = appendText(b, "project_id", f.ProjectID)
	b = appendText(b, "path", f.Path)
	if content {
		b = appendText(b, "content", f.Content)
	}
	b = appendText(b, "language", f.Language)
	b = appendInt(b, "version", f.Version)
	b = appendInt(b, "size", f.Size)
	b = appendInt(b, "revision", f.Revision)
	b = appendTime(b, "created_at", f.CreatedAt)
	b = appendTime(b, "updated_at", f.UpdatedAt)
	return append(b, '}')
}

func appendJob(b []byte, j *codeforge.Job) []byte {
	b = append(b, '{')
	b = appendText(b, "job_id", j.ID)
	b = appendText(b, "project_id", j.ProjectID)
	b = appendText(b, "user_id", j.UserID)
	b = appendText(b, "agent_type", string(j.Agent))
	b = appendText(b, "status", string(j.Status))
	b = strconv.AppendFloat(appendKey(b, "progress"), j.Progress, 'f', -1, 64)
	b = appendRaw(b, "input_context", j.Input)
	b = appendRaw(b, "result", j.Result)
	b = appendKey(b, "error")
	if j.Error == "" {
		b = append(b, "null"...)
	} else {
		b = appendString(b, j.Error)
	}
	b = appendRaw(b, "clarification_data", j.Clarification)
	b = appendKey(b, "revision")
	if j.Revision == 0 {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, j.Revision, 10)
	}
	b = appendTime(b, "created_at", j.CreatedAt)
	b = appendTime(b, "updated_at", j.UpdatedAt)
	b = appendTimeOrNull(b, "started_at", j.StartedAt)
	b = appendTimeOrNull(b, "completed_at", j.CompletedAt)
	return append(b, '}')
}

func appendBool(b []byte, key string, v bool) []byte { return strconv.AppendBool(appendKey(b, key), v) }
