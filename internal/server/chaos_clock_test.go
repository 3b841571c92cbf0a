//go:build unix

package server

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// clockOff is the variable by which a process of the binary below has a clock of its own: by so many seconds another one than
// everybody's, or, with a slash behind, one that goes faster or slower by so many seconds in a thousand.
const clockOff = "CODEFORGE_TEST_CLOCK"

// binaryWithClock is the program with a time.Now that can be off. Timers and what a process measures go by the right clock, as they do
// on a machine whose wall clock is wrong.
var binaryWithClock = sync.OnceValues(func() (string, error) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	original := filepath.Join(strings.TrimSpace(string(goroot)), "src/time/time.go")
	text, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	const now = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	before, after, ok := strings.Cut(string(text), now)
	if !ok {
		return "", errClock
	}
	changed := strings.Replace(before, "import (", "import (\n\t\"syscall\"", 1) + now + "\tsec, nsec = clockOff(sec, nsec, mono)\n" + after + clockSource
	return overlaid("clock", map[string]string{original: changed})
})

type clockError string

func (e clockError) Error() string { return string(e) }

const errClock = clockError("time.Now is written in another way than in Go 1.26: chaos_clock_test.go has to follow it")

// clockSource is appended to package time, which has few others to stand on.
const clockSource = `
var offSeconds, offRate = clockSettings()

func clockSettings() (seconds, rate int64) {
	value, _ := syscall.Getenv("` + clockOff + `")
	sign := int64(1)
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case c == '-':
			sign = -1
		case c == '/':
			return 0, sign * seconds
		case c >= '0' && c <= '9':
			seconds = seconds*10 + int64(c-'0')
		}
	}
	return sign * seconds, 0
}

func clockOff(sec int64, nsec int32, mono int64) (int64, int32) {
	if offSeconds == 0 && offRate == 0 || mono == 0 {
		return sec, nsec
	}
	total := int64(nsec) + (mono-startNano)/1000*offRate
	sec += offSeconds + total/1_000_000_000
	if total %= 1_000_000_000; total < 0 {
		total += 1_000_000_000
		sec--
	}
	return sec, int32(total)
}
`

// overlaid builds the program with other texts in place of some source files.
func overlaid(name string, files map[string]string) (path string, err error) {
	dir, err := os.MkdirTemp("", "overlay")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	replace := map[string]string{}
	for original, text := range files {
		other := filepath.Join(dir, filepath.Base(original))
		if err := os.WriteFile(other, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[original] = other
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, b, 0o600); err != nil {
		return "", err
	}
	plain, err := binary()
	if err != nil {
		return "", err
	}
	path = filepath.Join(filepath.Dir(plain), name)
	return path, build("-overlay", overlay, "-o", path)
}
