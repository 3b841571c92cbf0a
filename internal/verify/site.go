package verify

import (
	"container/list"
	"path"
	"sync"
)

// Bounds on the files of packages that a site serves by their address.
const (
	maxPackaged      = 2_000
	maxPackagedBytes = 64 << 20
)

// addPackages adds what a site takes from packages: the vendor, and files by their address. What cannot be read is not there.
func (s *Site) addPackages(p Packages, v *vendor) {
	if v != nil {
		for name, body := range v.files {
			s.add(path.Join(bundleDir, vendorDir, name), Asset{Type: contentType(name), Body: body})
		}
	}
	total := 0
	for _, file := range s.packaged[:min(len(s.packaged), maxPackaged)] {
		place, name := splitModulePath(file)
		if clean, ok := packagePath(name); !ok || clean != name || !isInModules(place) {
			continue
		}
		b, err := p.Read(place, name)
		if total += len(b); err != nil || total > maxPackagedBytes {
			continue
		}
		s.add(path.Join(bundleDir, file), Asset{Type: contentType(name), Body: string(b)})
	}
	s.packaged = nil
}

func (s *Site) add(p string, a Asset) {
	s.Size += len(a.Body) - len(s.assets[p].Body)
	s.assets[p] = a
}

// maxVendors bounds the vendors that are kept, in bytes.
const maxVendors = 128 << 20

// vendorCache keeps the vendors that were used last. Its zero value is empty.
type vendorCache struct {
	mu    sync.Mutex
	bytes int
	order list.List // of *cachedVendor, the last used in front
	byKey map[string]*list.Element
}

type cachedVendor struct {
	key    string
	vendor *vendor
	bytes  int
}

func (c *vendorCache) get(key string) *vendor {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*cachedVendor).vendor
}

func (c *vendorCache) put(key string, v *vendor) {
	if key == "" {
		return
	}
	n := 1 << 10
	for name, text := range v.files {
		n += len(name) + len(text)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey == nil {
		c.byKey = map[string]*list.Element{}
	}
	if c.byKey[key] != nil {
		return
	}
	c.byKey[key] = c.order.PushFront(&cachedVendor{key, v, n})
	for c.bytes += n; c.bytes > maxVendors; {
		old := c.order.Remove(c.order.Back()).(*cachedVendor)
		delete(c.byKey, old.key)
		c.bytes -= old.bytes
	}
}
