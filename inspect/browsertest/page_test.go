// Package browsertest tests the page of package inspect in a browser: Chromium, without a
// window. It is a module of its own, so that the library does not depend on the packages
// that drive the browser.
//
// With go test -artifacts it keeps pictures of the page.
package browsertest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/inspect"
)

type none = struct{}

var (
	door coro.Mutex // locked all the time

	session = coro.Define("session", func(f *coro.Frame[[5]int64, none]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, time.Hour)
		}
		return f.Return(none{})
	})
	fetch = coro.Define("fetch page", func(f *coro.Frame[[30]int64, none]) coro.Step {
		if f.At() == 0 {
			return door.Lock(f, 1)
		}
		door.Unlock()
		return f.Return(none{})
	})
	crawl = coro.Define("crawl <host>", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, fetch, [30]int64{}, nil)
		}
		return f.Return(none{})
	})
	upload = coro.Define("upload", func(f *coro.Frame[[7000]int64, none]) coro.Step {
		if f.At() == 0 {
			return coro.Sleep(f, 1, time.Hour)
		}
		return f.Return(none{})
	})
	ticker = coro.Define("a ticker whose name is longer than most, as names of tasks sometimes are", func(f *coro.Frame[int, none]) coro.Step {
		return coro.Sleep(f, 0, time.Millisecond)
	})
	brief = coro.Define("brief", func(f *coro.Frame[[100]int64, none]) coro.Step { return f.Return(none{}) })
)

const (
	sessions = 40_000
	crawls   = 700
	uploads  = 60
	tickers  = 50
)

// site is a server with a busy pool and the page about it.
type site struct {
	*httptest.Server
	pool     *executor.Pool
	requests atomic.Int64 // number of requests for the page
}

func newSite(t *testing.T) *site {
	s := new(site)
	s.pool = executor.NewPool(executor.WithWorkers(4), executor.WithFrameProfile(), executor.WithErrorHandler(func(error) {}))
	t.Cleanup(func() { require.NoError(t, s.pool.Close()) })
	door.TryLock()
	for i := range sessions {
		require.NoError(t, coro.Go(s.pool, session, [5]int64{int64(i)}))
		if i%20 == 0 {
			require.NoError(t, coro.Go(s.pool, brief, [100]int64{}))
		}
	}
	for range crawls {
		require.NoError(t, coro.Go(s.pool, crawl, none{}))
	}
	for range uploads {
		require.NoError(t, coro.Go(s.pool, upload, [7000]int64{}))
	}
	for i := range tickers {
		require.NoError(t, coro.Go(s.pool, ticker, i))
	}
	page := inspect.New(inspect.WithExecutor("main <pool>", s.pool), inspect.WithExecutor("an idle loop", executor.NewLoop()))
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/framearena/", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			s.requests.Add(1)
		}
		page.ServeHTTP(w, r)
	})
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }) // browsers ask for it on documents that name no icon
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *site) page() string { return s.URL + "/debug/framearena/" }

// tab is a tab of a browser. It records requests, errors, and what is written to the
// console.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex // guards the fields below
	requests []string   // URLs
	faults   []string   // errors, and messages of the console
}

func openTab(t *testing.T) *tab {
	t.Helper()
	browser := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			browser = path
			break
		}
	}
	if browser == "" {
		require.Empty(t, os.Getenv("CI"), "CI has to install Chromium")
		t.Skip("no Chromium here: install the package chromium")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(browser), chromedp.WindowSize(1200, 900))
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox) // Chromium does not start with a sandbox as root
	}
	ctx, cancelBrowser := chromedp.NewExecAllocator(t.Context(), opts...)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(func() { cancelTab(); cancelBrowser() })
	b := &tab{t: t, ctx: ctx}
	require.NoError(t, chromedp.Listen(ctx, b.note))
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	return b
}

func (b *tab) note(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *runtime.EventConsoleAPICalled:
		b.faults = append(b.faults, fmt.Sprintf("the console was written to: %v", e.Args))
	case *runtime.EventExceptionThrown:
		b.faults = append(b.faults, e.ExceptionDetails.Text)
	case *log.EventEntryAdded:
		b.faults = append(b.faults, e.Entry.Text)
	}
}

// call runs a command of the browser's protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, command, params)
	require.NoError(b.t, err)
}

// do runs an action and returns its value.
func do[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	require.NoError(b.t, err)
	return value
}

func (b *tab) open(url string) {
	b.t.Helper()
	do(b, chromedp.Navigate(url))
}

// eval returns the value of an expression in the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	return do(b, chromedp.Evaluate[T](expression))
}

// click clicks the first element whose text begins with text.
func (b *tab) click(element, text string) {
	b.t.Helper()
	eval[chromedp.Void](b, fmt.Sprintf("[...document.querySelectorAll(%q)].find(e => e.innerText.startsWith(%q)).click()", element, text))
}

// until waits until an expression is true in the page. The page may change meanwhile.
func (b *tab) until(expression string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		is, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		return err == nil && is
	}, time.Minute, 10*time.Millisecond, expression)
}

// picture keeps a picture of the whole page.
func (b *tab) picture(name string) {
	png := do(b, chromedp.FullScreenshot(100))
	require.NoError(b.t, os.WriteFile(filepath.Join(b.t.ArtifactDir(), name+".png"), png, 0o600))
}

// mustBeClean requires that there were no faults, and no requests to other servers. A test
// calls it at its end.
func (b *tab) mustBeClean(s *site) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	require.Empty(b.t, b.faults)
	require.NotEmpty(b.t, b.requests)
	for _, r := range b.requests {
		u, err := url.Parse(r)
		require.NoError(b.t, err)
		if u.Scheme != "data" {
			require.Equal(b.t, s.Listener.Addr().String(), u.Host, "a request to elsewhere: %s", r)
		}
	}
}

func TestContents(t *testing.T) {
	s, b := newSite(t), openTab(t)
	b.open(s.page())
	text := eval[string](b, "document.body.innerText")
	for _, wanted := range []string{
		"main <pool>", "an idle loop", "crawl <host>", "fetch page", "Mutex.Lock", "Sleep",
		"40,000", "700", "No task is waiting.", "Map of slabs", "128 B", "64 KiB", "page_test.go:",
	} {
		require.Contains(t, text, wanted)
	}
	require.NotContains(t, text, "JavaScript")

	// The map shows each slab, in colours of the style sheet.
	slabs := 0
	for range s.pool.Arena().Slabs() {
		slabs++
	}
	require.Equal(t, slabs, eval[int](b, "document.querySelectorAll('.slab').length"))
	require.Equal(t, 7, eval[int](b, "new Set([...document.querySelectorAll('.legend rect')].map(r => getComputedStyle(r).fill)).size"))
	require.Contains(t, eval[string](b, "document.querySelector('.slab title').textContent"), "room for 16,384")
	require.True(t, eval[bool](b, "[...document.querySelectorAll('.slab')].every(s => s.getBoundingClientRect().width >= 40)"))

	// Numbers are aligned to the right.
	require.Equal(t, 1, eval[int](b, "new Set([...document.querySelectorAll('#kinds td:first-child')].map(c => Math.round(c.getBoundingClientRect().right) + getComputedStyle(c).textAlign + getComputedStyle(c).fontVariantNumeric)).size"))
	require.True(t, eval[bool](b, "document.querySelector('#kinds .fill').getBoundingClientRect().width > 50"))

	b.click("summary", "Chains")
	b.until("document.querySelector('.chains').innerText.includes('crawl <host>')")
	b.picture("contents")
	b.mustBeClean(s)
}

func TestLinks(t *testing.T) {
	s, b := newSite(t), openTab(t)
	b.open(s.page())
	b.click("a", "JSON")
	b.until("location.pathname.endsWith('/json') && JSON.parse(document.body.innerText).executors.length == 2")
	b.open(s.page())
	b.click("a", "10 s")
	b.until("location.search == '?refresh=10' && document.querySelector('[aria-current]').innerText == '10 s'")
	b.mustBeClean(s)
}

func TestRefresh(t *testing.T) {
	s, b := newSite(t), openTab(t)
	b.open(s.page() + "?refresh=1")
	b.click("summary", "Chains")
	eval[bool](b, "window.kept = true; window.before = document.querySelector('time').dateTime; true")
	for range 10 {
		require.NoError(t, coro.Go(s.pool, session, [5]int64{}))
	}
	b.until("document.querySelector('.cards').innerText.includes('41,520') && document.querySelector('time').dateTime > window.before")
	require.True(t, eval[bool](b, "window.kept"), "the page was not reloaded")
	require.True(t, eval[bool](b, "document.querySelector('details').open"), "open details stay open")
	require.Equal(t, 1, eval[int](b, "document.querySelectorAll('main').length"))
	require.Equal(t, "none", eval[string](b, "getComputedStyle(document.querySelector('.stale')).display"))
	b.mustBeClean(s)

	s.CloseClientConnections()
	s.Close()
	b.until("getComputedStyle(document.querySelector('.stale')).display != 'none'")
	require.Contains(t, eval[string](b, "document.body.innerText"), "40,010", "the last answer stays")
}

func TestWithoutJavaScript(t *testing.T) {
	s, b := newSite(t), openTab(t)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	b.open(s.page() + "?refresh=1")
	require.Contains(t, eval[string](b, "document.body.innerText"), "40,000")
	before := s.requests.Load()
	require.Eventually(t, func() bool { return s.requests.Load() > before+1 }, time.Minute, 10*time.Millisecond, "the browser reloads the page")
	b.mustBeClean(s)
}

// contrast is a JavaScript function: it returns the contrast ratio of WCAG 2 between an
// element's text and its background.
const contrast = `(selector => {
	const channels = colour => colour.match(/[\d.]+/g).map(Number);
	const luminance = colour => channels(colour).slice(0, 3).map(c => c / 255)
		.map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
		.reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
	const element = document.querySelector(selector);
	let behind = element;
	while (channels(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
	const [a, b] = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor].map(luminance);
	return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
})`

func TestLightAndDark(t *testing.T) {
	s, b := newSite(t), openTab(t)
	grounds := make(map[string]string)
	for _, scheme := range []string{"light", "dark"} {
		call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		b.open(s.page())
		grounds[scheme] = eval[string](b, "getComputedStyle(document.body).backgroundColor")
		for _, selector := range []string{"h1", "h1 span", ".when", "nav a", "a[aria-current]", ".cards dt", ".cards dd", "td", "th", ".place", ".facts", ".legend", "summary", ".note"} {
			require.GreaterOrEqual(t, eval[float64](b, contrast+"('"+selector+"')"), 4.5, "%s: %s", scheme, selector)
		}
		b.picture(scheme)
	}
	require.NotEqual(t, grounds["light"], grounds["dark"])
	b.mustBeClean(s)
}

func TestNarrowScreens(t *testing.T) {
	s, b := newSite(t), openTab(t)
	for _, width := range []int64{320, 390, 768, 1920} {
		call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 800, DeviceScaleFactor: 1})
		b.open(s.page())
		b.click("summary", "Chains")
		require.LessOrEqual(t, eval[int](b, "document.documentElement.scrollWidth"), int(width), "the page scrolls sideways")
		b.picture(fmt.Sprint(width))
	}
	b.mustBeClean(s)
}

// The browser obeys the page's policy: injected code would not run, and injected elements
// would load nothing.
func TestPolicy(t *testing.T) {
	s, b := newSite(t), openTab(t)
	b.open(s.page())
	eval[bool](b, `(() => {
		const script = document.createElement('script');
		script.textContent = 'window.ran = true';
		const image = new Image();
		image.src = location.origin + '/image';
		document.body.append(script, image);
		return true;
	})()`)
	require.Eventually(t, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.faults) == 2
	}, time.Minute, 10*time.Millisecond, "the browser reports both")
	require.False(t, eval[bool](b, "'ran' in window"))
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("fetch('http://127.0.0.1:1/').then(() => 'fetched')", chromedp.EvalAwaitPromise))
	require.ErrorContains(t, err, "Failed to fetch")
	require.False(t, eval[bool](b, "'ran' in window"))
}
