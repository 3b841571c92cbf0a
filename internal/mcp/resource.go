package mcp

import (
	"context"
	"mime"
	"net/url"
	"path"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// fileURI begins the names of files: the project's id, a slash and the path follow.
const fileURI = "codeforge://projects/"

func uriOf(project, path string) string {
	return fileURI + project + "/" + (&url.URL{Path: path}).EscapedPath()
}

// readResource gives one file: text as text, all else as it is.
func (t tools) readResource(ctx context.Context, req *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
	uri := req.Params.URI
	rest, ok := strings.CutPrefix(uri, fileURI)
	project, name, cut := strings.Cut(rest, "/")
	name, err := url.PathUnescape(name)
	if !ok || !cut || name == "" || err != nil {
		return nil, mcp.ResourceNotFoundError(uri)
	}
	f, err := t.file(ctx, project, name)
	if err != nil {
		return nil, err
	}
	out := &mcp.ResourceContents{URI: uri, MIMEType: mime.TypeByExtension(path.Ext(f.Path)), Text: f.Content}
	if f.Binary != nil {
		out.Text, out.Blob = "", f.Binary
	} else if out.MIMEType == "" {
		out.MIMEType = "text/plain; charset=utf-8"
	}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{out}}, nil
}
