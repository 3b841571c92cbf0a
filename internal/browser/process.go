package browser

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Sandbox says what stands between a page and this machine, besides the proxy.
type Sandbox struct {
	Own     bool   // Chromium's own sandbox is on
	User    string // whom the browser runs as: a user id of its own, or "the server's user"
	Network bool   // the kernel gives the browser no network but the way to our proxy
}

func (s Sandbox) String() string {
	words := []string{"sandbox off"}
	if s.Own {
		words[0] = "sandbox on"
	}
	words = append(words, "run as "+s.User)
	if s.Network {
		words = append(words, "no network but the proxy")
	}
	return strings.Join(words, ", ")
}

// process is a browser that runs, with everything that it started: one profile, one group, one end.
type process struct {
	cmd     *exec.Cmd
	dir     string
	pipe    *pipe
	client  *client // once it answered
	output  tail
	sandbox Sandbox
	ended   chan struct{} // the program has ended; its children may still be there

	tree  tree                   // what it started, as far as this system tells
	spent atomic.Pointer[effort] // when it was last looked at; nil: it was not, or the system does not tell
	mu    sync.Mutex
	cause error // why it was ended by us, the first reason
}

// launch is what a process is started with.
type launch struct {
	program       Program
	temp          string // where profiles are made
	noSandbox     bool
	sharedNetwork bool
	memory        int64              // bytes of all processes together
	time          time.Duration      // of processor, of all processes together
	listen        func(net.Listener) // takes what the browser reaches as its proxy; nil: it reaches what this process does
}

const profilePrefix = "codeforge-browser-"

// start starts a browser that reaches one address: what it hands to o.listen. Stop ends it.
func start(ctx context.Context, o launch) (*process, error) {
	dir, err := os.MkdirTemp(o.temp, profilePrefix+strconv.Itoa(os.Getpid())+"-")
	if err != nil {
		return nil, fmt.Errorf("a profile for the browser: %w", err)
	}
	p := &process{dir: dir, ended: make(chan struct{})}
	if err := p.start(ctx, o); err != nil {
		p.removeProfile()
		return nil, err
	}
	return p, nil
}

func (p *process) start(ctx context.Context, o launch) error {
	if err := writeProfile(p.dir); err != nil {
		return fmt.Errorf("a profile for the browser: %w", err)
	}
	user, err := giveAway(p.dir)
	if err != nil {
		return err
	}
	p.tree.mark = []byte(p.dir)
	p.sandbox = Sandbox{Own: !o.noSandbox, User: user.name}
	childIn, out, err := os.Pipe()
	if err != nil {
		return err
	}
	defer childIn.Close()
	in, childOut, err := os.Pipe()
	if err != nil {
		out.Close()
		return err
	}
	defer childOut.Close()
	p.pipe = newPipe(in, out)

	p.cmd = exec.Command(o.program.Path)
	p.cmd.Dir = p.dir
	p.cmd.Env = environment(p.dir)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.WaitDelay = time.Second // for what still holds its output open
	p.cmd.Args = append(p.cmd.Args, arguments(p.dir, o.noSandbox)...)
	listening := func(l net.Listener) {
		p.cmd.Args = append(p.cmd.Args, proxied(l.Addr().String())...)
		o.listen(l)
	}
	if o.listen == nil {
		listening = nil
	}
	p.sandbox.Network, err = startApart(p.cmd, user, !o.sharedNetwork, childIn, childOut, listening)
	if err != nil {
		_ = p.pipe.Close()
		return fmt.Errorf("start %s: %w", o.program.Path, err)
	}
	limit(p.cmd.Process.Pid, o.memory)
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	go p.watch(ctx, o)
	return nil
}

// The tree of processes is measured so often, and less often where that would take more than a twentieth of the time, as on a machine of
// many processes. What one process takes between two looks the kernel bounds.
const (
	lookEvery   = 50 * time.Millisecond
	lookAtLeast = 500 * time.Millisecond
)

// errMemory and errProcessor are why a browser was ended.
var (
	errMemory    = errors.New("the page took more memory than a run may have")
	errProcessor = errors.New("the page took more processor time than a run may have")
)

// watch ends the browser when its processes together took more than they may, or when ctx ends.
func (p *process) watch(ctx context.Context, o launch) {
	next := time.NewTimer(lookEvery)
	defer next.Stop()
	for {
		select {
		case <-p.ended:
			return
		case <-ctx.Done():
			p.kill(context.Cause(ctx))
			return
		case <-next.C:
			began := time.Now()
			memory, spent := p.tree.measure(p.cmd.Process.Pid)
			if spent.used > 0 {
				p.spent.Store(&spent)
			}
			switch {
			case memory > o.memory:
				p.kill(errMemory)
			case spent.used > o.time:
				p.kill(errProcessor)
			}
			next.Reset(min(max(lookEvery, 20*time.Since(began)), lookAtLeast))
		}
	}
}

// effort is what a browser took of the processors, since it began.
type effort struct {
	used  time.Duration      // by all of it
	mains map[int]mainThread // by process, where the kernel counts them; what pages compute is computed there
}

// mainThread is for how long one ran, and for how long it was ready and had to wait for a processor.
type mainThread struct{ ran, waited time.Duration }

// since is for how long the main thread that was busiest since then computed, and for how long all of them had to wait; counted tells
// whether the kernel counts what they wait.
func (e effort) since(before effort) (computed, waited time.Duration, counted bool) {
	for pid, m := range e.mains {
		b := before.mains[pid]
		computed, waited, counted = max(computed, m.ran-b.ran), waited+m.waited-b.waited, counted || m.waited > 0
	}
	if len(e.mains) == 0 {
		return e.used - before.used, 0, false
	}
	return computed, waited, counted
}

// kill ends the browser for a reason that is told.
func (p *process) kill(cause error) {
	p.mu.Lock()
	if p.cause == nil {
		p.cause = cause
	}
	p.mu.Unlock()
	p.tree.kill(p.cmd.Process.Pid)
}

// whyEnded is why this side ended the browser; nil: it did not.
func (p *process) whyEnded() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cause
}

// stop ends the browser with all it started, and removes its profile.
func (p *process) stop() {
	p.kill(errors.New("the run has ended"))
	<-p.ended
	p.tree.reap(p.cmd.Process.Pid)
	_ = p.pipe.Close()
	p.removeProfile()
}

// removeProfile tries more than once: a process that is dying may still make a file.
func (p *process) removeProfile() {
	for range 10 {
		if os.RemoveAll(p.dir) == nil {
			return
		}
	}
}

// removeLeftProfiles removes profiles of servers that died.
func removeLeftProfiles(temp string) {
	dirs, _ := filepath.Glob(filepath.Join(temp, profilePrefix+"*-*"))
	for _, dir := range dirs {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), profilePrefix), "-")
		if pid, err := strconv.Atoi(owner); err == nil && !isAlive(pid) {
			_ = os.RemoveAll(dir)
		}
	}
}

// preferences of the profile, where Chromium has no flag.
const preferences = `{"webrtc":{"ip_handling_policy":"disable_non_proxied_udp","multiple_routes_enabled":false,"nonproxied_udp_enabled":false},` +
	`"net":{"network_prediction_options":2},"safebrowsing":{"enabled":false},"credentials_enable_service":false,"search":{"suggest_enabled":false},` +
	`"alternate_error_pages":{"enabled":false},"download":{"prompt_for_download":false},"profile":{"default_content_setting_values":{"notifications":2,"geolocation":2,"media_stream":2}}}`

func writeProfile(dir string) error {
	for _, d := range []string{"Default", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "Default", "Preferences"), []byte(preferences), 0o600)
}

// environment is all that a browser gets of this process's.
func environment(dir string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + filepath.Join(dir, "tmp"), "XDG_RUNTIME_DIR=" + dir, "XDG_CONFIG_HOME=" + dir, "XDG_CACHE_HOME=" + dir,
		"LANG=C.UTF-8", "TZ=UTC", "DBUS_SESSION_BUS_ADDRESS=disabled:", "DBUS_SYSTEM_BUS_ADDRESS=disabled:"}
}

// proxied has every request go to our proxy, those to this machine too, and no name looked up.
func proxied(proxy string) []string {
	return []string{"--proxy-server=http://" + proxy, "--proxy-bypass-list=<-loopback>", "--host-resolver-rules=MAP * ~NOTFOUND,EXCLUDE 127.0.0.1"}
}

// arguments start a browser that talks to nobody on its own, and that is as like itself from start to start as it can be.
func arguments(dir string, noSandbox bool) []string {
	a := []string{
		"--headless", "--remote-debugging-pipe", "--no-startup-window", "--user-data-dir=" + dir,
		"--disable-quic", "--force-webrtc-ip-handling-policy=disable_non_proxied_udp", "--webrtc-ip-handling-policy=disable_non_proxied_udp", "--dns-prefetch-disable", "--no-pings",
		// Nothing of its own accord.
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions", "--disable-component-extensions-with-background-pages",
		"--disable-domain-reliability", "--disable-client-side-phishing-detection", "--safebrowsing-disable-auto-update", "--disable-breakpad", "--disable-crash-reporter",
		"--metrics-recording-only", "--no-first-run", "--no-default-browser-check", "--no-service-autorun", "--password-store=basic", "--use-mock-keychain",
		"--disable-features=Translate,OptimizationHints,OptimizationGuideModelDownloading,MediaRouter,DialMediaRouteProvider,CertificateTransparencyComponentUpdater,AutofillServerCommunication," +
			"InterestFeedContentSuggestions,SpareRendererForSitePerProcess,NetworkTimeServiceQuerying,HttpsUpgrades,PrivateNetworkAccessPermissionPrompt",
		// Nothing of the machine.
		"--deny-permission-prompts", "--disable-print-preview", "--mute-audio", "--disable-dev-shm-usage", "--disable-gpu", "--enable-unsafe-swiftshader",
		// The same each time.
		"--lang=en-US", "--force-color-profile=srgb", "--font-render-hinting=none", "--hide-scrollbars", "--disable-renderer-backgrounding", "--disable-background-timer-throttling",
		"--disable-backgrounding-occluded-windows", "--disable-hang-monitor", "--js-flags=--random-seed=1,--max-old-space-size=768",
	}
	if noSandbox {
		a = append(a, "--no-sandbox")
	}
	return a
}

// whyNotStarted are words for a browser that did not answer.
func whyNotStarted(p *process, err error) string {
	said := p.output.String()
	switch {
	case errors.Is(err, errTime), errors.Is(p.whyEnded(), errTime):
		return "it did not start in time"
	case strings.Contains(said, "No usable sandbox"), strings.Contains(said, "Failed to move to new namespace"), strings.Contains(said, "sandbox"):
		return "its own sandbox does not work on this system, which needs user namespaces: allow them, or, where something else holds what pages may do, switch it off (BROWSER_SANDBOX=off)"
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	return fmt.Sprintf("it ended when it was started (%v): %s", err, tidy(lines[len(lines)-1]))
}
