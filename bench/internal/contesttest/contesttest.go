// Package contesttest tests contestants.
package contesttest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/bench/internal/contest"
)

// Run takes a short sample of each contestant that is part of this program. The contestants
// check their results. sizes has the sizes of the disciplines that have one, by ID.
func Run(t *testing.T, disciplines []contest.Discipline, sizes map[string]int) {
	for _, d := range disciplines {
		t.Run(d.ID, func(t *testing.T) {
			size, sized := sizes[d.ID]
			require.Equal(t, d.Size > 0, sized)
			names, ours := map[string]bool{}, 0
			for _, c := range d.Contestants {
				require.False(t, names[c.Name], "two are called %q", c.Name)
				names[c.Name] = true
				require.NotEmpty(t, c.Lang)
				if c.Role == contest.Ours {
					ours++
				}
				if c.Program != "" {
					require.Nil(t, c.Sample)
					continue
				}
				t.Run(c.Name, func(t *testing.T) {
					m, err := c.Sample(contest.Plan{Size: size})
					if err != nil {
						require.ErrorIs(t, err, contest.ErrMissing)
						return
					}
					for _, metric := range d.Metrics {
						require.Contains(t, m, metric.Key)
					}
				})
			}
			require.Positive(t, ours, "nothing to compare with")
		})
	}
}
