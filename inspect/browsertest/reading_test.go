package browsertest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/stretchr/testify/require"
)

// visible is whether the notice of a stalled server is in the window.
const visible = "(e => getComputedStyle(e).display != 'none' && e.getBoundingClientRect().top >= 0 && e.getBoundingClientRect().bottom <= innerHeight)(document.querySelector('.stale'))"

// TestStalledServer has a server that accepts requests and does not answer. The notice is where
// the reader looks, at the end of the page too, and goes when an answer comes.
func TestStalledServer(t *testing.T) {
	s, b := newSite(t), openTab(t)
	target, err := url.Parse(s.URL)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	var stalled atomic.Bool
	goOn := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if stalled.Load() {
			<-goOn
		}
		proxy.ServeHTTP(w, r)
	}))
	defer slow.Close()
	b.open(slow.URL + "/debug/framearena/?refresh=1")
	eval[bool](b, "scrollTo(0, document.body.scrollHeight); true")
	require.False(t, eval[bool](b, visible))
	stalled.Store(true)
	b.until(visible)
	b.picture("stalled")
	stalled.Store(false)
	close(goOn)
	b.until("!" + visible)
}

func TestFilterSortAndCopy(t *testing.T) {
	s, b := newSite(t), openTab(t)
	b.open(s.page() + "?refresh=1")
	const rows = "[...document.querySelectorAll('#executor-0 tbody')[0].rows].filter(r => r.offsetParent)"
	first := rows + "[0].innerText"
	require.Contains(t, eval[string](b, first), "40,000")

	b.click("#executor-0 th", "tasks") // the largest first, as before
	require.Contains(t, eval[string](b, first), "40,000")
	b.click("#executor-0 th", "tasks")
	require.Equal(t, "ascending", eval[string](b, "document.querySelector('#executor-0 th').ariaSort"))
	require.NotContains(t, eval[string](b, first), "40,000")
	order := eval[[]string](b, rows+".map(r => r.cells[0].innerText)")
	require.Equal(t, "40,000", order[len(order)-1])

	eval[bool](b, "(f => { f.value = 'FETCH'; f.dispatchEvent(new Event('input')); return true })(document.querySelector('nav input'))")
	require.Equal(t, 1, eval[int](b, rows+".length"))
	require.Contains(t, eval[string](b, first), "fetch page")

	// Both outlive a refresh.
	eval[bool](b, "window.before = document.querySelector('time').dateTime; true")
	b.until("document.querySelector('time').dateTime > window.before")
	require.Equal(t, 1, eval[int](b, rows+".length"))
	eval[bool](b, "(f => { f.value = ''; f.dispatchEvent(new Event('input')); return true })(document.querySelector('nav input'))")
	require.Equal(t, order[0], eval[string](b, rows+"[0].cells[0].innerText"))

	// A page without TLS may not use the clipboard's interface.
	eval[bool](b, "window.copied = ''; Object.defineProperty(navigator, 'clipboard', {value: undefined}); document.execCommand = () => { window.copied = document.activeElement.value; return true }; true")
	b.click("nav button", "copy as text")
	b.until("window.copied.includes('fetch page') && window.copied.includes('40,000')")
	b.until("document.querySelector('nav button').innerText == 'copied'")
	b.mustBeClean(s)
}

// TestNarrowTables has a phone: the columns that say what waits, and how many, fit into the window.
func TestNarrowTables(t *testing.T) {
	s, b := newSite(t), openTab(t)
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 400, Height: 800, DeviceScaleFactor: 1})
	b.open(s.page())
	require.LessOrEqual(t, eval[int](b, "document.documentElement.scrollWidth"), 400)
	require.LessOrEqual(t, eval[float64](b, "document.querySelector('#executor-0 tbody .k').getBoundingClientRect().right"), 400.0)
	b.picture("400-tables")
	b.mustBeClean(s)
}
