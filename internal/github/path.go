package github

import "net/url"

// escapePath is a path as it stands in an address.
func escapePath(p string) string { return (&url.URL{Path: p}).EscapedPath() }
