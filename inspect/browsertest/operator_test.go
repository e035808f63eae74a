package browsertest

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

// TestWhatOperatorsLookFor has tasks that wait for a named mutex, a step that took too long, and a page
// that refreshes itself: ages grow, and tables sort by them.
func TestWhatOperatorsLookFor(t *testing.T) {
	s, b := newSite(t), openTab(t)
	coro.NameWaitable(&door, "the front door")
	defer coro.NameWaitable(&door, "")
	slow := coro.Define("slow step", func(f *coro.Frame[none, none]) coro.Step {
		for len(s.pool.Stats().BlockedKinds) == 0 || s.pool.Stats().BlockedKinds[0].Stack == "" {
			time.Sleep(time.Millisecond)
		}
		return f.Return(none{})
	})
	_, err := coro.Run(t.Context(), s.pool, slow.With(none{}))
	require.NoError(t, err)
	b.open(s.page() + "?refresh=1")
	text := "document.getElementById('executor-0').innerText"
	require.Contains(t, eval[string](b, text), "the front door")
	require.Contains(t, eval[string](b, text), "locked")
	require.Contains(t, eval[string](b, text), "slow step")
	b.click("#executor-0 td summary", "20")
	b.until("document.querySelector('#executor-0 pre').innerText.includes('TestWhatOperatorsLookFor')")

	const rows = "[...document.querySelectorAll('#executor-0 tbody')[0].rows]"
	b.until(rows + ".some(r => Number(r.cells[5].dataset.value) >= 1000)")
	b.click("#executor-0 th", "oldest")
	ages := eval[[]float64](b, rows+".map(r => Number(r.cells[5].dataset.value))")
	for i := range ages[1:] {
		require.GreaterOrEqual(t, ages[i], ages[i+1])
	}
	require.True(t, eval[bool](b, "document.querySelector('#executor-0 td details').open"), "it stays open after a refresh")
	b.picture("operators")
	call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 400, Height: 800, DeviceScaleFactor: 1})
	require.LessOrEqual(t, eval[int](b, "document.documentElement.scrollWidth"), 400)
	b.picture("operators-400")
	b.mustBeClean(s)
}
