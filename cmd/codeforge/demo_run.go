package main

import (
	"context"
	"slices"
	"strings"

	"codeforge"
	"codeforge/internal/client"
)

// runInBrowser has what was made used in a browser, where the server has one, and shows what came of it.
func runInBrowser(ctx context.Context, c client.Client, projectID string, s *screen) error {
	var check struct {
		Evidence []struct {
			Name, Status, Reason, Tool, Version string
			DurationMS                          int64 `json:"duration_ms"`
		}
		Diagnostics []struct{ Rung, Severity, Message, File, Page, Control string }
	}
	if err := c.Call(ctx, "GET", "/v1/projects/"+projectID+"/check?run=true", nil, &check); err != nil {
		return err
	}
	for _, rung := range check.Evidence {
		if rung.Name != string(codeforge.RungRun) {
			continue
		}
		switch rung.Status {
		case string(codeforge.RungNotChecked):
			s.line("Run       not checked: %s", rung.Reason)
		default:
			s.line("Run       %s in %s %s: every page opened, on a desk and on a phone, and its controls used, in %.1f s", rung.Status, rung.Tool, rung.Version, float64(rung.DurationMS)/1000)
			if rung.Reason != "" {
				s.line("          %s", rung.Reason)
			}
		}
	}
	const most = 10
	shown := 0
	for _, d := range check.Diagnostics {
		if d.Rung != string(codeforge.RungRun) {
			continue
		}
		if shown++; shown <= most {
			s.line("          %s: %s", d.Severity, strings.Join(slices.DeleteFunc([]string{d.Page, d.Control, d.Message}, func(w string) bool { return w == "" }), ": "))
		}
	}
	if shown > most {
		s.line("          and %d more", shown-most)
	}
	return nil
}
