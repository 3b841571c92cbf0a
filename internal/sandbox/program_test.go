package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// testProgram is another program, as these tests have one: it does what its arguments say.
func testProgram(args []string) {
	switch args[0] {
	case "say":
		fmt.Print(strings.Join(args[1:], " "), os.Environ())
		os.Exit(3)
	case "flood":
		for {
			if _, err := os.Stdout.WriteString(strings.Repeat("x", 1<<16)); err != nil {
				os.Exit(1)
			}
			if len(args) > 1 {
				os.Exit(0)
			}
		}
	case "try":
		report := func(what string, err error) { fmt.Println(what, err == nil) }
		_, err := os.ReadFile(args[1])
		report("read", err)
		_, err = os.ReadFile(args[2])
		report("read other", err)
		report("write", os.WriteFile(filepath.Join(args[3], "new"), nil, 0o600))
		report("write there", os.WriteFile(filepath.Join(filepath.Dir(args[1]), "new"), nil, 0o600))
		_, err = net.Listen("tcp", "127.0.0.1:0")
		report("listen", err)
		report("start", exec.Command("/bin/true").Run())
	case "memory":
		all := []byte{1}
		for {
			all = append(all, all...)
		}
	case "forever":
		fmt.Println(os.Getpid())
		time.Sleep(time.Hour)
	}
	os.Exit(0)
}

func program(args ...string) Program {
	name, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return Program{Path: name, Args: append([]string{"program"}, args...), Env: []string{"A=b"}, Dir: os.TempDir(), Memory: 512 << 20, MaxOutput: 1 << 10}
}

func TestProgramSays(t *testing.T) {
	out, err := program("say", "hello").Run(t.Context())
	if err != nil || string(out.Text) != "hello[A=b]" || out.Code != 3 || out.Cut {
		t.Errorf("%q %d %v %v", out.Text, out.Code, out.Cut, err)
	}
	if out, err = program("flood", "once").Run(t.Context()); err != nil || len(out.Text) != 1<<10 || !out.Cut {
		t.Errorf("%d bytes, cut %v: %v", len(out.Text), out.Cut, err)
	}
	missing := program()
	missing.Path = "/nonexistent"
	if _, err := missing.Run(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
}

// Where the kernel can refuse it, a program has the files that it was given and nothing else.
func TestProgramIsConfined(t *testing.T) {
	files, network := Confined()
	t.Log("files: ", files, ", network: ", network)
	mine, other, out := t.TempDir(), t.TempDir(), t.TempDir()
	for _, dir := range []string{mine, other} {
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := program("try", filepath.Join(mine, "f"), filepath.Join(other, "f"), out)
	p.Dir, p.Read, p.Write = mine, []string{mine}, []string{out}
	got, err := p.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("read true\nread other %v\nwrite true\nwrite there %v\nlisten %v\nstart %v\n", !files, !files, !network, !files)
	if string(got.Text) != want {
		t.Errorf("%s", got.Text)
	}
	if _, err := os.ReadDir("/"); err != nil {
		t.Error("this process is confined as well: ", err)
	}
}

func TestProgramEndings(t *testing.T) {
	crash := func(ctx context.Context, args ...string) Reason {
		t.Helper()
		_, err := program(args...).Run(ctx)
		c, ok := errors.AsType[*Crash](err)
		if !ok {
			t.Errorf("%s: %v", args, err)
			return ""
		}
		return c.Reason
	}
	if runtime.GOOS == "linux" && !raceEnabled {
		if r := crash(t.Context(), "memory"); r != OutOfMemory {
			t.Error("memory: ", r)
		}
	}
	soon, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if r := crash(soon, "forever"); r != OutOfTime {
		t.Error("forever: ", r)
	}
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	go cancel(gone)
	if _, err := program("flood").Run(ctx); err != gone {
		t.Error(err)
	}
}
