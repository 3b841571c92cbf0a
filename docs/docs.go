// Package docs holds the pages of this folder, for the guide that the program serves.
package docs

import "embed"

// Pages are the pages, as they are written.
//
//go:embed *.md
var Pages embed.FS
