// Package guide makes pages for a browser of the documents in docs. Nothing in them is loaded from elsewhere, and none has a script.
package guide

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/url"
	"strings"

	"codeforge/docs"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Root is the path of the first page; the others are below it.
const Root = "/docs/guide"

// Policy is what the pages may load: the style sheet and the icon beside them.
const Policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// index is the page that lists all others. It is the first one, and the navigation of all.
const index = "README.md"

//go:embed page.html guide.css icon.svg
var files embed.FS

var layout = template.Must(template.ParseFS(files, "page.html"))

// File is one answer of the guide.
type File struct {
	ContentType string
	Data        []byte
}

// page is a document, read.
type page struct {
	Name     string // of its file
	Title    string
	Path     string
	Body     template.HTML
	Sections []heading // of the second level
	doc      ast.Node
	source   []byte
}

// heading is a place in a page.
type heading struct{ ID, Title string }

// group is a part of the navigation.
type group struct {
	Title string
	Links []link
}

type link struct {
	Title, Path string
	Here        bool
}

// Files are the pages and what they load, by their paths. reference is where the reference of the API is read.
func Files(reference string) (map[string]File, error) {
	pages, err := read(docs.Pages)
	if err != nil {
		return nil, err
	}
	order := pages[index].navigation()
	all := map[string]File{}
	for _, p := range pages {
		var out bytes.Buffer
		if err := layout.Execute(&out, p.view(order, reference)); err != nil {
			return nil, err
		}
		all[p.Path] = File{"text/html; charset=utf-8", out.Bytes()}
	}
	for name, contentType := range map[string]string{"guide.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"} {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all[Root+"/"+name] = File{contentType, data}
	}
	return all, nil
}

// read reads the pages of a folder.
func read(folder fs.FS) (map[string]*page, error) {
	names, err := fs.Glob(folder, "*.md")
	if err != nil {
		return nil, err
	}
	pages := map[string]*page{}
	for _, name := range names {
		source, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		p := &page{Name: name, Path: address(name), source: source}
		p.doc = markdown.Parser().Parse(text.NewReader(source))
		for n := p.doc.FirstChild(); n != nil; {
			next := n.NextSibling()
			if h, ok := n.(*ast.Heading); ok {
				p.addHeading(h)
			}
			n = next
		}
		leadElsewhere(p.doc)
		var body bytes.Buffer
		if err := markdown.Renderer().Render(&body, source, p.doc); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p.Body = template.HTML(body.String()) // raw HTML of the source is left out by the renderer
		pages[name] = p
	}
	if pages[index] == nil {
		return nil, fmt.Errorf("%s, which lists the pages, is not there", index)
	}
	return pages, nil
}

// markdown is the dialect of the documents: CommonMark with tables.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignAttribute))), // the policy stops styles
	goldmark.WithParserOptions(parser.WithAutoHeadingID()),
	goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(boxes{}, 100))),
)

// address is the path of the page that a file becomes.
func address(name string) string {
	if name == index {
		return Root
	}
	return Root + "/" + strings.TrimSuffix(name, ".md")
}

func (p *page) addHeading(h *ast.Heading) {
	title := words(h, p.source)
	switch id, _ := h.AttributeString("id"); h.Level {
	case 1: // the layout shows it
		p.Title = title
		p.doc.RemoveChild(p.doc, h)
	case 2:
		id, _ := id.([]byte)
		p.Sections = append(p.Sections, heading{string(id), title})
	}
}

// words is the text in a node.
func words(n ast.Node, source []byte) string {
	var out strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the visitor makes no error
		if t, ok := n.(*ast.Text); ok && entering {
			out.Write(t.Segment.Value(source))
			if t.SoftLineBreak() {
				out.WriteByte(' ')
			}
		}
		return ast.WalkContinue, nil
	})
	return out.String()
}

// leadElsewhere turns the links between files, as they work in a repository, into those between pages.
func leadElsewhere(doc ast.Node) {
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		l, ok := n.(*ast.Link)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		u, err := url.Parse(string(l.Destination))
		switch {
		case err != nil:
		case u.Host != "":
			l.SetAttributeString("rel", []byte("noreferrer"))
		case strings.HasSuffix(u.Path, ".md"):
			u.Path = address(u.Path)
			l.Destination = []byte(u.String())
		}
		return ast.WalkContinue, nil
	})
}

// navigation is the list of pages: of each section of the index, the first link of each entry.
func (p *page) navigation() (all []group) {
	for n := p.doc.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level == 2 {
				all = append(all, group{Title: words(n, p.source)})
			}
		case *ast.List:
			if len(all) == 0 {
				continue
			}
			for item := n.FirstChild(); item != nil; item = item.NextSibling() {
				if l := firstLink(item); l != nil {
					last := &all[len(all)-1]
					last.Links = append(last.Links, link{Title: words(l, p.source), Path: string(l.Destination)})
				}
			}
		}
	}
	return all
}

func firstLink(n ast.Node) (found *ast.Link) {
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if l, ok := n.(*ast.Link); ok && entering {
			found = l
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	return found
}

// view is what the layout shows of a page.
func (p *page) view(order []group, reference string) any {
	v := struct {
		*page
		Groups        []group
		Before, After *link
		Root          string
		Reference     string
		ShowsSections bool
	}{page: p, Root: Root, Reference: reference, ShowsSections: len(p.Sections) > 2}
	var flat []link
	for _, g := range order {
		shown := group{Title: g.Title}
		for _, l := range g.Links {
			l.Here = l.Path == p.Path
			shown.Links = append(shown.Links, l)
		}
		v.Groups = append(v.Groups, shown)
		flat = append(flat, shown.Links...)
	}
	for i := range flat {
		if !flat[i].Here {
			continue
		}
		if i > 0 {
			v.Before = &flat[i-1]
		}
		if i+1 < len(flat) {
			v.After = &flat[i+1]
		}
	}
	return v
}
