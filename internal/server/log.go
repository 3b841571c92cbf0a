package server

import (
	"io"
	"log/slog"
)

// newLog makes the JSON log: one object a line, with timestamp, level, logger, message and what the message names.
func newLog(cfg *Config, w io.Writer) (*slog.Logger, *slog.LevelVar) {
	level := &slog.LevelVar{}
	l, _ := cfg.level() // checked by Validate
	level.Set(l)
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 {
			switch a.Key {
			case slog.TimeKey:
				a.Key = "timestamp"
			case slog.MessageKey:
				a.Key = "message"
			}
		}
		return a
	}})).With("logger", "codeforge"), level
}
