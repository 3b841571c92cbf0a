package verify

import (
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/evanw/esbuild/pkg/api"

	"codeforge"
)

// tree is what resolves and loads: the files of a project and nothing else. Paths are relative, with slashes.
// The body of an inline script or style is a file of its own, at the page's path followed by inlineMark and a number.
type tree struct {
	files    map[string]string
	assets   map[string]Blob
	paths    []string        // sorted, without inlines
	folders  map[string]bool // that hold files
	stems    map[string]bool // paths of files without one or more endings
	inlines  map[string]inlineFile
	settings map[string]*settings // by folder
	packages map[string]string    // folders of the packages of the project, by name
	modules  *modules             // those from npm; nil: there are none
	off      Off                  // why there are none
	vendor   *vendor              // what the project imports of them, built
	wantList []want               // that it is built of
	reached  map[string]bool      // scripts of the program, whose imports of packages are in it
	wanted   map[string]int       // their places in it, by module
	lazy     map[string]int       // the same, of what is loaded later
	ignores  map[string]*ignoreFile
	roots    []string                     // folders whose files are also served from /
	bases    []string                     // what the project's tools put before its paths
	imports  patterns                     // from import maps
	defined  map[string]map[string]string // what Vite puts in the place of names, by folder of its configuration
	source   map[string]string            // contents as they are built, where they differ: computed imports renamed, globs listed
	compiled map[string]bool              // whose source a compiler made of another language
	loaders  map[string]api.Loader        // where a file turned out to be something else than its ending says

	jsxMu sync.Mutex
	jsx   map[string]string // what it means, by folder of a package.json

	maxMaps int  // bytes of source maps of one build
	inPlace bool // inline scripts are built with what is before them in their page as white space

	serverOnce sync.Once
	server     bool // a program serves the pages

	suggestOnce    sync.Once
	byBase, byStem map[string]string

	ignoreWork atomic.Int64 // that is left
	lookups    atomic.Int64 // of files by path: what resolution costs
}

// inlineFile is the body of a script or style of a page.
type inlineFile struct {
	loader       api.Loader
	line, column int // of its first character in the page, from 0
}

// inlineMark cannot be in a file's path, which holds no control characters.
const inlineMark = "\x1f"

// fileOf returns the file that a path of the tree lies in: the page, for an inline body.
func fileOf(p string) string {
	file, _, _ := strings.Cut(p, inlineMark)
	return file
}

func newTree(project Tree, d *diagnostics) *tree {
	t := &tree{files: make(map[string]string, len(project.Files)), assets: project.Assets, folders: map[string]bool{}, stems: map[string]bool{}, inlines: map[string]inlineFile{},
		ignores: map[string]*ignoreFile{}, source: map[string]string{}, loaders: map[string]api.Loader{}, compiled: map[string]bool{}}
	t.ignoreWork.Store(maxIgnoreWork)
	t.modules = newModules(project.Packages)
	t.off, _ = project.Packages.(Off)
	for p, content := range project.Files {
		if err := codeforge.CheckPath(p); err != nil {
			reason := "is not a safe relative path"
			if e, ok := err.(*codeforge.Error); ok {
				reason, _ = e.Details["reason"].(string)
			}
			d.add(p, 0, 0, SeverityError, "The path %s", reason)
			continue
		}
		if codeforge.IsBinaryName(p) && content != "" {
			d.add(p, 0, 0, SeverityWarning, "This name says picture, font, sound, film or archive, and the file holds text: programs will not be able to open it")
		}
		t.files[p] = strings.TrimPrefix(content, "\ufeff")
		t.paths = append(t.paths, p)
	}
	slices.Sort(t.paths)
	roots := map[string]bool{".": true}
	for p := range t.assets {
		t.addFolders(p)
	}
	for _, p := range t.paths {
		t.addFolders(p)
		dir, base := path.Split(p)
		for i := strings.LastIndexByte(base, '.'); i > 0; i = strings.LastIndexByte(base[:i], '.') {
			t.stems[dir+base[:i]] = true
		}
		switch dir = path.Dir(p); {
		case base == "package.json" || base == "index.html" || strings.HasPrefix(base, "vite.config."):
			roots[dir] = true
		case base == ".gitignore":
			t.ignores[dir] = readIgnore(dir, t.files[p])
		}
	}
	t.readSettings()
	t.readBases()
	for r := range roots {
		if r != "." && t.isOutput(r+"/index.html") {
			continue
		}
		for _, sub := range servedFrom {
			if q := path.Join(r, sub); t.folders[q] && !slices.Contains(t.roots, q) {
				t.roots = append(t.roots, q)
			}
		}
	}
	slices.SortFunc(t.roots, func(a, b string) int {
		if d := depth(a) - depth(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return t
}

// addFolders notes the folders that a file lies in.
func (t *tree) addFolders(p string) {
	for dir := range ancestors(path.Dir(p)) {
		if t.folders[dir] {
			return
		}
		t.folders[dir] = true
	}
}

func depth(dir string) int {
	if dir == "." {
		return 0
	}
	return 1 + strings.Count(dir, "/")
}

func within(p, dir string) bool { return dir == "." || p == dir || strings.HasPrefix(p, dir+"/") }

func isHTML(p string) bool {
	ext := strings.ToLower(path.Ext(p))
	return ext == ".html" || ext == ".htm"
}

// loaders are the endings that are parsed. Every other file is accepted as it is.
var loaders = map[string]api.Loader{
	".ts": api.LoaderTS, ".mts": api.LoaderTS, ".cts": api.LoaderTS, ".tsx": api.LoaderTSX,
	".js": api.LoaderJS, ".mjs": api.LoaderJS, ".cjs": api.LoaderJS, ".jsx": api.LoaderJSX,
	".css": api.LoaderCSS,
}

func (t *tree) loader(p string) api.Loader {
	if in, ok := t.inlines[p]; ok {
		return in.loader
	}
	if l, ok := t.loaders[p]; ok {
		return l
	}
	if strings.HasSuffix(p, ".module.css") {
		return api.LoaderLocalCSS
	}
	if isJSON(p) {
		return api.LoaderJSON
	}
	return loaders[strings.ToLower(path.Ext(p))]
}

func isScript(l api.Loader) bool {
	return l == api.LoaderTS || l == api.LoaderTSX || l == api.LoaderJS || l == api.LoaderJSX
}

func isStyle(l api.Loader) bool { return l == api.LoaderCSS || l == api.LoaderLocalCSS }

func isDeclaration(p string) bool {
	return strings.HasSuffix(p, ".d.ts") || strings.HasSuffix(p, ".d.mts") || strings.HasSuffix(p, ".d.cts")
}

// compiled are sources of languages that a browser build needs a compiler of their own for.
func compiled(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".vue", ".svelte", ".astro", ".scss", ".sass", ".less", ".styl", ".pcss", ".mdx", ".coffee", ".elm", ".marko", ".res", ".imba", ".pug", ".civet":
		return true
	}
	return false
}

// isUncompiled reports whether a file is in a language that no compiler was there for.
func (t *tree) isUncompiled(p string) bool { return compiled(p) && t.loader(p) == api.LoaderNone }

// isBinary reports whether a path names a kind of file that holds no text, which a project cannot store.
func isBinary(p string) bool {
	clean, _ := cutSuffix(p)
	switch strings.ToLower(path.Ext(clean)) {
	case ".png", ".jpg", ".jpeg", ".jfif", ".gif", ".webp", ".avif", ".ico", ".icns", ".bmp", ".tif", ".tiff", ".heic", ".cur",
		".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp3", ".wav", ".ogg", ".oga", ".ogv", ".m4a", ".flac", ".aac", ".opus", ".mp4", ".m4v", ".webm", ".mov", ".avi",
		".wasm", ".pdf", ".zip", ".gz", ".tgz", ".br", ".bin", ".dat", ".glb", ".hdr", ".exr", ".ktx2", ".basis", ".node", ".sqlite", ".db", ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx",
		".riv", ".apk", ".exe", ".dmg", ".onnx", ".tflite", ".psd", ".swf", ".mid", ".lottie", ".parquet", ".pbf", ".splat", ".ply", ".fbx":
		return true
	}
	return false
}

// isStored reports whether a path names a kind of file that a project would hold, so that its absence is a fault.
func isStored(p string) bool {
	ext := strings.ToLower(path.Ext(p))
	return ext == ".svg" || loaders[ext] != api.LoaderNone || isJSON(p) || isHTML(p)
}
