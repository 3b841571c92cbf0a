package server

import (
	"slices"

	"codeforge"
	"codeforge/console"
	"codeforge/internal/api"
)

// HasConsole reports whether browsers find the console.
func (c *Config) HasConsole() bool { return c.Console != "off" && c.Role != roleWorker }

// consoleSites is the console at /, unless there is none.
func (s *Server) consoleSites() []api.Site {
	if !s.cfg.HasConsole() {
		return nil
	}
	page := console.New(console.Options{Version: codeforge.Version, Users: s.users != nil, SupabaseURL: s.cfg.SupabaseURL, SupabaseKey: s.cfg.PublishableKey, PreviewDomain: s.cfg.PreviewDomain})
	return []api.Site{{Name: "console", Match: page.Match, Handler: page}}
}

// embedders are the origins whose pages may frame previews: those of web clients, and of the console at the public address.
func (c *Config) embedders() []string {
	origins := slices.Clone([]string(c.AllowedOrigins))
	if c.PublicURL != "" && c.HasConsole() {
		origins = append(origins, c.PublicURL)
	}
	return origins
}
