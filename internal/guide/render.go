package guide

import (
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/util"
)

// shortCode is how many bytes of code in a line are not broken.
const shortCode = 20

// boxes puts each table and block into a box of its own that scrolls, so that a wide one does not widen the page; with the keyboard
// too. Short code in a line is kept together: names of flags break at their hyphens.
type boxes struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (boxes) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(extast.KindTable, func(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
		tags := "</table></div>\n"
		if entering {
			tags = `<div class="table" role="region" aria-label="Table" tabindex="0"><table>` + "\n"
		}
		_, err := w.WriteString(tags)
		return ast.WalkContinue, err
	})
	r.Register(ast.KindFencedCodeBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		_, _ = w.WriteString(`<pre tabindex="0"><code>`) // the writer keeps its error until it is flushed
		for i := range n.Lines().Len() {
			line := n.Lines().At(i)
			_, _ = w.Write(util.EscapeHTML(line.Value(source)))
		}
		_, err := w.WriteString("</code></pre>\n")
		return ast.WalkSkipChildren, err
	})
	r.Register(ast.KindCodeSpan, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		text, class := words(n, source), ""
		if len(text) <= shortCode {
			class = ` class="short"`
		}
		_, err := w.WriteString("<code" + class + ">" + string(util.EscapeHTML([]byte(text))) + "</code>")
		return ast.WalkSkipChildren, err
	})
}
